"""Text classifiers trained on several label columns, each level by name beside LinearSVC of that level alone.

    python -m bench.text_levels --set medical --split grouped --seeds 4 --first 10

"mep3m" is the default (coarse to fine, with a second opinion on levels of few names), "siblings" the same
without it, "flat" every level by itself. Splits are 80/20; `--split own` trains on the medical set's val.tsv
and scores its test.tsv. Cells are top-1 / macro F1, differences over the splits with their standard error.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import _trees
from bench._peers import linear_svc
from bench._trees import DATA, SETS, answers_of, hits, make_task, means
from bench.text_quality import Split
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import open_products
from mep3m.dataset.splits import split_products
from mep3m.evaluation.metrics import accuracy, macro_f1
from mep3m.label_tree.tree import LabelTree
from mep3m.settings.run import HierarchyStrategy
from mep3m.settings.sources import Columns
from mep3m.training.linear.fit import train

MEDICAL = "zh_titles/medical_device_4level"
MORE = {
    "medical": ([f"{MEDICAL}/val.tsv"], SETS["medical"][1]),
    "taobao": (["zh_titles/taobao_2019/items.tsv"], Columns(title="title", labels=("l1", "l2"))),
    "instacart": (["en_instacart/products.tsv"], Columns(title="name", labels=("department", "aisle"))),
}
WAYS: dict[str, tuple[HierarchyStrategy, dict]] = {
    "mep3m": ("coarse-to-fine", {}),
    "siblings": ("coarse-to-fine", {"names": 0}),
    "flat": ("flat", {}),
}


def sides(name: str, split: Split, seed: int) -> tuple[Dataset, Dataset]:
    whole = Dataset.of(_trees._tables(name)).labelled()
    if split == "own":
        test = open_products(DATA / MEDICAL / "test.tsv", SETS["medical"][1])
        return whole, Dataset.of(test.products).labelled()
    return whole.sides(split_products(whole.products, split, 0.2, seed))


def scored(answers: list[list[str]], truth: Sequence[tuple[str, ...]], depth: int) -> list[float]:
    """Return top-1 and macro F1 of each level; `answers` hold the names of a row's levels."""
    found = []
    for level in range(depth):
        rows = [row for row, path in enumerate(truth) if len(path) > level]
        told = [[column[row][level] for row in rows] for column in (answers, truth)]
        names, codes = np.unique(np.array(told), return_inverse=True)
        codes = codes.reshape(2, -1)
        found += [score(codes[0], codes[1], len(names)) for score in (accuracy, macro_f1)]
    return found


def ours(
    learned: Dataset, tested: Dataset, order: HierarchyStrategy, options: dict, seed: int
) -> tuple[list[float], float]:
    """Return the scores of every level, then hF, and the processor seconds of the training."""
    tree = LabelTree.from_paths(learned.paths)
    task = make_task(learned, tree, tree.encode(learned.paths), order, seed, options)
    began = time.process_time()
    classifier = train(task, Path()).classifier
    seconds = time.process_time() - began
    paths, names = answers_of(tree, classifier.predict_proba(tested.products))
    hf = float(means(hits(paths, names, tested.paths))[-1])
    return [*scored(names, tested.paths, tree.depth), hf], seconds


def svc(learned: Dataset, tested: Dataset, depth: int) -> list[float]:
    texts = [[text or "" for text in side.products["title"].to_pylist()] for side in (learned, tested)]
    columns = []
    for level in range(depth):
        rows = [row for row, path in enumerate(learned.paths) if len(path) > level]
        labels = [learned.paths[row][level] for row in rows]
        columns.append(linear_svc([texts[0][row] for row in rows], labels, texts[1], Path(), 0)[0])
    return [*scored([list(row) for row in zip(*columns, strict=True)], tested.paths, depth), float("nan")]


def line(name: str, runs: np.ndarray, seconds: float) -> str:
    mean = runs.mean(0)
    cells = [f"{mean[k]:.4f} / {mean[k + 1]:.4f}" for k in range(0, len(mean) - 1, 2)]
    return f"| {name} | {' | '.join(cells)} | {mean[-1]:.4f} | {seconds:.2f} |"


def difference(name: str, gaps: np.ndarray) -> str:
    error = gaps.std(0, ddof=1) / len(gaps) ** 0.5 if len(gaps) > 1 else np.full(gaps.shape[1], np.nan)
    told = [f"{100 * mean:+.2f} ± {100 * one:.2f}" for mean, one in zip(gaps.mean(0), error, strict=True)]
    cells = [" / ".join(told[k : k + 2]) for k in range(0, len(told) - 1, 2)]
    return f"| {name} | {' | '.join(cells)} | {told[-1]} | |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    _trees.SETS.update(MORE)
    parser.add_argument("--set", choices=sorted(_trees.SETS), default="medical")
    parser.add_argument("--split", choices=("random", "grouped", "own"), default="grouped")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first", type=int, default=10)
    args = parser.parse_args()
    found: dict[str, list[list[float]]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in range(args.first, args.first + args.seeds):
        learned, tested = sides(args.set, args.split, seed)
        for name, (order, options) in WAYS.items():
            result, spent = ours(learned, tested, order, options, seed)
            found.setdefault(name, []).append(result)
            seconds.setdefault(name, []).append(spent)
        found.setdefault("LinearSVC", []).append(svc(learned, tested, len(result) // 2))
    runs = {name: np.array(each) for name, each in found.items()}
    levels = " | ".join(f"level {level + 1}" for level in range(len(result) // 2))
    print(f"{args.set}, {args.split}, {args.seeds} splits\n")
    print(f"| model | {levels} | hF | train, CPU s |\n|---|{'---|' * (len(result) // 2 + 2)}")
    for name, each in runs.items():
        print(line(name, each, float(np.median(seconds.get(name, [float("nan")])))))
    for name in ("LinearSVC", "siblings", "flat"):
        print(difference(f"mep3m - {name}, points", runs["mep3m"] - runs[name]))


if __name__ == "__main__":
    main()
