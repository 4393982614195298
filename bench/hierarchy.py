"""Cost of the tree at 600, 6,000 and 60,000 leaves: training and prediction against flat, same features.

    python -m bench.hierarchy --leaves 600 6000 60000 --out hierarchy.json [--hiclass ENV/bin/python]

Titles are drawn from a three-level tree (30 first-level nodes, 20 children each): a few words a node
of the path and some noise. The vocabulary is held at --features, so that flat weights fit in memory
at 60,000 leaves. Training cost is processor seconds for one pass over --rows rows, prediction that
for --predict rows, both without reading the texts; the median of --runs. HiClass gets the same
sparse features; it runs up to --hiclass-leaves leaves.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, save_npz

from mep3m.models.hinge import scores
from mep3m.models.labels import LabelTree
from mep3m.models.linear import join_scores
from mep3m.models.ngrams import Rows
from mep3m.store.files import write_json
from mep3m.training.linear import make_learner

ORDERS = ("flat", "coarse-to-fine", "fine-to-coarse")
STRATEGIES = ("LCPPN", "LCPN", "LCPL")


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
    return Rows(starts, starts + found.shape[1], found.ravel(), values), tree.encode(
        [tree.paths[node] for node in leaf]
    )


def part(rows: Rows, first: int, last: int) -> Rows:
    """Return some of the rows."""
    return Rows(rows.starts[first:last], rows.stops[first:last], rows.features, rows.values)


def timed(work: Callable[[], Any]) -> float:
    """Return the processor seconds of a call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measure(args: argparse.Namespace, leaves: int, order: str) -> dict[str, float]:
    """Return the median processor seconds of one pass of training and of prediction."""
    tree = draw_tree(leaves)
    rows, codes = draw_rows(tree, args.rows, args.features, 0)
    learner = make_learner(args.features, tree, order)
    learner.learn(part(rows, 0, 8), codes[:8], 1.0)

    def one_pass() -> None:
        for start in range(0, args.rows, 64):
            learner.learn(part(rows, start, start + 64), codes[start : start + 64], 1.0)

    train = [timed(one_pass) for _ in range(args.runs)]
    weights = learner.weights
    few = part(rows, 0, args.predict)
    join_scores(tree, scores(few, weights), order)
    predict = [timed(lambda: join_scores(tree, scores(few, weights), order)) for _ in range(args.runs)]
    return {"train": float(np.median(train)), "predict": float(np.median(predict))}


def peer(args: argparse.Namespace, leaves: int) -> dict[str, Any]:
    """Return HiClass's and our full training on the same rows: seconds, top-1 of the levels, hF."""
    tree = draw_tree(leaves)
    rows, codes = draw_rows(tree, args.rows, args.features, 0)
    held, truth = draw_rows(tree, 1000, args.features, 7)
    learner = make_learner(args.features, tree, "coarse-to-fine")
    learner.learn(part(rows, 0, 8), codes[:8] * 0 - 1, 1.0)

    def fit() -> None:
        for epoch in range(5):
            order = np.random.default_rng(epoch).permutation(args.rows)
            for start in range(0, args.rows, 64):
                batch = order[start : start + 64]
                chosen = Rows(rows.starts[batch], rows.stops[batch], rows.features, rows.values)
                learner.learn(chosen, codes[batch], 1 - 0.9 * epoch / 5)

    ours = timed(fit)
    proba = join_scores(tree, scores(held, learner.weights), "coarse-to-fine")
    top1 = [
        float((proba[:, tree.nodes(k)].argmax(1) + tree.starts[k - 1] == truth[:, k - 1]).mean())
        for k in range(1, tree.depth + 1)
    ]
    result: dict[str, Any] = {"mep3m": {"fit_cpu": ours, "top1": top1}}
    with tempfile.TemporaryDirectory() as name:
        for side, (sparse, labels) in {"train": (rows, codes), "test": (held, truth)}.items():
            pointers = np.append(sparse.starts, sparse.stops[-1])
            shape = (len(labels), args.features)
            save_npz(
                Path(name) / f"{side}.npz", csr_matrix((sparse.values, sparse.features, pointers), shape)
            )
        paths = {
            side: [tree.paths[row[-1]] for row in part_]
            for side, part_ in (("train", codes), ("test", truth))
        }
        (Path(name) / "labels.json").write_text(json.dumps(paths))
        script = str(Path(__file__).parent / "hiclass_side.py")
        for strategy in STRATEGIES:
            command = [args.hiclass, script, name, strategy, "logistic"]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
                result[f"HiClass {strategy}"] = json.loads(done.stdout.splitlines()[-1])
            except subprocess.TimeoutExpired:
                result[f"HiClass {strategy}"] = {"fit_cpu": None}
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leaves", type=int, nargs="+", default=[600, 6000, 60_000])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--predict", type=int, default=256)
    parser.add_argument("--features", type=int, default=4096)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--flat-leaves", type=int, default=60_000, help="flat is trained up to here")
    parser.add_argument("--hiclass")
    parser.add_argument("--hiclass-leaves", type=int, default=600)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    found: dict[str, Any] = {}
    print("| leaves | order | train, s a pass | of flat | predict, s | of flat |\n|---|---|---|---|---|---|")
    for leaves in args.leaves:
        base = None
        for order in ORDERS:
            if order != "coarse-to-fine" and leaves > args.flat_leaves:
                continue
            row = measure(args, leaves, order)
            base = base or row
            ratios = [row[name] / base[name] for name in ("train", "predict")]
            found[f"{leaves} {order}"] = row
            print(
                f"| {leaves:,} | {order} | {row['train']:.2f} | {ratios[0]:.2f} | "
                f"{row['predict']:.3f} | {ratios[1]:.2f} |",
                flush=True,
            )
        if args.hiclass and leaves <= args.hiclass_leaves:
            found[f"{leaves} side by side"] = peer(args, leaves)
            for name, row in found[f"{leaves} side by side"].items():
                print(f"| {leaves:,} | {name} | {row} |", flush=True)
    if args.out:
        write_json(args.out, found)


if __name__ == "__main__":
    main()
