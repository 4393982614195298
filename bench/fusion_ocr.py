"""What the text on pictures is worth beside title and image, in a late fusion of two parts and of three.

    python -m bench.fusion_ocr --work FOLDER --rows ROWS.jsonl [--readings LINES.jsonl] [--folds 5]
        [--drop-titles 0.3] [--without-images]

ROWS: an object a picture with id, group (a product: never on both sides), image (a path below the folder of
ROWS), title and label. LINES: what `mep3m ocr` wrote of these pictures; without it ROWS have `ocr`.
Each fold learns on the others; a tenth of the groups is held out for the weights, as in a run. Every set of
parts is weighed on the same opinions. `--drop-titles` takes the title of so many of the products, on both
sides. Printed: top-1 and macro F1 of the rows of all folds, then the gains, with 95 % intervals from 1,000
draws of the groups.
"""

from __future__ import annotations

import argparse
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.fusion import part
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import open_products
from mep3m.evaluation.metrics import accuracy, macro_f1
from mep3m.models.late_fusion import fuse, learn_weights
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.training import network
from mep3m.training.linear import fit as linear
from mep3m.training.task import Task, make_task

#: the parts that are fused, and those that each gain is measured against
SETS = ("image", "title", "ocr", "image+ocr", "title+ocr", "image+title", "image+title+ocr")
GAINS = (("image+title+ocr", "image+title"), ("title+ocr", "title"), ("image+ocr", "image"))
OPTIONS: dict[str, dict[str, Any]] = {"title": {}, "ocr": {"title": False, "ocr": True}}


class Fold(NamedTuple):
    """The rows of a fold: their number in all, the true classes, and the answer of every set of parts."""

    rows: NDArray[np.int64]
    truth: list[str]
    answers: dict[str, list[str]]


