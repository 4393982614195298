"""The linear tree model beside HiClass and the flat model, on the same features and the same split.

    python -m bench.hierarchy_quality text --set medical --seeds 3 --hiclass ENV/bin/python --out q.json
    python -m bench.hierarchy_quality weak --set medical --seeds 3 --out weak.json

`text`: top-1 of every level (by the name in the label cell), hF and training seconds. `weak`: the
labels below the first level that is known are hidden for a share of the training rows; what the
coarse rows give back is the difference between the last two columns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, save_npz

from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import open_products
from mep3m.dataset.splits import split_products
from mep3m.evaluation.evaluate import score
from mep3m.models.labels import LabelTree
from mep3m.models.linear import LinearClassifier, text_column
from mep3m.models.ngrams import encode_texts
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.store.files import write_json
from mep3m.training.linear import train
from mep3m.training.task import Task

DATA = Path(os.environ.get("MEP3M_DATA", "../shared/data"))
_FASHION = ("masterCategory", "subCategory", "articleType")
SETS: dict[str, tuple[list[str], Columns]] = {
    "medical": (
        [f"zh_titles/medical_device_4level/{name}.tsv" for name in ("val", "test")],
        Columns(title="product_name", labels=("level1", "level2", "level3", "standard_name")),
    ),
    "suning": (
        ["zh_titles/suning_jd_taobao_2018/items_dedup.tsv"],
        Columns(title="title", labels=("l1", "l2", "l3")),
    ),
    "fashion": (["img_fashion_9583/labels.tsv"], Columns(title="title", labels=_FASHION)),
    "fashion44": (
        ["en_fashion_titles_44k/styles_with_titles.tsv"],
        Columns(title="title", labels=_FASHION),
    ),
}
ORDERS = ("flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine")
#: LCPN and LCPL ask their estimators for probabilities, which a linear SVM does not have
PEERS = [("LCPPN", "svc"), ("LCPN", "logistic"), ("LCPPN", "logistic"), ("LCPL", "logistic")]


def open_set(name: str, seed: int) -> tuple[Dataset, Dataset]:
    """Return the training and test side (20 %, duplicates on one side) of a set."""
    import pyarrow as pa

    files, columns = SETS[name]
    tables = [open_products(DATA / file, columns).products for file in files]
    for place, table in enumerate(tables):
        ids = pa.array([f"{place}/{key}" for key in table["id"].to_pylist()])
        tables[place] = table.set_column(0, table.schema.field("id"), ids)
    dataset = Dataset.of(pa.concat_tables(tables)).labelled()
    return dataset.sides(split_products(dataset.products, "grouped", 0.2, seed))


def make_task(dataset: Dataset, tree: LabelTree, codes: Any, order: str, seed: int, options: Any) -> Task:
    """Return the task of one order with a tenth of the rows for calibration."""
    rows = np.random.default_rng(seed).permutation(len(dataset))
    valid = len(rows) // 10
    settings = RunSettings(hierarchy=order, seed=seed, options=options)
    return Task(dataset.products, tree, codes, rows[valid:], rows[:valid], None, settings, "bench")


def summary(scores: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of an evaluation that the tables show."""
    return {"top1": [level["top1"] for level in scores["levels"]], "f1": scores["hierarchical"]["f1"]}


def fit(task: Task) -> tuple[LinearClassifier, float, float]:
    """Return the classifier with the wall and processor seconds of its training."""
    began, busy = time.perf_counter(), time.process_time()
    classifier = train(task, Path()).classifier
    assert isinstance(classifier, LinearClassifier)
    return classifier, time.perf_counter() - began, time.process_time() - busy


