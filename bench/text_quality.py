"""Text classifiers on real catalogues, same rows for each: accuracy and macro F1 with intervals.

python -m bench.text_quality --fasttext VENV/bin/python --seeds 3 --out OUT.json

Splits are 80/20 by seed: grouped by duplicate title (default), random (`--split random`), or the set's own
test file (`--split own`). "minus SVC" is the mean difference to LinearSVC on the same splits, with its
standard error over the seeds. Networks stop after `--minutes` of training steps. Real data is read from
../shared/data, or MEP3M_DATA; a set that is not there is left out with a word.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np

from bench._peers import LABELS, run_peer
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.splits import split_products
from mep3m.evaluation.intervals import macro_f1_interval, share_interval
from mep3m.settings.run import SplitKind
from mep3m.settings.sources import Columns
from mep3m.sources.tables import read_products

DATA = Path(os.environ.get("MEP3M_DATA", Path(__file__).parents[2] / "shared" / "data"))
SETS = {
    "retail": ("zh_titles/retail_30class/items.tsv", "title", "label"),
    "medical-3": ("zh_titles/medical_device_4level/val.tsv", "product_name", "level3"),
    "taobao-2": ("zh_titles/taobao_2019/items.tsv", "title", "l2"),
    "fashion-3": ("en_fashion_titles_44k/styles_with_titles.tsv", "title", "articleType"),
    "toys-2": ("en_amazon_toys_10k/items.tsv", "title", "category_path"),
    "taobao-1": ("zh_titles/taobao_2019/items.tsv", "title", "l1"),
    "instacart-2": ("en_instacart/products.tsv", "name", "aisle"),
    "suning-3": ("zh_titles/suning_jd_taobao_2018/items_dedup.tsv", "title", "l3"),
}
#: sets that come with a test file of their own
TESTS = {"medical-3": "zh_titles/medical_device_4level/test.tsv"}


def load(name: str, file: str | None = None) -> Dataset:
    visible, title, label = SETS[name]
    file = file or visible
    if label == "category_path":
        columns = Columns(title=title, path=label)
        return Dataset.of(read_products(DATA / file, columns)[0]).at_level(2)
    return Dataset.of(read_products(DATA / file, Columns(title=title, labels=(label,)))[0]).labelled()


#: "own": the set has a test file of its own
Split = SplitKind | Literal["own"]


def sides(name: str, split: Split, seed: int) -> tuple[Dataset, Dataset]:
    dataset = load(name)
    if split == "own":
        return dataset, load(name, TESTS[name])
    return dataset.sides(split_products(dataset.products, split, 0.2, seed))


def measure(
    name: str,
    peers: list[str],
    split: Split,
    seeds: int,
    pythons: dict[str, str],
    minutes: float,
) -> list[dict]:
    found: dict[str, list[dict]] = {peer: [] for peer in peers}
    for seed in range(100, 100 + seeds):
        learned, tested = sides(name, split, seed)
        labels = [path[0] for path in learned.paths]
        truth = [path[0] for path in tested.paths]
        for peer in peers:
            titles = [
                [text or "" for text in side.products["title"].to_pylist()] for side in (learned, tested)
            ]
            python = pythons.get(peer.rstrip("0123456789"), sys.executable)
            result = run_peer(peer, (titles[0], labels), titles[1], 1800, python, minutes)
            found[peer].append(scores(result, labels, truth))
    rows = [{"set": name, "model": LABELS[peer], **mean(runs)} for peer, runs in found.items()]
    for row, runs in zip(rows, found.values(), strict=True):
        if "failed" not in row and "svc" in found and runs is not found["svc"]:
            row["minus_svc"] = {
                score: difference(runs, found["svc"], score) for score in ("top1", "macro_f1")
            }
    return rows


def difference(runs: list[dict], others: list[dict], score: str) -> dict[str, float | None]:
    """Return the mean difference on the same splits, and its standard error over them."""
    gaps = np.array(
        [one[score]["value"] - two[score]["value"] for one, two in zip(runs, others, strict=True)
         if "failed" not in one and "failed" not in two]
    )  # fmt: skip
    error = float(gaps.std(ddof=1) / len(gaps) ** 0.5) if len(gaps) > 1 else None
    return {"mean": float(gaps.mean()), "se": error}


def scores(result: dict, labels: list[str], truth: list[str]) -> dict:
    if "failed" in result:
        return result
    names = {name: place for place, name in enumerate(sorted({*labels, *truth}))}
    coded = [np.array([names[name] for name in column]) for column in (result["predicted"], truth)]
    top1 = share_interval(coded[0] == coded[1])
    f1 = macro_f1_interval(coded[0], coded[1], len(names))
    return {
        "top1": asdict(top1),
        "macro_f1": asdict(f1),
        "train_s": result["train_s"],
        "cpu_s": result["cpu_s"],
    }


def mean(runs: list[dict]) -> dict:
    good = [run for run in runs if "failed" not in run]
    if not good:
        return {"failed": runs[0]["failed"]}
    row: dict = {"seeds": len(good)}
    row |= {name: float(np.median([run[name] for run in good])) for name in ("train_s", "cpu_s")}
    for score in ("top1", "macro_f1"):
        row[score] = {
            key: float(np.mean([run[score][key] for run in good])) for key in ("value", "low", "high")
        }
        row[score]["std"] = float(np.std([run[score]["value"] for run in good]))
    return row


def line(row: dict) -> str:
    if "failed" in row:
        return f"| {row['set']} | {row['model']} | {row['failed']} | | | |"
    cells = [
        f"{row[name]['value']:.4f} ± {row[name]['std']:.4f} [{row[name]['low']:.3f}, {row[name]['high']:.3f}]"
        for name in ("top1", "macro_f1")
    ]
    gaps = [row["minus_svc"][name] for name in ("top1", "macro_f1")] if "minus_svc" in row else []
    gap = " / ".join(
        f"{part['mean']:+.4f}" + (f" ± {part['se']:.4f}" if part["se"] is not None else "") for part in gaps
    )
    return f"| {row['set']} | {row['model']} | {' | '.join(cells)} | {gap} | {row['cpu_s']:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--peers", default="mep3m,svc,fasttext,fasttext25")
    parser.add_argument("--split", default="grouped", choices=["grouped", "random", "stratified", "own"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fasttext", help="python of an environment with fasttext-wheel")
    parser.add_argument("--autogluon", help="python of an environment with autogluon.tabular")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training, for networks and AutoGluon")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    given = {"fasttext": arguments.fasttext, "autogluon": arguments.autogluon}
    pythons = {name: python for name, python in given.items() if python}
    lacking = [name for name in given if name not in pythons]
    peers = [name for name in arguments.peers.split(",") if not name.startswith(tuple(lacking) or ("-",))]
    rows: list[dict] = []
    print(f"{arguments.split} splits, {arguments.seeds} seeds: mean ± sd [mean 95 % interval]")
    print("| set | model | Top-1 | macro F1 | minus SVC | CPU s |\n|---|---|---|---|---|---|", flush=True)
    for name in arguments.sets.split(","):
        if not (DATA / SETS[name][0]).exists():
            print(f"{name}: {SETS[name][0]} is not under the data folder, left out")
            continue
        for row in measure(name, peers, arguments.split, arguments.seeds, pythons, arguments.minutes):
            rows.append(row)
            print(line(row), flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