def read(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows, with the text on each picture, and titles as far as they are left."""
    rows = [json.loads(line) for line in options.rows.read_text("utf-8").splitlines()]
    if options.readings:
        said = [json.loads(line) for line in options.readings.read_text("utf-8").splitlines()]
        texts = {one["image"]: one.get("text") for one in said}
        for row in rows:
            row["ocr"] = texts.get(row["image"]) or texts.get(Path(row["image"]).name)
    groups = sorted({row["group"] for row in rows})
    bare = set(random.Random(5).sample(groups, round(options.drop_titles * len(groups))))
    return [row | {"title": None if row["group"] in bare else row["title"]} for row in rows]


def table(rows: list[dict[str, Any]], file: Path, root: Path) -> Any:
    """Write rows as a table and open it."""
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    columns = Columns(id="id", title="title", image="image", ocr="ocr", labels=("label",))
    return open_products(file, columns, root)


def held_out(task: Task, groups: list[str], seed: int) -> Task:
    """Return the task with a tenth of the groups held out, whatever they have in common."""
    names = sorted(set(groups))
    held = set(random.Random(seed).sample(names, max(1, len(names) // 10)))
    valid = np.array([at for at, group in enumerate(groups) if group in held])
    return replace(task, train=np.setdiff1d(np.arange(len(task)), valid), valid=valid)


def fold(
    rows: list[dict[str, Any]], asked: NDArray[np.int64], number: int, options: argparse.Namespace
) -> Fold:
    """Learn on all rows but those asked for, and answer these."""
    work, root = options.work, options.rows.parent
    learned = [row for at, row in enumerate(rows) if at not in set(asked.tolist())]
    train = table(learned, work / "train.jsonl", root)
    test = table([rows[at] for at in asked], work / "test.jsonl", root)
    settings = RunSettings(modality="image+text", model="late-fusion", seed=number)
    task = make_task(Dataset.of(train.products).labelled(), settings, train.images)
    task = held_out(task, [row["group"] for row in learned], number)
    looks = {"minutes": "none", "crops": "0.89", "mirror": "false", "cache": str(work / "cache")}
    parts = {}
    if not options.without_images:
        parts["image"] = network.train(part(task, "image", "pretrained", looks), work / f"image-{number}")
    for name, own in OPTIONS.items():
        parts[name] = linear.train(part(task, "text", "linear", own), work / name)
    products = Dataset.of(test.products).labelled().products
    told = {name: one.classifier.predict(products, test.images) for name, one in parts.items()}
    names, answers = np.array([path[0] for path in task.tree.paths]), {}
    for key in SETS:
        chosen = key.split("+")
        if not set(chosen) <= set(parts):
            continue
        there = np.stack([parts[name].valid_seen for name in chosen], 1)
        held = [parts[name].valid_proba for name in chosen]
        weights = learn_weights(task.tree, held, task.codes[task.valid], there)
        seen = np.stack([told[name].seen for name in chosen], 1)
        proba = fuse(task.tree, [told[name].proba for name in chosen], weights, seen)
        answers[key] = names[proba.argmax(1)].tolist()
        print(number, key, np.round(weights[0], 2).tolist(), flush=True)
    return Fold(asked, [rows[at]["label"] for at in asked], answers)


def show(folds: list[Fold], groups: list[str], what: str, chosen: NDArray[np.bool_]) -> None:
    """Print the scores of the chosen rows and the gains, with intervals from draws of the groups."""
    truth = [one for each in folds for one in each.truth]
    order = np.concatenate([each.rows for each in folds])
    kept = np.flatnonzero(chosen[order])
    classes = {name: at for at, name in enumerate(sorted(set(truth)))}
    coded = {
        key: np.array([classes.get(a, -1) for each in folds for a in each.answers[key]])[kept]
        for key in folds[0].answers
    }
    right = np.array([classes[one] for one in truth])[kept]
    owner = np.array([groups[at] for at in order])[kept]
    places = [np.flatnonzero(owner == one) for one in np.unique(owner)]
    rng = np.random.default_rng(0)
    draws = [
        np.concatenate([places[at] for at in rng.integers(0, len(places), len(places))]) for _ in range(1000)
    ]

    def score(key: str, at: NDArray[np.int64]) -> NDArray[np.float64]:
        mine, own = np.maximum(coded[key][at], 0), right[at]
        mine = np.where(coded[key][at] < 0, (own + 1) % len(classes), mine)
        return np.array([accuracy(mine, own, len(classes)), macro_f1(mine, own, len(classes))])

    every = np.arange(len(right))
    print(f"{what}: {len(right)} pictures of {len(places)} products, {len(classes)} classes")
    for key in coded:
        print(f"| {key} | {score(key, every)[0]:.3f} | {score(key, every)[1]:.3f} |")
    for more, less in (pair for pair in GAINS if set(pair) <= set(coded)):
        gain = score(more, every) - score(less, every)
        low, high = np.quantile([score(more, at) - score(less, at) for at in draws], [0.025, 0.975], axis=0)
        cells = [f"{gain[i]:+.3f} [{low[i]:+.3f}, {high[i]:+.3f}]" for i in (0, 1)]
        print(f"| {more} - {less} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--readings", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--drop-titles", type=float, default=0.0)
    parser.add_argument("--without-images", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    rows = read(options)
    groups = [row["group"] for row in rows]
    names = sorted(set(groups))
    random.Random(11).shuffle(names)
    folds = []
    for number in range(options.folds):
        mine = set(names[number :: options.folds])
        asked = np.array([at for at, group in enumerate(groups) if group in mine])
        folds.append(fold(rows, asked, number, options))
    titled = np.array([bool(row["title"]) for row in rows])
    show(folds, groups, "all rows", np.ones(len(rows), bool))
    show(folds, groups, "rows with text on the picture", np.array([bool(row.get("ocr")) for row in rows]))
    if not titled.all():
        show(folds, groups, "rows without a title", ~titled)


if __name__ == "__main__":
    main()
