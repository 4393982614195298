"""Make the shipped weights of the evidence method again: `python -m bench.alignment.train`.

Fits (`mep3m.alignment.fitting`) on the declared training split only (`bench/alignment/tasks.py`) and on
the simulator. Finished steps are kept in `--work` and not done again by the same code; the same seed
gives the same weights.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.alignment import data, splits, tasks
from mep3m import alignment
from mep3m.alignment.fitting.fit import fit_weights
from mep3m.alignment.learned import boosted

#: sources whose change makes the kept features, and the kept heads, out of date
_OF_FEATURES = (
    *(f"names/{name}" for name in ("compare.py", "concepts.py", "concepts.txt", "kinds.py", "kinds.txt")),
    "names/in_titles.py",
    *(f"learned/{name}" for name in ("features.py", "products.py", "titles.py")),
    "fitting/cases.py",
)
_OF_HEADS = ("learned/structure.py", "learned/boosted.py", "fitting/heads.py", "fitting/fit.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(boosted.__file__).parent / boosted.WEIGHTS)
    parser.add_argument("--work", type=Path, default=Path("/tmp/mep3m-alignment"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    kept = KeptSteps(options.work, options.seed)
    weights = fit_weights(kept("cases", lambda: list(tasks.training_cases())), options.seed, keep=kept)
    options.out.write_bytes(weights.to_json())
    print(f"{options.out}: {options.out.stat().st_size:,} bytes", file=sys.stderr)


class KeptSteps:
    """Finished steps in a folder of their own code and seed."""

    def __init__(self, work: Path, seed: int) -> None:
        own = Path(alignment.__file__ or "").parent
        digest = _digest([*(own / name for name in _OF_FEATURES), *map(_source, (data, splits, tasks))])
        heads = _digest([own / name for name in _OF_HEADS])
        self._features = work / f"features-{digest}"
        self._heads = self._features / f"heads-{heads}-{seed}"
        self._heads.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, make: Callable[[], Any]) -> Any:
        """Return what is kept under the name, or make and keep it."""
        path = (self._features if name.isdigit() or name == "cases" else self._heads) / f"{name}.pickle"
        if path.exists():
            return pickle.loads(path.read_bytes())
        start = time.perf_counter()
        made = make()
        partly = path.with_suffix(".part")
        partly.write_bytes(pickle.dumps(made, protocol=5))
        partly.rename(path)
        print(f"{path.name}: {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
        return made


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _source(module: Any) -> Path:
    return Path(module.__file__)


if __name__ == "__main__":
    main()
