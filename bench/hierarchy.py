"""Cost of the tree at 600, 6,000 and 60,000 leaves: training and prediction against flat, same features.

    python -m bench.hierarchy --leaves 600 6000 60000 --out hierarchy.json [--hiclass ENV/bin/python]

Titles are drawn from a three-level tree (30 first-level nodes, 20 children each): a few words a node
of the path and some noise. There are --each rows a leaf, so 100 times the leaves are 100 times the rows.
The vocabulary is held at --features, so that flat weights fit in memory at 60,000 leaves. Seconds are of
the processor, without reading texts: a fit of --passes passes, the median of --runs, and a prediction of
--predict rows, where the orders take turns in one process. Flat and fine to coarse cost rows x leaves,
so they get fewer rows (--work rows x leaves)
and are compared by the row; HiClass gets at most --hiclass-rows of the same rows. Every measurement has a
process of its own, whose most memory is shown.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, save_npz

from bench.memory import peak
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import join_scores
from mep3m.models.linear.ngrams import Rows
from mep3m.models.linear.scores import scores
from mep3m.settings.linear import LinearSettings
from mep3m.store.json_files import write_json
from mep3m.training.linear.fit import LinearProblem, fit

ORDERS = ("flat", "coarse-to-fine", "fine-to-coarse")
NOBODY = np.zeros(0, dtype=np.int64)


def draw_tree(leaves: int) -> LabelTree:
    """Return a tree of 30 x 20 inner nodes with the leaves spread evenly below."""
    return LabelTree.from_paths(
        (f"{i % 30:02d}", f"{i % 30:02d}.{i // 30 % 20:02d}", f"{i:06d}") for i in range(leaves)
    )


def draw_rows(tree: LabelTree, count: int, features: int, seed: int) -> tuple[Rows, np.ndarray]:
    """Return sparse rows of 60 features, 12 of each node on the path and 24 of noise, and their codes."""
    rng = np.random.default_rng(seed)
    leaf = tree.leaves[rng.permutation(np.arange(count) % len(tree.leaves))]
    signature = np.random.default_rng(1).integers(0, features, (len(tree), 16))
    path = tree.ancestors[leaf]
    picks = rng.integers(0, 16, (count, tree.depth, 12))
    words = signature[path[:, :, None], picks].reshape(count, -1)
    noise = rng.integers(0, features, (count, 60 - words.shape[1]))
    found = np.sort(np.concatenate([words, noise], axis=1), axis=1).astype(np.int32)
    starts = np.arange(count, dtype=np.int64) * found.shape[1]
    values = np.full(found.size, found.shape[1] ** -0.5, dtype=np.float32)
    return Rows(starts, starts + found.shape[1], found.ravel(), values, features), tree.ancestors[leaf]


def alone(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Return what `work` returns in a process of its own, with the most memory that it had, MiB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(with_peak, (work, *arguments))
    return found


def with_peak(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Call `work` and add the most memory of this process so far, MiB."""
    found = work(*arguments)
    return found | {"peak_mib": peak()}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds of a call, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def measure(args: argparse.Namespace, leaves: int, order: str) -> dict[str, Any]:
    """Return rows, the median seconds of a fit and of a prediction, and microseconds a row."""
    fit(*small(args))
    tree = draw_tree(leaves)
    count = args.each * leaves
    if order != "coarse-to-fine":
        count = min(count, args.work // leaves)
    rows, codes = draw_rows(tree, count, args.features, 0)
    settings = LinearSettings(epochs=args.passes)
    work = partial(fit, LinearProblem(rows, tree, codes, NOBODY, settings, 0), order)
    train = float(np.median([timed(work)[0] for _ in range(args.runs)]))
    return {"rows": count, "fit": train, "row_us": 1e6 * train / count}


def predictions(args: argparse.Namespace, leaves: int) -> dict[str, Any]:
    """Return the median seconds of a prediction by each order, and the median ratio to flat's beside it.

    The orders differ in how scores are joined, not in the weights, so drawn ones serve; they take turns,
    so that whatever else the machine does meets all.
    """
    tree = draw_tree(leaves)
    rows, _ = draw_rows(tree, args.predict, args.features, 1)
    weights = np.random.default_rng(0).normal(size=(args.features, len(tree))).astype(np.float32)
    turns = []
    for _ in range(args.turns + 1):
        work = [partial(lambda order: join_scores(tree, scores(rows, weights), order), o) for o in ORDERS]
        turns.append([timed(one)[0] for one in work])
    # the first turn compiles
    seconds = np.array(turns[1:])
    ratios = np.median(seconds / seconds[:, :1], axis=0)
    return {
        order: {"predict": float(np.median(seconds[:, k])), "of_flat": float(ratios[k])}
        for k, order in enumerate(ORDERS)
    }


def peer(args: argparse.Namespace, leaves: int) -> dict[str, Any]:
    """Return HiClass's and our fit of the same rows: seconds and top-1 of the levels on 1,000 others."""
    fit(*small(args))
    tree = draw_tree(leaves)
    count = min(args.each * leaves, args.hiclass_rows)
    rows, codes = draw_rows(tree, count, args.features, 0)
    held, truth = draw_rows(tree, 1000, args.features, 7)
    seconds, (weights, _) = timed(
        lambda: fit(LinearProblem(rows, tree, codes, NOBODY, LinearSettings(), 0), "coarse-to-fine")
    )
    proba = join_scores(tree, scores(held, weights), "coarse-to-fine")
    best = [proba[:, tree.nodes(k)].argmax(1) + tree.starts[k - 1] for k in range(1, tree.depth + 1)]
    found = {"mep3m": {"rows": count, "fit_cpu": seconds, "top1": top1(np.stack(best, axis=1), truth)}}
    with tempfile.TemporaryDirectory() as name:
        for side, sparse in {"train": rows, "test": held}.items():
            pointers = np.append(0, sparse.stops)
            save_npz(
                Path(name) / f"{side}.npz",
                csr_matrix((sparse.values, sparse.features, pointers), (len(sparse), args.features)),
            )
        (Path(name) / "labels.json").write_text(json.dumps({"train": [tree.paths[row[-1]] for row in codes]}))
        script = str(Path(__file__).parent / "hiclass_side.py")
        for which in args.peers:
            command = [args.hiclass, script, name, *which.split("-")]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=args.limit, check=True)
            except subprocess.TimeoutExpired:
                found[f"HiClass {which}"] = {"not finished after, s": args.limit}
                continue
            told = json.loads(done.stdout.splitlines()[-1])
            answers = tree.encode([tuple(path) for path in told["answers"]])
            found[f"HiClass {which}"] = {
                "rows": count,
                "fit_cpu": told["fit_cpu"],
                "peak_mib": told["peak_mib"],
                "top1": top1(answers, truth),
            }
    return found


