"""How often promises of precision are kept: repeated audits of real rows, beside thresholds without a test.

What came in is what `bench.guarantee_sets` wrote. Each repeat draws an audit from it with replacement and
makes a promise, which is kept if what it files of all of it is that precise (`kept`: no noise). Where enough
rows are left, the same with an audit drawn without replacement, kept in the rows left over (`on a split`:
with the noise of so many filings). `oracle`: the coverage of the best λ chosen with the labels of all rows.
MAPIE's answers come from `bench.guarantee_mapie`, which runs in an environment of its own.

    python -m bench.guarantee_sets --data ../shared/data --out /tmp/pools
    python -m bench.guarantee --pools /tmp/pools --mapie /tmp/mapie.json --plot docs/log/guarantee
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import plots
from mep3m.arrays import Ints
from mep3m.evaluation import guarantees
from mep3m.evaluation.guarantees import Audited, Numbers, audit
from mep3m.evaluation.promises.branches import OTHERS, WHOLE, Nodes, nominate, prove_parts, stage_confidence
from mep3m.label_tree.likely_path import LikelyPaths
from mep3m.label_tree.tree import LabelTree

PROMISED = (0.95, 0.97, 0.99)
SIZES = (1000, 5000, 20_000)
CONFIDENCE = 0.95
NEVER = np.inf


@dataclass(frozen=True)
class Pool:
    """What comes in: what thresholds do to each row, its branch, and the same for leaves alone by class."""

    audited: Audited
    branches: Nodes
    leaves: Audited
    classes: Ints

    @classmethod
    def load(cls, path: Path) -> Pool:
        """Read what `bench.guarantee_sets` wrote."""
        held = np.load(path)
        tree = LabelTree.from_json(json.loads(str(held["tree"])))
        nodes, chances = held["nodes"], held["chances"]
        last = (nodes >= 0).sum(axis=1) - 1
        rows = np.arange(len(nodes))
        end, sure = nodes[rows, last], chances[rows, last]
        leaves = Audited(sure, np.where(end == held["truth"], -1.0, sure))
        whole = audit(tree, LikelyPaths(nodes, chances), held["truth"])
        return cls(whole, nodes[:, 0], leaves, end)

    def take(self, rows: Ints) -> Pool:
        """Return some of the rows."""
        return Pool(self.audited.take(rows), self.branches[rows], self.leaves.take(rows), self.classes[rows])


#: an audit, what comes in, a precision -> the threshold of each row that comes in
Method = Callable[[Pool, Pool, float], Numbers]


def one_threshold(proof: guarantees.Proof | None, rest: Pool) -> Numbers:
    """Return the same threshold for all rows; `NEVER` where there is none."""
    return np.full(len(rest.branches), NEVER if proof is None else proof.threshold)


def by_branch(drawn: Pool, rest: Pool, precision: float) -> Numbers:
    """Return what `--by-branch` files: the branches' own thresholds where these file more."""
    found = nominate(drawn.audited, drawn.branches, precision, CONFIDENCE)
    whole = guarantees.prove(drawn.audited, precision, stage_confidence(CONFIDENCE, 1, WHOLE))
    wanted = dict.fromkeys(found, precision)
    parts = prove_parts(drawn.audited, drawn.branches, wanted, precision, CONFIDENCE) if found else []
    proven = [part for part in parts if part.proof is not None]
    together = sum(part.proof.filed for part in proven if part.proof is not None)
    if whole is not None and whole.filed >= together:
        return one_threshold(whole, rest)
    thresholds = np.full(len(rest.branches), NEVER)
    for part in proven:
        own = np.isin(rest.branches, found)
        mine = ~own if part.branch == OTHERS else rest.branches == part.branch
        thresholds[mine] = part.proof.threshold if part.proof is not None else NEVER
    return thresholds


def by_class(drawn: Pool, rest: Pool, precision: float) -> Numbers:
    """Return what people set by hand: for each class the least threshold that was precise enough in it."""
    thresholds = np.full(len(rest.branches), NEVER)
    for label in np.unique(drawn.classes):
        mine = drawn.leaves.take(np.flatnonzero(drawn.classes == label))
        found = guarantees.empirical(mine, precision, CONFIDENCE)
        thresholds[rest.classes == label] = NEVER if found is None else found.threshold
    return thresholds


METHODS: dict[str, Method] = {
    "promise": lambda a, rest, p: one_threshold(guarantees.prove(a.audited, p, CONFIDENCE), rest),
    "promise, by branch": by_branch,
    "empirical": lambda a, rest, p: one_threshold(guarantees.empirical(a.audited, p, CONFIDENCE), rest),
    "empirical, by class": by_class,
    "score >= .9": lambda a, rest, p: np.full(len(rest.branches), 0.9),
}
#: methods that file leaves only
LEAVES = ("empirical, by class",)


