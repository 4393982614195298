"""How large the drift of pictures is said to be: alike batches, and batches with a planted change.

    python -m bench.drift_pictures --images ../shared/data/img_fashion_9583/images

Half of the pictures, drawn at random, are the audit; batches come from the other half, changed as said.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from mep3m.evaluation.promises.drift import TOLD, Counts, counted, effects
from mep3m.imaging.look import Look, looks

Change = Callable[[Look], tuple[int, float]]
CHANGES: dict[str, Change] = {
    "none": lambda one: (one.side, one.brightness),
    "5 % darker": lambda one: (one.side, 0.95 * one.brightness),
    "10 % darker": lambda one: (one.side, 0.9 * one.brightness),
    "20 % darker": lambda one: (one.side, 0.8 * one.brightness),
    "half as bright": lambda one: (one.side, 0.5 * one.brightness),
    "sides two thirds": lambda one: (one.side * 2 // 3, one.brightness),
    "half the sides": lambda one: (one.side // 2, one.brightness),
}


def batch(seen: Sequence[Look], change: Change, share: float) -> Counts:
    """Return a batch in which the first `share` of the pictures is changed."""
    cut = int(share * len(seen))
    pictures = [change(one) for one in seen[:cut]] + [(one.side, one.brightness) for one in seen[cut:]]
    nothing = [None] * len(seen)
    return counted(nothing, nothing, nothing, pictures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    arguments = parser.parse_args()
    files = {path.name: path for path in sorted(arguments.images.iterdir())}
    began = time.process_time()
    read = [one for one in looks([{"id": name} for name in files], lambda row: files[row["id"]]) if one]
    spent = time.process_time() - began
    print(f"{len(read):,} pictures looked at, {1000 * spent / len(read):.2f} ms of the CPU each\n")
    order = np.random.default_rng(0).permutation(len(read)).tolist()
    half = len(read) // 2
    reference = batch([read[n] for n in order[:half]], CHANGES["none"], 0)
    print("| change | changed | batch | sizes | brightness | told |\n|---|---|---|---|---|---|")
    for name, change in CHANGES.items():
        for share in (1.0,) if name == "none" else (0.2, 1.0):
            for size in (200, 2000):
                others = [read[n] for n in order[half : half + size]]
                told = effects(reference, batch(others, change, share))
                found = f"{told['sizes']:.2f} | {told['brightness']:.2f}"
                warned = "yes" if told["effect"] > TOLD else ""
                print(f"| {name} | {share:.0%} | {size:,} | {found} | {warned} |")


if __name__ == "__main__":
    main()