def top1(answers: np.ndarray, truth: np.ndarray) -> list[float]:
    """Return the share of right answers of each level."""
    shares: list[float] = (answers == truth).mean(axis=0).round(4).tolist()
    return shares


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leaves", type=int, nargs="+", default=[600, 6000, 60_000])
    parser.add_argument("--each", type=int, default=10, help="rows a leaf")
    parser.add_argument("--work", type=int, default=60_000_000, help="rows x leaves of flat")
    parser.add_argument("--predict", type=int, default=256)
    parser.add_argument("--features", type=int, default=4096)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3, help="fits of each order; 0: predictions only")
    parser.add_argument("--turns", type=int, default=15, help="predictions of each order")
    parser.add_argument("--hiclass", help="Python of an environment with hiclass installed")
    parser.add_argument("--peers", nargs="+", default=["LCPPN-svc"])
    parser.add_argument("--hiclass-rows", type=int, default=60_000)
    parser.add_argument("--limit", type=float, default=240.0, help="seconds a peer may take")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    found: dict[str, Any] = {}
    print("| leaves | order | rows | fit, s | us a row | of flat | predict, s | of flat | most memory, MiB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for leaves in args.leaves:
        base = None
        predicted = alone(predictions, args, leaves)
        for order in ORDERS:
            row = predicted[order] | (alone(measure, args, leaves, order) if args.runs else {})
            base = base or row
            found[f"{leaves} {order}"] = row
            cells = [f"| {leaves:,} | {order} | | | "]
            if args.runs:
                cells = [f"| {leaves:,} | {order} | {row['rows']:,} | {row['fit']:.2f} | {row['row_us']:.0f}"]
                cells.append(f"{row['row_us'] / base['row_us']:.3f}")
            cells += [f"{row['predict']:.4f}", f"{row['of_flat']:.2f}"]
            print(" | ".join([*cells, f"{row['peak_mib']:,.0f} |" if args.runs else "|"]), flush=True)
        if args.hiclass:
            found[f"{leaves} side by side"] = alone(peer, args, leaves)
            for name, told in found[f"{leaves} side by side"].items():
                print(leaves, name, told, flush=True)
    if args.out:
        write_json(args.out, found)


def small(args: argparse.Namespace) -> tuple[LinearProblem, str]:
    """Return the arguments of a fit that compiles the loops."""
    tree = draw_tree(60)
    rows, codes = draw_rows(tree, 60, args.features, 0)
    return LinearProblem(rows, tree, codes, NOBODY, LinearSettings(epochs=1), 0), "coarse-to-fine"


if __name__ == "__main__":
    main()
