"""New classes in increments: accuracy on old and new ones beside training everything together.

    python -m bench.learn --work FOLDER [--sets grocery,retail,medical] [--seeds 0,1,2,3,4] [--cache FOLDER]
        [--methods ridge,prototypes,finetune,together] [--plot CURVES.svg]

A seed draws the new classes and ten products of each; they are learned in five increments. Pictures are
encoded once (`--cache` may hold them already). Printed for each method, with 95 % t-intervals over the seeds:
accuracy on old and new classes and all, what the classes of training have lost, and what training together
gives. Beside them: the nearest centred class mean on the features of the packaged network as they are
(SimpleShot), or on the tf-idf of titles.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from scipy import stats

from bench.image_sets import DATA, rows_of, write_table
from bench.plots import bands
from mep3m.arrays import unit_length
from mep3m.assignment.run import Run
from mep3m.dataset.reading import Opened, open_products
from mep3m.evaluation.increments import right_answers, score_increment, true_nodes
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Classifier, Prediction
from mep3m.models.features import frozen_features, open_backbone
from mep3m.models.learned.extend import ClassRows, ExtendedPart, extended
from mep3m.models.learned.heads import METHODS
from mep3m.models.learned.statistics import ClassStatistics
from mep3m.models.linear.ngrams import Grams, GramVocabulary, encode_texts
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.recipes.classify import train_run
from mep3m.recipes.learning import LearnSettings, learn_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.training.network import only

SHOTS, INCREMENTS = 10, 5
#: set -> label columns, new classes of an increment, products that a class has to have
SETS: dict[str, tuple[tuple[str, ...], int, int]] = {
    "grocery": (("group", "coarse", "fine"), 10, 1),
    "grocery-one": (("group", "coarse", "fine"), 10, 1),
    "retail": (("label",), 2, 30),
    "medical": (("label",), 10, 12),
}
TITLES = DATA / "zh_titles"
MEDICAL = TITLES / "medical_device_4level"
Table = list[dict[str, str]]


@dataclass(frozen=True)
class FromFeatures:
    """A frozen network that takes what its encoder makes of each picture from memory."""

    network: NetworkClassifier
    places: dict[str, int]
    features: NDArray[np.float32]

    @property
    def tree(self) -> LabelTree:
        """The tree of the network."""
        return self.network.tree

    @property
    def reads(self) -> tuple[str, ...]:
        """Pictures."""
        return ("image",)

    def of(self, products: pa.Table) -> NDArray[np.float32]:
        """Return the features (N, D) of products."""
        return self.features[[self.places[one] for one in products["image_ref"].to_pylist()]]

    def predict_encoded(self, products: pa.Table, images: Any) -> tuple[Prediction, NDArray[np.float32]]:
        """Return the answers and the vectors that they come from."""
        with torch.no_grad():
            vectors = self.network.network.fusion([torch.from_numpy(self.of(products))])
            proba = self.network.join(self.network.network.head(vectors))
        return Prediction(proba, np.ones(len(proba), bool), []), vectors.numpy()

    def predict(self, products: pa.Table, images: Any = None) -> Prediction:
        """Return the answers."""
        return self.predict_encoded(products, images)[0]

    def predict_proba(self, products: pa.Table, images: Any = None) -> NDArray[np.float32]:
        """Return the probabilities."""
        return self.predict(products).proba

    def save(self, folder: Path) -> None:
        """Write the network."""
        self.network.save(folder)


def titles(file: Path, title: str, label: str) -> Table:
    with file.open(encoding="utf-8") as lines:
        read = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        pairs = dict.fromkeys((row[title], row[label]) for row in read if row[title] and row[label])
    return [{"id": f"{file.stem}-{n}", "title": one, "label": two} for n, (one, two) in enumerate(pairs)]


def data(name: str, seed: int) -> tuple[Table, Table]:
    """Return rows to learn from and rows to test on."""
    if name.startswith("grocery"):
        return rows_of("grocery")
    if name == "medical":
        train, test = (
            titles(MEDICAL / f"{part}.tsv", "product_name", "standard_name") for part in ("val", "test")
        )
        known = {row["title"] for row in train}
        return train, [row for row in test if row["title"] not in known]
    rows = titles(TITLES / "retail_30class" / "items.tsv", "title", "label")
    order = np.random.default_rng(seed).permutation(len(rows))
    return [rows[n] for n in order[len(rows) // 5 :]], [rows[n] for n in order[: len(rows) // 5]]


@dataclass(frozen=True)
class Plan:
    """Rows of the old classes, of each increment, and for testing; all as tables in a folder."""

    columns: Columns
    root: Path | None
    old: Path
    steps: tuple[Path, ...]
    joint: Path
    test: Path

    def open(self, table: Path) -> Opened:
        """Read one of its tables."""
        return open_products(table, self.columns, self.root)


def plan(name: str, seed: int, work: Path) -> Plan:
    labels, each, least = SETS[name]
    rng = np.random.default_rng(seed)
    train, test = data(name, seed)
    of = {row["id"]: tuple(row[level] for level in labels) for row in (*train, *test)}
    rows: dict[tuple[str, ...], Table] = {}
    for row in train:
        rows.setdefault(of[row["id"]], []).append(row)
    rows = {path: some for path, some in sorted(rows.items()) if len(some) >= least}
    count = 1 if name.endswith("-one") else INCREMENTS
    chosen = [[*rows][n] for n in rng.permutation(len(rows))[: each * count]]
    few = {path: [rows[path][n] for n in rng.permutation(len(rows[path]))[:SHOTS]] for path in chosen}
    old = [row for path, some in rows.items() if path not in few for row in some]
    steps = [[row for path in chosen[k * each : (k + 1) * each] for row in few[path]] for k in range(count)]
    tables = {"old": old, **{f"step{k}": some for k, some in enumerate(steps)}}
    tables |= {"joint": [*old, *(row for some in steps for row in some)]}
    tables |= {"test": [row for row in test if of[row["id"]] in rows]}
    work.mkdir(parents=True, exist_ok=True)
    for part, some in tables.items():
        write_table(work / f"{part}.tsv", some)
    image = name.startswith("grocery")
    named = {"image": "image"} if image else {"title": "title"}
    columns = Columns.parse({"id": "id", "labels": labels, **named}, "bench")
    places = tuple(work / f"step{k}.tsv" for k in range(count))
    root = DATA / "img_grocery_store" if image else None
    return Plan(columns, root, work / "old.tsv", places, work / "joint.tsv", work / "test.tsv")


def trained(made: Plan, table: Path, out: Path, cache: Path | None) -> Run:
    options = {"cache": str(cache), "minutes": "none"} if made.root and cache else {}
    kind = (
        {"modality": "image", "model": "pretrained"} if made.root else {"modality": "text", "model": "linear"}
    )
    if not (out / "run.json").exists():
        settings = RunSettings.parse({**kind, "options": options}, "bench")
        train_run(made.open(table), made.columns, made.root, settings, out)
    return Run.open(out)


def remembered(run: Run, tables: Sequence[Opened], cache: Path) -> FromFeatures:
    """Return the model of a run with the features of all pictures in memory."""
    network = run.classifier
    assert isinstance(network, NetworkClassifier)
    products = pa.concat_tables([one.products for one in tables])
    backbone = open_backbone(only(network.settings, "image"))  # its features are kept by its weights alone
    stored = frozen_features(backbone, products, tables[0].images, cache)
    places = {one: n for n, one in enumerate(products["image_ref"].to_pylist())}
    return FromFeatures(network, places, stored.take(np.arange(len(products)))[0])


def one(name: str, seed: int, work: Path, cache: Path, methods: Sequence[str]) -> dict[str, Any]:
    """Return what each method does on one draw of the classes."""
    made = plan(name, seed, work)
    base = trained(made, made.old, work / "run", cache)
    steps, test = [made.open(step) for step in made.steps], made.open(made.test)
    start: Classifier = base.classifier
    if made.root:
        start = remembered(base, [made.open(made.joint), test], cache)
        base = replace(base, classifier=start)
    found: dict[str, Any] = {}
    for method in methods:
        if method not in METHODS:
            continue
        # what is kept adds up, so that the others need no increments: the default shows their course
        parts = steps if method == ("ridge" if made.root else "finetune") else [joined(steps)]
        learn = by_parts if made.root else by_recipe
        found[method] = learn(base, parts, test, method, work)
        print(name, seed, method, json.dumps(found[method][-1]), flush=True)
    whole = LabelTree.from_paths([*base.classifier.tree.paths, *made.open(made.joint).dataset.paths])
    born = born_in(whole, start.tree, test)
    if "together" in methods:
        run = trained(made, made.joint, work / "together", cache)
        model = remembered(run, [made.open(made.joint), test], cache) if made.root else run.classifier
        right = right_answers(model, test.dataset, test.images)
        found["together"] = [told(born, right, right_answers(start, test.dataset, test.images))]
    near = nearest_mean(made, start if made.root else None, whole, test)
    found["nearest mean"] = [told(born, near, near)]
    for other in found.keys() - set(METHODS):
        print(name, seed, other, json.dumps(found[other][-1]), flush=True)
    return found


def joined(steps: Sequence[Opened]) -> Opened:
    """Return the rows of all increments."""
    return replace(steps[0], products=pa.concat_tables([step.products for step in steps]))


def born_in(tree: LabelTree, before: LabelTree, test: Opened) -> NDArray[np.int64]:
    """Return (N,) 0 for rows of the classes of training, 1 for others."""
    nodes = true_nodes(tree, test.dataset)
    return np.array([0 if before.index(tree.paths[node]) >= 0 else 1 for node in nodes], dtype=np.int64)


def told(born: NDArray[np.int64], now: NDArray[np.bool_], trained_right: NDArray[np.bool_]) -> dict[str, Any]:
    """Return accuracy on the classes of training, on all new ones, on all; and what the first have lost."""
    scores = score_increment(1, born, now, trained_right, trained_right)
    return {"trained": scores.old, "new": scores.new, "all": scores.all, "lost": scores.forgetting}


def by_parts(
    base: Run, steps: Sequence[Opened], test: Opened, method: Any, work: Path
) -> list[dict[str, Any]]:
    """Learn the increments on features in memory; each has its processor seconds beside its scores."""
    start, kept = base.classifier, ClassStatistics.load(base.folder)
    now, scores = start, list[dict[str, Any]]()
    before = right_answers(start, test.dataset, None)
    part = ExtendedPart(start, kept)
    for step in steps:
        dataset = step.dataset
        paths = sorted(set(dataset.paths))
        classes = np.array([paths.index(path) for path in dataset.paths])
        tree = LabelTree.from_paths([*now.tree.paths, *paths])
        began = time.process_time()
        now, _ = extended(now, {"": part}, ClassRows(dataset.products, None, paths, classes), tree, method)
        spent = time.process_time() - began
        part = ExtendedPart.of(now)
        nodes = true_nodes(now.tree, test.dataset)
        inside = np.flatnonzero(nodes >= 0)
        born = born_in(now.tree, start.tree, Opened(test.products.take(inside), None, [], None))
        right = right_answers(now, test.dataset, None)
        scores.append(told(born, right[inside], before[inside]) | {"seconds": spent})
    return scores


def by_recipe(
    base: Run, steps: Sequence[Opened], test: Opened, method: str, work: Path
) -> list[dict[str, Any]]:
    """Learn the increments as the command does."""
    now, scores = base, []
    before = right_answers(base.classifier, test.dataset, None)
    for number, step in enumerate(steps):
        out = work / f"{method}-{number}"
        shutil.rmtree(out, ignore_errors=True)
        learn_run(now, step, out, LearnSettings.parse({"method": method}, "bench"))
        now = Run.open(out)
        inside = np.flatnonzero(true_nodes(now.classifier.tree, test.dataset) >= 0)
        some = Opened(test.products.take(inside), None, [], None)
        right = right_answers(now.classifier, some.dataset, None)
        scores.append(told(born_in(now.classifier.tree, base.classifier.tree, some), right, before[inside]))
    return scores


def nearest_mean(made: Plan, start: Any, tree: LabelTree, test: Opened) -> NDArray[np.bool_]:
    """Return (N,) whether the nearest centred class mean is right, on what nothing was trained for."""
    rows = made.open(made.joint)
    if start is not None:
        x, asked = start.of(rows.products), start.of(test.products)
    else:
        vocabulary = GramVocabulary.fit(*_texts(rows), Grams(1, 3, 1, 18), 2, 20_000)
        x, asked = dense(vocabulary, rows), dense(vocabulary, test)
    nodes = true_nodes(tree, rows.dataset)
    old = np.isin(nodes, np.flatnonzero(np.bincount(nodes) > SHOTS))
    centre = x[old].mean(0)
    x, asked = unit_length(x - centre)[0], unit_length(asked - centre)[0]
    classes = np.unique(nodes)
    means = np.stack([x[nodes == one].mean(0) for one in classes])
    return np.asarray(classes[(asked @ unit_length(means)[0].T).argmax(1)] == true_nodes(tree, test.dataset))


def _texts(opened: Opened) -> tuple[Any, NDArray[np.int64]]:
    return encode_texts(opened.products["title"]), np.arange(opened.products.num_rows)


def dense(vocabulary: GramVocabulary, opened: Opened) -> NDArray[np.float32]:
    rows = vocabulary.all_rows(*_texts(opened))
    made = np.zeros((len(rows), rows.width), np.float32)
    made[np.repeat(np.arange(len(rows)), rows.stops - rows.starts), rows.features] = rows.values
    return made[:, :-1]


def summary(results: Sequence[dict[str, Any]]) -> None:
    """Print the means over the seeds with their 95 % intervals, in points."""
    print(
        "| method | increments | old (trained) | new | all | lost by the trained |\n|---|---|---|---|---|---|"
    )
    for method in results[0]:
        for step in range(len(results[0][method])):
            cells = []
            for score in ("trained", "new", "all", "lost"):
                values = 100 * np.array([one[method][step][score] for one in results], dtype=float)
                half = (
                    stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
                    if len(values) > 1
                    else 0
                )
                cells.append(f"{values.mean():.1f} ± {half:.1f}")
            print(f"| {method} | {step + 1} | " + " | ".join(cells) + " |")
    default = max(set(METHODS) & results[0].keys(), key=lambda method: len(results[0][method]))
    for other in results[0].keys() - set(METHODS):
        gaps = {
            score: 100 * np.array([one[default][-1][score] - one[other][-1][score] for one in results])
            for score in ("trained", "new", "all")
        }
        print(
            f"{default} − {other}: "
            + ", ".join(
                f"{name} {gap.mean():+.1f} (each {np.round(gap, 1).tolist()})" for name, gap in gaps.items()
            )
        )


def curves(found: Mapping[str, Sequence[dict[str, Any]]], file: Path) -> None:
    """Draw what the trained classes have lost after each increment, with 95 % t-intervals over the seeds."""
    series = {}
    for name, results in found.items():
        method = next(one for one in METHODS if len(results[0].get(one, ())) > 1)
        lost = 100 * np.array([[step["lost"] for step in one[method]] for one in results])
        half = stats.t.ppf(0.975, len(lost) - 1) * lost.std(0, ddof=1) / np.sqrt(len(lost))
        mean = lost.mean(0)
        series[f"{name}, {method}"] = [
            (step + 1.0, middle, middle - own, middle + own)
            for step, (middle, own) in enumerate(zip(mean, half, strict=True))
        ]
    axes = ("increments of new classes", "points that the trained classes have lost since training")
    bands(file, "Forgetting", axes, series)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", default="grocery,retail,medical")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--methods", default=",".join((*METHODS, "together")))
    parser.add_argument("--plot", type=Path, help="an SVG file for the curves of forgetting")
    options = parser.parse_args()
    cache, methods = options.cache or options.work / "cache", options.methods.split(",")
    found: dict[str, list[dict[str, Any]]] = {}
    for name in options.sets.split(","):
        results = found.setdefault(name, [])
        for seed in options.seeds.split(","):
            kept = options.work / f"{name}-{seed}.json"
            if not kept.exists():
                kept.write_text(
                    json.dumps(one(name, int(seed), options.work / f"{name}-{seed}", cache, methods))
                )
            results.append(json.loads(kept.read_text()))
        print(f"\n**{name}**\n")
        summary(results)
    if options.plot:
        curves(found, options.plot)


if __name__ == "__main__":
    main()
