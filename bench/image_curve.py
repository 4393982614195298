"""Accuracy against processor minutes of fine-tuning: the last stages of a packaged network, or all of it.

    python -m bench.image_curve --out CURVE.json --minutes 6 [--parts full,last]

The recipe is that of `bench.image_peers.fine_tune` (160 pixels, Adam at 3e-4, flips), on grocery's official
parts: finest level, after every pass over the training part; the minutes of the scoring do not count.
`last` trains the last two stages. Frozen networks stand beside it from `bench.image_pretrained`.

    python -m bench.image_curve --out CURVE.json --plot CURVE.svg [--frozen MINUTES:TOP1:LABEL]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from bench.image_peers import fine_tune, pixels_of
from bench.image_sets import DATA, SETS, rows_of

#: name -> stages that are trained
PARTS = {"full": None, "last": 2}
TITLES = {"full": "Lite0, everything trained", "last": "Lite0, last two stages trained"}


def curve(part: str, name: str, minutes: float, seed: int) -> list[tuple[float, float]]:
    """Return processor minutes and top-1 of the finest level after every pass."""
    train, test = rows_of("grocery")
    root, label = DATA / SETS["grocery"].folder, SETS["grocery"].labels[-1]
    classes = sorted({row[label] for row in train})
    truth = torch.tensor([classes.index(row[label]) for row in test])
    asked, points, scoring = pixels_of(test, root, 160), [], 0.0
    for spent, network in fine_tune(train, root, label, seed, minutes, name, PARTS[part]):
        began = time.process_time()
        with torch.no_grad():
            answers = torch.cat([network(some).argmax(1) for some in asked.split(64)])
        points.append((spent - scoring, float((answers == truth).float().mean())))
        scoring += (time.process_time() - began) / 60
        print(part, *(f"{value:.3f}" for value in points[-1]), flush=True)
    return points


def plot(curves: dict[str, list[tuple[float, float]]], frozen: list[str], file: Path) -> None:
    """Draw the curves, and a point for every frozen network."""
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "mep3m"
    figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
    for part, points in curves.items():
        axes.plot(*zip(*points, strict=True), marker="o", markersize=3.5, label=TITLES[part])
    for said, marker in zip(frozen, "s^Dv", strict=False):
        spent, top, label = said.split(":", 2)
        axes.plot([float(spent)], [float(top)], marker=marker, linestyle="", markersize=8, label=label)
    axes.set(
        xlabel="processor minutes, reading of the pictures included", ylabel="top-1, 81 kinds", ylim=(0, 1)
    )
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--parts", default="full,last")
    parser.add_argument("--name", default="tf_efficientnet_lite0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--frozen", action="append", default=[])
    options = parser.parse_args()
    curves = json.loads(options.out.read_text()) if options.out.exists() else {}
    if options.plot:
        plot(curves, options.frozen, options.plot)
        return
    for part in options.parts.split(","):
        curves[part] = curve(part, options.name, options.minutes, options.seed)
        options.out.write_text(json.dumps(curves))


if __name__ == "__main__":
    main()
