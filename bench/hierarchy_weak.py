"""What coarse labels give back, and what backing off buys: the linear tree model or a network.

    python -m bench.hierarchy_weak --sets fashion medical --seeds 5 --images docs/images --out weak.json
    python -m bench.hierarchy_weak --sets fashion --model bilstm --work CACHE --seeds 3 --images docs/images

Weak supervision: the finest label of a share of the training rows is hidden; these rows are left out, or
kept with what is still known: unknown levels masked, and for the network also by marginal likelihood
below the known node. The network is heads on a frozen BiLSTM, which was trained from scratch on all rows
and their coarser labels (kept in --work), with as many steps in all ways. The
gain of keeping them is paired by product over all splits, with its 95 % interval. Back-off: for each
confidence, the share of correct answers against how informative they are (1 a leaf, 0 the root), on the
splits without hidden labels; flat is made coherent first. With --work what was measured is kept, and an
interrupted call goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench._trees import (
    CONFIDENCES,
    SETS,
    answers_of,
    gains,
    hits,
    make_task,
    means,
    open_set,
    title_settings,
)
from bench.plots import bands
from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.hierarchy import operating_curve
from mep3m.label_tree.probabilities import make_coherent
from mep3m.label_tree.tree import LabelTree
from mep3m.settings.run import Hierarchy
from mep3m.settings.training import Loss
from mep3m.store.json_files import write_json
from mep3m.training.linear.fit import train
from mep3m.training.task import Task, clear_checkpoints

SHARES = (0.0, 0.25, 0.5, 0.75, 0.9)
#: model -> what is done with the rows whose finest label is hidden
WAYS = {"linear": ("kept", "left out"), "bilstm": ("kept", "kept, marginal", "left out")}
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


def learn(args: argparse.Namespace, learned: Dataset, task: Task, loss: Loss) -> Any:
    """Return the classifier of a task: the linear model, or heads on a frozen BiLSTM."""
    if args.model == "linear":
        return train(task, Path()).classifier
    from mep3m.settings.network import NetworkSettings
    from mep3m.settings.training import TrainingSettings
    from mep3m.training.frozen import joined_settings, train_on_frozen

    network = NetworkSettings(hierarchy=task.hierarchy, hidden=(256,))
    # few rows are seen as often as many, so that all heads take as many steps
    passes = min(round(10 * len(learned) / len(task.train)), 100)
    training = TrainingSettings(
        epochs=passes, batch=128, learning_rate=1e-3, average=None, label_smoothing=0.0, loss=loss
    )
    backbone, folder = coarse_backbone(args, learned, task), args.work / "heads"
    fitted = train_on_frozen(task, [backbone], joined_settings([backbone], network), training, folder)
    clear_checkpoints(folder)
    return fitted.classifier


def coarse_backbone(args: argparse.Namespace, learned: Dataset, task: Task) -> Any:
    """Return a BiLSTM trained on all rows and their labels above the finest level, kept in --work."""
    from mep3m.models.networks.classifier import load
    from mep3m.settings.network import NetworkSettings
    from mep3m.settings.training import TrainingSettings
    from mep3m.training.network import train_network

    seed = task.settings.seed
    folder = args.work / f"{args.set}-coarse-{seed}"
    if not (folder / "classifier.json").exists():
        coarse = [path[: task.tree.depth - 1] for path in learned.paths]
        tree = LabelTree.from_paths(coarse)
        whole = replace(
            task, tree=tree, codes=tree.encode(coarse), train=np.arange(len(coarse)), valid=task.valid[:0]
        )
        text = title_settings(args.set)
        training = TrainingSettings(epochs=6, batch=128, seed=seed)
        train_network(whole, NetworkSettings(title=text), training, folder)[0].save(folder)
    return load(folder)


def answered(
    args: argparse.Namespace,
    sides: tuple[Dataset, Dataset],
    codes: Any,
    rows: Any,
    seed: int,
    how: tuple[Hierarchy, Loss],
) -> tuple[LabelTree, Any]:
    """Return the tree and the coherent probabilities of the test rows; `how` is the order and the loss."""
    learned, tested = sides
    order, loss = how
    tree = LabelTree.from_paths(learned.paths)
    task = make_task(learned, tree, codes, order, seed, {})
    kept = rows & (codes >= 0).any(axis=1)
    task = replace(task, train=task.train[kept[task.train]], valid=task.valid[kept[task.valid]])
    return tree, make_coherent(tree, learn(args, learned, task, loss).predict_proba(tested.products))


def kept_file(args: argparse.Namespace, key: str, make: Callable[[], Floats]) -> Floats:
    """Return what `make` returns, from the folder --work where it is there already."""
    file = args.work / f"{args.set}-{args.model}-{key}.npy" if args.work else None
    if file is not None and file.exists():
        return np.asarray(np.load(file))
    found = make()
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, found)
    return found


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return the hits by (share, way) and the operating curves by order, one of each a seed."""
    found: dict[tuple[float, str], list[Floats]] = {}
    curves: dict[Hierarchy, list[Floats]] = {"coarse-to-fine": [], "flat": []}
    for seed in range(10, 10 + args.seeds):
        sides = open_set(args.set, seed)
        truth = sides[1].paths
        codes = LabelTree.from_paths(sides[0].paths).encode(sides[0].paths)
        every = np.ones(len(codes), dtype=bool)
        for share in SHARES:
            masked, lost = hidden(codes, share, seed)
            for way in WAYS[args.model] if share else ("kept",):
                rows = ~lost if way == "left out" else every
                loss: Loss = "marginal" if "marg" in way else "cross_entropy"
                make = partial(answered, args, sides, masked, rows, seed, ("coarse-to-fine", loss))
                scored = kept_file(args, f"{seed}-{share}-{way}", lambda: hits(*answers_of(*make()), truth))  # noqa: B023
                found.setdefault((share, way), []).append(scored)
                print(args.set, seed, share, way, means(scored).round(4), flush=True)
        for order, runs in curves.items():
            make = partial(answered, args, sides, codes, every, seed, (order, "cross_entropy"))
            runs.append(kept_file(args, f"{seed}-curve-{order}", lambda: curve(*make(), truth)))  # noqa: B023
    return {"hits": found, "curves": curves}


