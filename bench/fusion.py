"""What late fusion gains over its parts, on half of a set: more rows than a test split has.

    python -m bench.fusion --work fusion.work [--epochs 9]

The training side of img_fashion_9583 (`bench.image_sets`) is halved by groups. Both parts learn on one
half; the other is cut into fifths, and the weights learned on one fifth (as many rows as a real run
holds out) score the next. Intervals: 1,000 bootstrap draws of the rows. The test side is not touched.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.image_quality import columns_of, tables
from bench.image_sets import DATA, SETS
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import open_products
from mep3m.evaluation.calibration import accuracy, macro_f1
from mep3m.models.labels import LabelTree
from mep3m.models.late_fusion import fuse, learn_weights
from mep3m.models.tree import by_name
from mep3m.settings.run import RunSettings
from mep3m.training import linear, network
from mep3m.training.task import Task, make_task

FOLDS = 5


def part(task: Task, modality: str, model: str, options: dict[str, Any]) -> Task:
    changes = {"modality": modality, "model": model, "options": options}
    return replace(task, settings=task.settings.model_copy(update=changes))


def opinions(work: Path, epochs: int) -> tuple[LabelTree, np.ndarray, np.ndarray, np.ndarray]:
    """Return the tree, the held-out codes, and what image and text say of them (N, C)."""
    train, _ = tables("fashion", work)
    opened = open_products(train, columns_of("fashion"), DATA / SETS["fashion"].folder)
    settings = RunSettings(modality="image+text", model="late-fusion", valid_share=0.5)
    task = make_task(Dataset.of(opened.products).labelled(), settings, opened.images)
    image = network.train(part(task, "image", "small-cnn", {"epochs": epochs}), work / "big")
    text = linear.train(part(task, "text", "linear", {}), work / "text")
    return task.tree, task.codes[task.valid], image.valid_proba, text.valid_proba


def fused(tree: LabelTree, codes: np.ndarray, image: np.ndarray, text: np.ndarray) -> np.ndarray:
    """Return the fusion of every row by weights that another fifth of the rows taught."""
    result = np.empty_like(image)
    folds = np.array_split(np.random.default_rng(0).permutation(len(codes)), FOLDS)
    for fold, scored in zip(folds, [*folds[1:], folds[0]], strict=True):
        both = np.ones((len(codes), 2), bool)
        weights = learn_weights(tree, [image[fold], text[fold]], codes[fold], both[fold])
        result[scored] = fuse(tree, [image[scored], text[scored]], weights, both[scored])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=9)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    tree, codes, image, text = opinions(options.work, options.epochs)
    given = {"image": image, "text": text, "fusion": fused(tree, codes, image, text)}
    print(f"{len(codes):,} held-out rows\n\n| level | score | image | text | fusion | fusion − text |")
    print("|---|---|---|---|---|---|")
    for level in range(1, tree.depth + 1):
        rows = np.flatnonzero(codes[:, level - 1] >= 0)
        names, place = tree.names(level)
        truth = place[codes[rows, level - 1] - tree.nodes(level).start]
        best = {key: by_name(tree, proba[rows], level)[1].argmax(1) for key, proba in given.items()}
        draws = np.random.default_rng(0).integers(0, len(rows), (1000, len(rows)))
        for label, score in (("top-1", accuracy), ("macro F1", macro_f1)):
            values = [score(best[key], truth, len(names)) for key in given]
            gains = [
                score(best["fusion"][draw], truth[draw], len(names))
                - score(best["text"][draw], truth[draw], len(names))
                for draw in draws
            ]
            low, high = np.quantile(gains, [0.025, 0.975])
            cells = " | ".join(f"{value:.4f}" for value in values)
            print(f"| {level} | {label} | {cells} | {values[2] - values[1]:+.4f} [{low:+.4f}, {high:+.4f}] |")


if __name__ == "__main__":
    main()
