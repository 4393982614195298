"""Kill -9 an ingest at random moments, many times, and compare the store with an undisturbed one.

python -m bench.faults --kills 200 --workers 2
"""

import argparse
import json
import random
import subprocess
import tempfile
import time
from pathlib import Path

from tests.sources.ingest.shop import content, rows, take_in, write_images, write_shop
from tests.sources.ingest.test_faults import command, environment, killed_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--products", type=int, default=1500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=450, help="stop after this long")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    result = {"kills": 0, "finished_before_the_kill": 0, "stores": 0, "different": 0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_shop(folder, [*rows(options.products), *rows(7)])
        images = write_images(folder / "images", range(options.products - 20))
        take_in(path, folder / "whole", images=str(images))
        whole = content(folder / "whole")
        started = time.perf_counter()
        subprocess.run(
            command(path, folder / "timed", images, options.workers), env=environment(), check=True
        )
        usual = time.perf_counter() - started
        begin = time.perf_counter()
        while result["kills"] < options.kills and time.perf_counter() - begin < options.seconds:
            store = folder / f"store{result['stores']}"
            for _ in range(chance.randint(1, 6)):
                arguments = command(path, store, images, options.workers)
                if killed_run(arguments, chance.uniform(0.1, 1.0) * usual):
                    result["kills"] += 1
                else:
                    result["finished_before_the_kill"] += 1
            subprocess.run(command(path, store, images, options.workers), env=environment(), check=True)
            result["stores"] += 1
            result["different"] += content(store) != whole
    print("| kills -9 | ended before the kill | stores compared | stores that differ |\n|---|---|---|---|")
    print("| {kills} | {finished_before_the_kill} | {stores} | {different} |".format(**result))
    if options.out:
        options.out.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
