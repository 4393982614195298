"""Write `golden.json` again, after a change of words or draw: `python -m tests.simulator.make_golden`."""

import tempfile
from pathlib import Path

from mep3m.simulator import SimulatorSettings, simulate
from mep3m.store.filesystem import hash_file
from mep3m.store.json_files import write_json

GOLDEN = Path(__file__).parent / "golden.json"
#: images depend on the versions of Pillow and of the fonts; texts on nothing but the settings
SETTINGS = SimulatorSettings(products=120, platforms=6, seed=42, images=False, defects=0.2, vague=0.5)


def golden(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every text file of the world."""
    world = simulate(folder / "world", SETTINGS)
    files = [
        path for path in sorted(world.folder.rglob("*")) if path.suffix in (".csv", ".tsv", ".jsonl", ".toml")
    ]
    files += [world.catalogue("pinshang"), world.folder / "truth" / "taxonomy.json"]
    return {path.relative_to(world.folder).as_posix(): hash_file(path) for path in files}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        write_json(GOLDEN, golden(Path(scratch)))
