"""The linear tree model beside HiClass and the flat model, on the same features and the same splits.

    python -m bench.hierarchy_quality --set medical --seeds 5 --hiclass ENV/bin/python --out q.json

Top-1 of every level (by the name in the label cell), hF of the answered path, processor seconds: of the
fit alone, from given features, and of the whole training (features, held-out scores, calibration). The
gains over each peer are paired by product over all splits, with 95 % intervals. Splits are those of the
seeds from --first on; settings were chosen on seeds 0 to 2.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, save_npz

from bench._trees import SETS, answers_of, gains, hits, make_task, means, open_set
from mep3m.dataset.dataset import Dataset
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import named_levels, text_column
from mep3m.models.linear.ngrams import Grams, GramVocabulary, Rows, encode_texts
from mep3m.settings.linear import LinearSettings
from mep3m.settings.run import Hierarchy
from mep3m.store.json_files import write_json
from mep3m.training.linear.fit import LinearProblem, fit, fit_names, purity, train

ORDERS = ("coarse-to-fine", "flat", "fine-to-coarse", "coarse-and-fine")
PEERS = [(strategy, kind) for kind in ("svc", "logistic") for strategy in ("LCPPN", "LCPN", "LCPL")]
NOBODY = np.zeros(0, dtype=np.int64)


class Side:
    """The sparse features of both sides of a split, counted and weighed on the training side alone."""

    def __init__(self, learned: Dataset, tested: Dataset, options: dict[str, Any]) -> None:
        settings = LinearSettings.parse(options, "options")
        grams = Grams(settings.min_ngram, settings.max_ngram, settings.word_ngrams, settings.hash_bits)
        texts = [encode_texts(text_column(side.products, ("title",))) for side in (learned, tested)]
        every = [np.arange(len(part), dtype=np.int64) for part in texts]
        vocabulary = GramVocabulary.fit(texts[0], every[0], grams, settings.min_titles, settings.max_features)
        self.learned, self.tested = (
            vocabulary.all_rows(part, rows) for part, rows in zip(texts, every, strict=True)
        )
        if settings.purity_exponent:
            codes = LabelTree.from_paths(learned.paths).encode(learned.paths)
            own = purity(self.learned, codes, settings.purity_exponent)
            self.learned.weigh(own)
            self.tested.weigh(own)


def matrix(rows: Rows) -> csr_matrix:
    """Return packed rows as a sparse matrix."""
    pointers = np.concatenate([[0], rows.stops])
    return csr_matrix((rows.values, rows.features, pointers), shape=(len(rows), rows.width))


def ours(
    args: argparse.Namespace, side: Side, learned: Dataset, tested: Dataset, order: Hierarchy, seed: int
) -> tuple[NDArray[np.float64], dict[str, float]]:
    """Return the hits of one order and its processor seconds."""
    tree = LabelTree.from_paths(learned.paths)
    codes = tree.encode(learned.paths)
    settings = LinearSettings.parse(args.options, "options")
    began = time.process_time()
    problem = LinearProblem(side.learned, tree, codes, NOBODY, settings, seed)
    fit(problem, order)
    if order == "coarse-to-fine" and (depth := named_levels(tree, settings.name_head_size)):
        fit_names(problem.first_levels(depth))
    alone = time.process_time() - began
    began = time.process_time()
    classifier = train(make_task(learned, tree, codes, order, seed, args.options), Path()).classifier
    seconds = {"fit_cpu": alone, "total_cpu": time.process_time() - began}
    answers = answers_of(tree, classifier.predict_proba(tested.products))
    return hits(*answers, tested.paths), seconds


def peer(
    args: argparse.Namespace, side: Side, learned: Dataset, tested: Dataset, which: tuple[str, str]
) -> tuple[NDArray[np.float64], dict[str, float]] | None:
    """Return HiClass's hits and seconds on the same features, `None` where it took too long."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = np.arange(len(learned))
        if args.peer_rows:
            rows = np.random.default_rng(0).permutation(rows)[: args.peer_rows]
        save_npz(folder / "train.npz", matrix(side.learned)[rows])
        save_npz(folder / "test.npz", matrix(side.tested))
        (folder / "labels.json").write_text(json.dumps({"train": [learned.paths[row] for row in rows]}))
        script = str(Path(__file__).parent / "hiclass_side.py")
        command = [args.hiclass, script, name, *which]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=args.limit, check=True)
        except subprocess.TimeoutExpired:
            print(f"HiClass {' '.join(which)}: not finished after {args.limit:.0f} s", flush=True)
            return None
        told = json.loads(done.stdout.splitlines()[-1])
    return hits(told["answers"], told["answers"], tested.paths), {"fit_cpu": told["fit_cpu"]}