def peer(python: str, classifier: LinearClassifier, train_side: Dataset, test: Dataset, which: Any) -> Any:
    """Return HiClass's figures on the features of `classifier`, `None` where it took over 8 minutes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for side, dataset in (("train", train_side), ("test", test)):
            save_npz(folder / f"{side}.npz", features(classifier, dataset))
        labels = {"train": train_side.paths, "test": test.paths}
        (folder / "labels.json").write_text(json.dumps(labels))
        script = str(Path(__file__).parent / "hiclass_side.py")
        try:
            done = subprocess.run(
                [python, script, name, *which], capture_output=True, text=True, timeout=480, check=True
            )
        except subprocess.TimeoutExpired:
            return None
        return json.loads(done.stdout.splitlines()[-1])


def features(classifier: LinearClassifier, dataset: Dataset) -> csr_matrix:
    """Return the (N, V) tf-idf features that the linear model reads."""
    texts = encode_texts(text_column(dataset.products, False))
    rows = classifier.vocabulary.rows(texts, np.arange(len(texts), dtype=np.int64))
    lengths = rows.stops - rows.starts
    places = np.repeat(rows.starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    places += np.arange(lengths.sum())
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    shape = (len(texts), len(classifier.vocabulary))
    return csr_matrix((rows.values[places], rows.features[places], pointers), shape=shape)


def text(args: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(args.seeds):
        train_side, test = open_set(args.set, seed)
        tree = LabelTree.from_paths(train_side.paths)
        codes = tree.encode(train_side.paths)
        for order in args.orders:
            classifier, wall, cpu = fit(make_task(train_side, tree, codes, order, seed, args.options))
            scores = summary(score(tree, classifier.predict_proba(test.products), test))
            found.setdefault(order, []).append({**scores, "fit": wall, "fit_cpu": cpu})
            print(seed, order, found[order][-1], flush=True)
        for which in PEERS if args.hiclass else []:
            if which == ("LCPL", "logistic") and seed:
                continue
            if which[1] not in args.estimators:
                continue
            scores = peer(args.hiclass, classifier, train_side, test, which)
            print(seed, which, scores, flush=True)
            if scores:
                found.setdefault(" ".join(["HiClass", *which]), []).append(scores)
    nodes = [len(tree.frontier(level)) for level in range(1, tree.depth + 1)]
    return {"set": args.set, "nodes": nodes, "shared_names": len(tree.shared_names()), "runs": found}


def sides(task: Task) -> dict[str, Any]:
    """Return the row numbers of both sides by field name."""
    return {"train": task.train, "valid": task.valid}


def weak(args: argparse.Namespace) -> dict[str, Any]:
    """Hide the finest label of a share of the rows; with and without the rows that lost it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for seed in range(args.seeds):
        train_side, test = open_set(args.set, seed)
        tree = LabelTree.from_paths(train_side.paths)
        codes = tree.encode(train_side.paths)
        hidden_first = np.random.default_rng([seed, 1]).permutation(len(codes))
        for share in args.shares:
            lost = hidden_first[: round(share * len(codes))]
            for order in args.orders:
                for kept in ("without", "with") if share else ("with",):
                    masked = codes.copy()
                    masked[lost, -1 if kept == "with" else 0 :] = -1
                    task = make_task(train_side, tree, masked, order, seed, args.options)
                    keep = (masked >= 0).any(axis=1)
                    task = Task(
                        **{
                            **task.__dict__,
                            "train": task.train[keep[task.train]],
                            "valid": task.valid[keep[task.valid]],
                        }
                    )
                    scores = summary(score(tree, fit(task)[0].predict_proba(test.products), test))
                    found.setdefault(f"{order} {share} {kept}", []).append(scores)
                    print(seed, order, share, kept, scores, flush=True)
    return {"set": args.set, "runs": found}


def show(result: dict[str, Any]) -> None:
    """Print one row a method: means over the seeds, with the standard deviation."""
    depth = max(len(run["top1"]) for runs in result["runs"].values() for run in runs)
    print(
        f"\n{result['set']} {result.get('nodes', '')}\n\n| method | "
        + " | ".join([f"level {k + 1}" for k in range(depth)] + ["hF", "train s (cpu)", "seeds"])
        + " |\n|---|"
        + "---|" * (depth + 3)
    )
    for name, runs in result["runs"].items():
        tops = np.array([run["top1"] for run in runs])
        cells = [f"{100 * m:.2f} ± {100 * s:.2f}" for m, s in zip(tops.mean(0), tops.std(0), strict=True)]
        f1 = np.mean([run["f1"] for run in runs])
        seconds = np.median([run.get("fit_cpu", np.nan) for run in runs])
        print(f"| {name} | {' | '.join(cells)} | {f1:.4f} | {seconds:.1f} | {len(runs)} |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("text", "weak"))
    parser.add_argument("--set", choices=tuple(SETS), default="medical")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--options", type=json.loads, default={}, help="settings of the linear model, JSON")
    parser.add_argument("--orders", nargs="+", default=list(ORDERS))
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.25, 0.5, 0.75, 0.9])
    parser.add_argument("--estimators", nargs="+", default=["svc", "logistic"])
    parser.add_argument("--hiclass", help="Python of an environment with hiclass installed")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    result = {"text": text, "weak": weak}[args.what](args)
    show(result)
    if args.out:
        write_json(args.out, result)


if __name__ == "__main__":
    main()