def curve(tree: LabelTree, proba: Any, truth: Any) -> Floats:
    """Return (confidences, 2): how informative the answers are, and the share that is correct."""
    points = operating_curve(tree, proba, tree.encode(truth), CONFIDENCES)
    return np.array([(point.informative, point.correct) for point in points])


def table(found: dict[tuple[float, str], list[Floats]]) -> list[dict[str, Any]]:
    """Return a row a share and way of keeping: the means, and the gain over leaving the rows out."""
    rows = []
    for (share, way), runs in sorted(found.items()):
        if not share or way == "left out":
            continue
        kept, left = np.concatenate(runs), np.concatenate(found[share, "left out"])
        rows.append(
            {
                "hidden": share,
                "way": way,
                "without": means(left).round(4).tolist(),
                "with": means(kept).round(4).tolist(),
                "gain": (100 * gains(kept, left)).round(2).tolist(),
            }
        )
    return rows


def show(name: str, rows: list[dict[str, Any]], whole: Floats) -> None:
    depth = len(rows[0]["with"]) - 1
    heads = [f"level {level}" for level in range(1, depth + 1)] + ["hF"]
    print(f"\n{name}: nothing hidden {means(whole).round(4).tolist()}; without -> with (gain, 95 %)\n")
    print("| hidden | way | " + " | ".join(heads) + " |\n|---|---|" + "---|" * len(heads))
    for row in rows:
        cells = [
            f"{a:.4f} -> {b:.4f} ({gain:+.2f}, {low:+.2f} to {high:+.2f})"
            for a, b, (gain, low, high) in zip(row["without"], row["with"], row["gain"], strict=True)
        ]
        print(f"| {row['hidden']:.0%} | {row['way']} | " + " | ".join(cells) + " |")


def draw(args: argparse.Namespace, found: dict[str, Any]) -> None:
    """Draw both figures of a set, bands from the worst to the best split."""
    level = found["hits"][0.0, "kept"][0].shape[1] - 3
    series: dict[str, list[tuple[float, float, float, float]]] = {}
    for way in WAYS[args.model]:
        for share in SHARES:
            runs = found["hits"][(share, way) if share else (0.0, "kept")]
            tops = [float(means(run)[level - 1]) for run in runs]
            series.setdefault(way, []).append((100 * share, float(np.mean(tops)), min(tops), max(tops)))
    name = args.set if args.model == "linear" else f"{args.set}-{args.model}"
    axes = ("rows whose finest label is hidden, %", f"top-1 at level {level}")
    bands(args.images / f"weak-{name}.svg", f"{name}: rows with only a coarse label", axes, series)
    curves = {}
    for order, runs in found["curves"].items():
        points = np.array(runs)
        centre, low, high = points.mean(0), points[..., 1].min(0), points[..., 1].max(0)
        curves[order] = [(x, y, a, b) for (x, y), a, b in zip(centre.tolist(), low, high, strict=True)]
    axes = ("informative (1: a leaf, 0: no answer)", "correct")
    bands(args.images / f"back-off-{name}.svg", f"{name}: back-off at rising confidence", axes, curves)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=(*SETS, "simulator"), default=["fashion", "medical"])
    parser.add_argument("--model", choices=tuple(WAYS), default="linear")
    parser.add_argument("--work", type=Path, help="Folder for what was measured already.")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--images", type=Path, help="Folder for the figures.")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    result: dict[str, dict[str, Any]] = {}
    for name in args.sets:
        args.set = name
        found = measure(args)
        curves = {order: np.array(runs).tolist() for order, runs in found["curves"].items()}
        result[name] = {"weak": table(found["hits"]), "curves": curves}
        show(name, result[name]["weak"], np.concatenate(found["hits"][0.0, "kept"]))
        if args.images:
            draw(args, found)
    if args.out:
        write_json(args.out, result)


if __name__ == "__main__":
    main()