def run(args: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, list[NDArray[np.float64]]] = {}
    seconds: dict[str, list[dict[str, float]]] = {}
    for seed in range(args.first, args.first + args.seeds):
        learned, tested = open_set(args.set, seed)
        side = Side(learned, tested, args.options)
        if seed == args.first:  # compiled once
            ours(args, side, learned, tested, "coarse-to-fine", seed)
        results: dict[str, Any] = {
            order: ours(args, side, learned, tested, order, seed) for order in args.orders
        }
        for which in [pair for pair in PEERS if args.hiclass and "-".join(pair) in args.peers]:
            results["HiClass " + " ".join(which)] = peer(args, side, learned, tested, which)
        for name, result in results.items():
            if result is not None:
                found.setdefault(name, []).append(result[0])
                seconds.setdefault(name, []).append(result[1])
                print(seed, name, means(result[0]).round(4).tolist(), result[1], flush=True)
    tree = LabelTree.from_paths(learned.paths)
    sizes = [len(tree.frontier(level)) for level in range(1, tree.depth + 1)]
    return {"set": args.set, "nodes": sizes, "rows": table(found, seconds, args.orders[0])}


def table(
    found: dict[str, list[NDArray[np.float64]]], seconds: dict[str, list[dict[str, float]]], base: str
) -> list[dict[str, Any]]:
    """Return a row a method: means and spread over the splits, and what `base` gains over it."""
    rows = []
    for name, runs in found.items():
        each = np.stack([means(run) for run in runs])
        mine = found[base][: len(runs)]
        gain = gains(np.concatenate(mine), np.concatenate(runs)) if name != base else None
        rows.append(
            {
                "method": name,
                "mean": each.mean(0).tolist(),
                "spread": each.std(0).tolist(),
                "gain": None if gain is None else gain.tolist(),
                "splits": len(runs),
                **{
                    key: float(np.median([one.get(key, np.nan) for one in seconds[name]]))
                    for key in ("fit_cpu", "total_cpu")
                },
            }
        )
    return rows


def show(result: dict[str, Any]) -> None:
    levels = [f"level {k + 1}" for k in range(len(result["nodes"]))]
    print(f"\n{result['set']}, classes {result['nodes']}, means of the splits ± their deviation\n")
    print("| method | " + " | ".join([*levels, "hF", "fit, CPU s", "all, CPU s", "splits"]) + " |")
    print("|---|" + "---|" * (len(levels) + 4))
    for row in result["rows"]:
        cells = [f"{m:.4f} ± {s:.4f}" for m, s in zip(row["mean"], row["spread"], strict=True)]
        cells += [f"{row['fit_cpu']:.2f}", f"{row['total_cpu']:.2f}", str(row["splits"])]
        print(f"| {row['method']} | {' | '.join(cells)} |")
    print(f"\nGain of {result['rows'][0]['method']}, points [95 %]\n")
    print(
        "| over | " + " | ".join([*levels, "hF", "times faster"]) + " |\n|---|" + "---|" * (len(levels) + 2)
    )
    for row in result["rows"][1:]:
        cells = [f"{100 * g:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]" for g, low, high in row["gain"]]
        faster = row["fit_cpu"] / result["rows"][0]["fit_cpu"]
        print(f"| {row['method']} | {' | '.join(cells)} | {faster:.1f} |")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=(*SETS, "simulator"), default="medical")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=10)
    parser.add_argument("--options", type=json.loads, default={}, help="settings of the linear model, JSON")
    parser.add_argument("--orders", nargs="+", default=list(ORDERS))
    parser.add_argument(
        "--peers", nargs="+", default=["LCPPN-svc", "LCPN-svc", "LCPL-svc"], help="LCPPN-logistic ..."
    )
    parser.add_argument("--peer-rows", type=int, help="give a peer only this many training rows")
    parser.add_argument("--limit", type=float, default=480.0, help="seconds a peer may take")
    parser.add_argument("--hiclass", help="Python of an environment with hiclass installed")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    result = run(args)
    show(result)
    if args.out:
        write_json(args.out, result)


if __name__ == "__main__":
    main()
