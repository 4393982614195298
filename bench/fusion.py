"""What late fusion gains over its parts: on halves of a training side, and on several grouped splits.

    python -m bench.fusion --work fusion.work [--epochs 9]
    python -m bench.fusion --work fusion.work --seeds 10 11 12 --epochs 5

Without `--seeds`, the training side of img_fashion_9583 (`bench.image_sets`) is halved by groups, both parts
learn on one half, and the weights learned on a fifth of the other (as many rows as a real run holds out)
score its next fifth; the test side is not touched. With `--seeds`, the whole set is split 80/20 by groups of
images and titles, the parts and weights are learned as by `mep3m train`, and the test side is scored. What
the parts say is kept in `--work`. Intervals: 1,000 bootstrap draws of the rows of all splits, paired.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.image_quality import columns_of
from bench.image_sets import DATA, SETS, rows_of, write_table
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import Opened, open_products
from mep3m.evaluation.metrics import accuracy, macro_f1
from mep3m.label_tree.probabilities import by_name, make_coherent
from mep3m.label_tree.tree import LabelTree
from mep3m.models.late_fusion import fuse, learn_weights
from mep3m.settings.run import RunSettings
from mep3m.store.json_files import read_json, write_json
from mep3m.training import network
from mep3m.training.linear import fit as linear
from mep3m.training.task import Task, make_task

FOLDS = 5


class Told(NamedTuple):
    """Codes (N, depth) of some rows, and what image and text say of them (N, C)."""

    codes: np.ndarray
    image: np.ndarray
    text: np.ndarray

    def take(self, rows: np.ndarray) -> Told:
        """Return some of the rows."""
        return Told(*(part[rows] for part in self))


def part(task: Task, modality: str, model: str, options: dict[str, Any]) -> Task:
    changes = {"modality": modality, "model": model, "options": options, "hierarchy": "flat"}
    return replace(task, settings=task.settings.model_copy(update=changes))


def opened(work: Path, seed: int) -> tuple[Opened, Opened]:
    """Return the sides of the grouped split of a seed."""
    sides = []
    for name, rows in zip(("train", "test"), rows_of("fashion", seed), strict=True):
        write_table(work / f"{name}-{seed}.tsv", rows)
        table = work / f"{name}-{seed}.tsv"
        sides.append(open_products(table, columns_of("fashion"), DATA / SETS["fashion"].folder))
    return sides[0], sides[1]


def learn(work: Path, name: str, seed: int, share: float, epochs: int) -> tuple[LabelTree, Told, Told]:
    """Return the tree, and what parts that learned on one side say of its held-out and of the test rows."""
    file = work / f"{name}.npz"
    if file.exists():
        stored = np.load(file)
        told = [Told(*(stored[before + key] for key in Told._fields)) for before in ("held-", "")]
        return LabelTree.from_json(read_json(work / f"{name}.json")), told[0], told[1]
    train, test = opened(work, seed)
    settings = RunSettings(modality="image+text", model="late-fusion", seed=seed, valid_share=share)
    task = make_task(Dataset.of(train.products).labelled(), settings, train.images)
    options = {"epochs": epochs, "cache": str(work / "pixels")}
    image = network.train(part(task, "image", "small-cnn", options), work / name)
    text = linear.train(part(task, "text", "linear", {}), work / name)
    asked = Dataset.of(test.products).labelled()
    proba = image.classifier.predict_proba(asked.products, test.images)
    answers = Told(task.tree.encode(asked.paths), proba, text.classifier.predict_proba(asked.products))
    held = Told(task.codes[task.valid], image.valid_proba, text.valid_proba)
    write_json(work / f"{name}.json", task.tree.to_json())
    arrays = {f"held-{key}": value for key, value in held._asdict().items()} | answers._asdict()
    np.savez_compressed(file, **arrays)
    return task.tree, held, answers


def fused(tree: LabelTree, held: Told, asked: Told) -> np.ndarray:
    """Return the fusion of the rows asked for by weights that the held-out rows taught."""
    both = [np.ones((len(side.codes), 2), bool) for side in (held, asked)]
    weights = learn_weights(tree, [held.image, held.text], held.codes, both[0])
    return fuse(tree, [asked.image, asked.text], weights, both[1])


def by_fifths(tree: LabelTree, held: Told) -> np.ndarray:
    """Return the fusion of every row by weights that another fifth of the rows taught."""
    result = np.empty_like(held.image)
    folds = np.array_split(np.random.default_rng(0).permutation(len(held.codes)), FOLDS)
    for fold, scored in zip(folds, [*folds[1:], folds[0]], strict=True):
        result[scored] = fused(tree, held.take(fold), held.take(scored))
    return result


def answers(tree: LabelTree, told: Told, both: np.ndarray, level: int) -> np.ndarray:
    """Return (4, N) names of a level: the truth and the answers of image, text and fusion."""
    rows = np.flatnonzero(told.codes[:, level - 1] >= 0)
    names, place = tree.names(level)
    truth = place[told.codes[rows, level - 1] - tree.nodes(level).start]
    given = [make_coherent(tree, proba[rows]) for proba in (told.image, told.text, both)]
    best = [by_name(tree, proba, level)[1].argmax(1) for proba in given]
    return np.array(names)[np.stack([truth, *best])]


def show(level: int, splits: list[np.ndarray]) -> None:
    """Print top-1 and macro F1 of a level, the means of the splits, with what fusion gains over the text."""
    coded: list[np.ndarray] = [
        np.unique(split, return_inverse=True)[1].reshape(split.shape) for split in splits
    ]
    rng = np.random.default_rng(0)
    for label, score in (("top-1", accuracy), ("macro F1", macro_f1)):
        values = np.mean([[score(way, rows[0], rows.max() + 1) for way in rows[1:]] for rows in coded], 0)
        gains = []
        for _ in range(1000):
            drawn = [rows[:, rng.integers(0, rows.shape[1], rows.shape[1])] for rows in coded]
            pairs = [[score(rows[k], rows[0], rows.max() + 1) for k in (3, 2)] for rows in drawn]
            gains.append(np.mean([ours - text for ours, text in pairs]))
        gain = values[2] - values[1]
        low, high = np.quantile(gains, [0.025, 0.975]) + gain - np.mean(gains)
        cells = " | ".join(f"{value:.4f}" for value in values)
        print(f"| {level} | {label} | {cells} | {gain:+.4f} [{low:+.4f}, {high:+.4f}] |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--seeds", type=int, nargs="+", default=[])
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    levels: dict[int, list[np.ndarray]] = {}
    for seed in options.seeds or [0]:
        share, name = (0.1, f"seed{seed}") if options.seeds else (0.5, "half")
        tree, held, asked = learn(options.work, name, seed, share, options.epochs)
        told, both = (asked, fused(tree, held, asked)) if options.seeds else (held, by_fifths(tree, held))
        for level in range(1, tree.depth + 1):
            levels.setdefault(level, []).append(answers(tree, told, both, level))
    print(f"{levels[1][0].shape[1]:,} rows, {len(levels[1])} splits\n")
    print("| level | score | image | text | fusion | fusion − text |\n|---|---|---|---|---|---|")
    for level, splits in levels.items():
        show(level, splits)


if __name__ == "__main__":
    main()
