"""What coarse labels give back, and what backing off buys: the linear tree model, with two figures.

    python -m bench.hierarchy_weak --sets fashion medical --seeds 5 --images docs/images --out weak.json

Weak supervision: the finest label of a share of the training rows is hidden; these rows are left out, or
kept with what is still known. The gain of keeping them is paired by product over all splits, with its
95 % interval. Back-off: for each confidence, the share of correct answers against how informative they
are (1 a leaf, 0 the root), on the splits without hidden labels; flat is made coherent first.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench._trees import SETS, answers_of, gains, hits, make_task, means, open_set
from bench.plots import bands
from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.hierarchy import operating_curve
from mep3m.models.labels import LabelTree
from mep3m.models.tree import make_coherent
from mep3m.store.files import write_json
from mep3m.training.linear import train

CONFIDENCES = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99)
SHARES = (0.0, 0.25, 0.5, 0.75, 0.9)
Floats = NDArray[np.float64]


def hidden(codes: NDArray[np.int32], share: float, seed: int) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Return the codes without the deepest label of a share of the rows, and which rows lost it."""
    lost = np.zeros(len(codes), dtype=bool)
    lost[np.random.default_rng([seed, 1]).permutation(len(codes))[: round(share * len(codes))]] = True
    known = codes >= 0
    deepest = codes.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    masked = codes.copy()
    masked[lost, deepest[lost]] = -1
    return masked, lost


def answered(learned: Dataset, tested: Dataset, order: str, codes: Any, rows: Any, seed: int) -> Any:
    """Return the tree and the coherent probabilities of the test rows, learned from some rows."""
    tree = LabelTree.from_paths(learned.paths)
    task = make_task(learned, tree, codes, order, seed, {})
    kept = rows & (codes >= 0).any(axis=1)
    task = replace(task, train=task.train[kept[task.train]], valid=task.valid[kept[task.valid]])
    return tree, make_coherent(tree, train(task, Path()).classifier.predict_proba(tested.products))


def measure(name: str, seeds: int) -> dict[str, Any]:
    """Return the hits by (share, kept) and the operating curves by order, one of each a seed."""
    found: dict[tuple[float, str], list[Floats]] = {}
    curves: dict[str, list[list[tuple[float, float]]]] = {"coarse-to-fine": [], "flat": []}
    for seed in range(10, 10 + seeds):
        learned, tested = open_set(name, seed)
        codes = LabelTree.from_paths(learned.paths).encode(learned.paths)
        every = np.ones(len(codes), dtype=bool)
        for share in SHARES:
            masked, lost = hidden(codes, share, seed)
            for kept, rows in (("with", every), ("without", ~lost)):
                if share or kept == "with":
                    tree, proba = answered(learned, tested, "coarse-to-fine", masked, rows, seed)
                    found.setdefault((share, kept), []).append(hits(*answers_of(tree, proba), tested.paths))
                    print(name, seed, share, kept, means(found[share, kept][-1]).round(4), flush=True)
        for order, runs in curves.items():
            tree, proba = answered(learned, tested, order, codes, every, seed)
            points = operating_curve(tree, proba, tree.encode(tested.paths), CONFIDENCES)
            runs.append([(point.informative, point.correct) for point in points])
    return {"hits": found, "curves": curves}


def table(found: dict[tuple[float, str], list[Floats]]) -> list[dict[str, Any]]:
    """Return a row a share: means of both ways, the gain of keeping coarse rows, and what was lost."""
    rows = []
    whole = np.concatenate(found[0.0, "with"])
    for share in SHARES[1:]:
        kept, left = (np.concatenate(found[share, way]) for way in ("with", "without"))
        rows.append(
            {
                "hidden": share,
                "without": means(left).round(4).tolist(),
                "with": means(kept).round(4).tolist(),
                "gain": (100 * gains(kept, left)).round(2).tolist(),
                "lost": (100 * (means(whole) - means(left))).round(2).tolist(),
            }
        )
    return rows


def show(name: str, rows: list[dict[str, Any]], whole: Floats) -> None:
    depth = len(rows[0]["with"]) - 1
    heads = [f"level {level}" for level in range(1, depth + 1)] + ["hF"]
    print(f"\n{name}: nothing hidden {means(whole).round(4).tolist()}; without -> with (gain, 95 %)\n")
    print("| hidden | " + " | ".join(heads) + " |\n|---|" + "---|" * len(heads))
    for row in rows:
        cells = [
            f"{a:.4f} -> {b:.4f} ({gain:+.2f}, {low:+.2f} to {high:+.2f})"
            for a, b, (gain, low, high) in zip(row["without"], row["with"], row["gain"], strict=True)
        ]
        print(f"| {row['hidden']:.0%} | " + " | ".join(cells) + " |")


def draw(name: str, found: dict[str, Any], folder: Path) -> None:
    """Draw both figures of a set, bands from the worst to the best split."""
    level = found["hits"][0.0, "with"][0].shape[1] - 3
    series: dict[str, list[tuple[float, float, float, float]]] = {}
    for way, label in (("with", "kept with the coarse label"), ("without", "left out")):
        for share in SHARES:
            runs = found["hits"].get((share, way), found["hits"][0.0, "with"] if not share else [])
            tops = [float(means(run)[level - 1]) for run in runs]
            series.setdefault(label, []).append((100 * share, float(np.mean(tops)), min(tops), max(tops)))
    axes = ("rows whose finest label is hidden, %", f"top-1 at level {level}")
    bands(folder / f"weak-{name}.svg", f"{name}: rows with only a coarse label", axes, series)
    curves = {}
    for order, runs in found["curves"].items():
        points = np.array(runs)
        centre, low, high = points.mean(0), points[..., 1].min(0), points[..., 1].max(0)
        curves[order] = [(x, y, a, b) for (x, y), a, b in zip(centre.tolist(), low, high, strict=True)]
    axes = ("informative (1: a leaf, 0: no answer)", "correct")
    bands(folder / f"back-off-{name}.svg", f"{name}: back-off at rising confidence", axes, curves)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=(*SETS, "simulator"), default=["fashion", "medical"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=Path, help="Folder for the figures.")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    result = {}
    for name in args.sets:
        found = measure(name, args.seeds)
        result[name] = {"weak": table(found["hits"]), "curves": found["curves"]}
        show(name, result[name]["weak"], np.concatenate(found["hits"][0.0, "with"]))
        if args.images:
            draw(name, found, args.images)
    if args.out:
        write_json(args.out, result)


if __name__ == "__main__":
    main()