def share_right(rest: Audited, thresholds: Numbers) -> tuple[float, float]:
    """Return coverage and precision (1 where nothing is filed) of thresholds (N,)."""
    filed, errors = int((rest.files >= thresholds).sum()), int((rest.errs >= thresholds).sum())
    return filed / len(rest.files), 1 - errors / filed if filed else 1.0


def draws(repeat: int, size: int, rows: int) -> tuple[Ints, Ints]:
    """Return the rows of an audit drawn with replacement, and an order of all rows."""
    random = np.random.default_rng([repeat, size])
    return random.integers(0, rows, size), random.permutation(rows)


def measure(pools: list[Pool], size: int, precision: float, repeats: int) -> dict[str, dict[str, float]]:
    """Return the means of `repeats` audits of `size` rows, for each method."""
    found: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in METHODS}
    best = [guarantees.empirical(pool.audited, precision, CONFIDENCE) for pool in pools]
    for repeat in range(repeats):
        pool, oracle = pools[repeat % len(pools)], best[repeat % len(pools)]
        drawn, order = draws(repeat, size, len(pool.branches))
        left = pool.take(order[size:])
        for name, choose in METHODS.items():
            told, rest = found[name], pool.leaves if name in LEAVES else pool.audited
            coverage, right = share_right(rest, choose(pool.take(drawn), pool, precision))
            told["kept"].append(right >= precision)
            told["given"].append(coverage > 0)
            told["coverage"].append(coverage)
            told["oracle"].append(oracle.coverage if oracle else 0.0)
            if coverage:
                told["right"].append(right)
            if len(left.branches) >= 1000:
                thresholds = choose(pool.take(order[:size]), left, precision)
                over = left.leaves if name in LEAVES else left.audited
                told["split"].append(share_right(over, thresholds)[1] >= precision)
    return {name: means(told) for name, told in found.items()}


def means(told: dict[str, list[float]]) -> dict[str, float]:
    """Return the mean of each list, and `low` and `high` of the precisions, which hold 90 %."""
    found = {name: float(np.mean(values)) for name, values in told.items()}
    low, high = np.quantile(told["right"], [0.05, 0.95]).tolist() if told["right"] else (np.nan, np.nan)
    return found | {"low": low, "high": high}


def row(found: dict[str, dict[str, float]]) -> str:
    """Return the cells of a table: each method is `kept · coverage`."""
    promise = found["promise"]
    cells = [f"{promise['given']:.2f}", f"{promise['split']:.2f}" if "split" in promise else ""]
    for method in (*METHODS, "MAPIE", "MAPIE, fixed"):
        told = found.get(method)
        cells.append("" if told is None else f"{told['kept']:.2f} · {told['coverage']:.3f}")
    return " | ".join([*cells, f"{promise['oracle']:.3f}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pools", type=Path, required=True)
    parser.add_argument("--mapie", type=Path, help="What bench.guarantee_mapie wrote.")
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--plot", type=Path, help="Write NAME-<set>.svg.")
    parser.add_argument("--only", nargs="*", help="Names of sets. Default: all.")
    arguments = parser.parse_args()
    others = json.loads(arguments.mapie.read_text()) if arguments.mapie else {}
    columns = ("set", "audit", "promised", "given", "on a split", *METHODS, "MAPIE", "MAPIE, fixed", "oracle")
    print(f"| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|")
    names = sorted({path.stem.rpartition("-")[0] for path in arguments.pools.glob("*.npz")})
    for name in arguments.only or names:
        pools = [Pool.load(path) for path in sorted(arguments.pools.glob(f"{name}-*.npz"))]
        drawn: dict[str, list[tuple[float, float, float, float]]] = defaultdict(list)
        for size in SIZES:
            for precision in PROMISED:
                found = measure(pools, size, precision, arguments.repeats)
                found |= others.get(f"{name} {size} {precision}", {})
                print(f"| {name} | {size:,} | {precision} | {row(found)} |", flush=True)
                for method, told in found.items():
                    if size == 5000 and not np.isnan(told["low"]):
                        drawn[method].append((precision, told["right"], told["low"], told["high"]))
        if arguments.plot:
            drawn["as promised"] = [(one, one, one, one) for one in PROMISED]
            path = (
                arguments.plot.parent
                / f"{arguments.plot.name}-{name.replace(', ', '-').replace(' ', '-')}.svg"
            )
            title = f"{name}: realised precision of {arguments.repeats} audits of 5,000 rows, 5 to 95 %"
            plots.bands(path, title, ("promised", "realised"), drawn)


if __name__ == "__main__":
    main()
