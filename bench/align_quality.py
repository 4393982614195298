"""Quality of alignment: `python -m bench.align_quality --out RESULT.json` (a Markdown table).

Every set that has a gold, by the paper's rule, the best name per category, the script that a user
would write (one to one, or `script best`: each category's most similar), and the evidence method.
`valid` are the categories that the weights were not trained on; nothing is tuned on what this prints.
The simulated shops of one size are one row: pairs of shops of all seeds together. The interval is that
of F1 when left categories are drawn again (95 %, 500 draws). `--ablate` hides one kind of evidence at
a time (the same weights, which know how to do without).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from bench.alignment.data import (
    Case,
    contest_jd,
    one_to_one,
    shopify_google,
    simulated,
    tiktokshop,
    walmart_amazon,
)  # fmt: skip
from bench.alignment.script import script, script_best
from bench.alignment.tasks import train_part
from mep3m.alignment.learned.boosted import read_weights
from mep3m.alignment.learned.features import KINDS, Features, PairEvidence
from mep3m.alignment.learned.proposer import propose_evidence
from mep3m.alignment.paper.shared_names import label_pairs
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Proposal, Side
from mep3m.settings.align import AlignSettings

Pairs = set[tuple[str, str]]
#: simulated worlds that the weights were not trained on (`bench.alignment.tasks.WORLDS`)
SEEDS = (1, 2, 3)
#: their products: one or two titles a category, dozens, hundreds
SIZES = (400, 1200, 4000, 12_000)
#: worlds of at most so many products have pictures
PICTURED = 1200
#: pairs that no method may merge
TRAPS = (("手机", "手机壳"), ("电视", "电视柜"), ("男装", "女装"), ("猫粮", "狗粮"))


def cases(only: str = "") -> list[Case]:
    """Return the measured cases whose name holds `only`, the validation part of each."""
    contest = train_part(contest_jd(), False)
    found = [contest.closed(), contest, contest_jd().closed(), contest_jd()]
    for language in ("zh", "en", "both", "zh-en"):
        valid = train_part(shopify_google(language), False)
        found += [one_to_one(valid), valid]
    found += [train_part(walmart_amazon(), False), walmart_amazon(), tiktokshop()]
    found = [case for case in found if only in case.name]
    for size in SIZES:
        if only in f"simulator, {size} products":
            pictures = size <= PICTURED
            found += [
                case.stocked().without_english()
                for seed in SEEDS
                for case in simulated(seed, size, pictures=pictures)
            ]
    return found


def best_name(left: Side, right: Side) -> Pairs:
    """Return each left category with the right one of highest S_label, where that is at least .3."""
    best: dict[int, tuple[float, int]] = {}
    names = [entry.name for entry in left], [entry.name for entry in right]
    for rows, columns, ratios in label_pairs(*names, 0.3):
        for i, j, ratio in zip(rows.tolist(), columns.tolist(), ratios.tolist(), strict=True):
            best[i] = max(best.get(i, (0.0, 0)), (ratio, -j))
    return {(left.entries[i].id, right.entries[-j].id) for i, (_, j) in best.items()}


def accepted(proposals: Sequence[Proposal]) -> Pairs:
    return {(one.left_id, one.right_id) for one in proposals if one.accept}


@dataclass
class Counts:
    """What a method found, by left category: pairs found, right ones, their weight, the gold's weight."""

    by_left: list[tuple[float, float, float, float]] = field(default_factory=list)
    traps: int = 0

    def add(self, found: Pairs, case: Case, known: bool = False) -> None:
        """Count one case's pairs, with `known` only those of left categories whose truth is known."""
        left_out = case.unknown if known else frozenset()
        table: dict[str, list[float]] = {
            entry.id: [0.0, 0.0, 0.0, 0.0] for entry in case.left if entry.id not in left_out
        }
        for left, right in (pair for pair in found if pair[0] in table):
            table[left][0] += 1
            table[left][1] += (left, right) in case.gold
            table[left][2] += case.gold.get((left, right), 0.0)
        for (left, _), weight in case.gold.items():
            table[left][3] += weight
        self.by_left += [(a, b, c, d) for a, b, c, d in table.values()]
        self.traps += trapped(found, case)

    def scores(self) -> dict[str, float]:
        """Return precision, recall, F1 and its interval, by the gold's weights (1 where it has none)."""
        counts = np.array(self.by_left)
        drawn = np.random.default_rng(0).integers(0, len(counts), (500, len(counts)))
        low, high = np.percentile([_scores(counts[one].sum(axis=0))[2] for one in drawn], [2.5, 97.5])
        precision, recall, f1 = _scores(counts.sum(axis=0))
        return {"precision": precision, "recall": recall, "f1": f1, "low": float(low), "high": float(high)}


def _scores(total: np.ndarray) -> tuple[float, float, float]:
    found, right, weight, gold = total.tolist()
    precision, recall = right / max(found, 1), weight / gold
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


def methods(weights: Path | None, said: list[tuple[float, bool, bool]]) -> dict[str, Callable[[Case], Pairs]]:
    """Return the methods by name; the evidence method adds what it proposed to `said`.

    (probability, whether it is in the gold, whether it is accepted); left categories whose truth is
    not known do not count.
    """
    paper = AlignSettings(method="paper")
    ours = AlignSettings()
    learned = read_weights(weights.read_bytes()) if weights else None

    def evidence(case: Case) -> Pairs:
        found = propose_evidence(case.left, case.right, ours.evidence, weights=learned)
        known = [one for one in found if one.left_id not in case.unknown]
        said.extend((one.probability, (one.left_id, one.right_id) in case.gold, one.accept) for one in known)
        return accepted(found)

    return {
        "paper": lambda case: accepted(propose([case.left, case.right], paper)),
        "best name": lambda case: best_name(case.left, case.right),
        "script .3": lambda case: script(case.left, case.right, 0.3),
        "script 0": lambda case: script(case.left, case.right, 0.0),
        "script best": lambda case: script_best(case.left, case.right, 0.3),
        "names only": lambda case: evidence(case.names_only()),
        "ours": evidence,
    }


@contextmanager
def hidden(kind: str | None) -> Iterator[None]:
    """Hide one kind of evidence while the block runs."""
    if kind is None:
        yield
        return
    original = PairEvidence.features

    def without(self: PairEvidence, rows: np.ndarray, columns: np.ndarray) -> Features:
        features = original(self, rows, columns)
        return {k: np.full_like(v, np.nan) if k in KINDS[kind] else v for k, v in features.items()}

    PairEvidence.features = without  # type: ignore[method-assign]
    try:
        yield
    finally:
        PairEvidence.features = original  # type: ignore[method-assign]


def trapped(found: Pairs, case: Case) -> int:
    """Return how many trap pairs were merged: both names of a trap, one on each side."""
    names = {(case.left[a].name, case.right[b].name) for a, b in found - set(case.gold)}
    return sum((a, b) in names or (b, a) in names for a, b in TRAPS)


def print_reliability(said: dict[str, list[tuple[float, bool, bool]]]) -> None:
    """Print, by rows and bins of the probability of what was proposed, how many links are in the gold.

    And, of what was accepted, the most that are right at 95 and 99 % precision if the surest are taken.
    """
    edges = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.01)
    for name, links in said.items():
        values, right, taken = (np.array(of) for of in zip(*links, strict=True))
        print(f"\n{name}\n\n| said | links | mean said | true |\n|---|---|---|---|")
        error = 0.0
        for low, high in pairwise(edges):
            within = (values >= low) & (values < high)
            if within.any():
                mean, share = float(values[within].mean()), float(right[within].mean())
                error += within.sum() / len(values) * abs(mean - share)
                print(f"| {low} to {high} | {within.sum():,} | {mean:.3f} | {share:.3f} |")
        order = np.argsort(-values[taken], kind="stable")
        hits = right[taken][order].cumsum()
        precision = hits / (np.arange(len(hits)) + 1)
        found = ", ".join(f"{hits[precision >= p].max(initial=0):,} at {p}" for p in (0.95, 0.99))
        print(f"\nexpected calibration error {error:.3f}; right links of {len(hits):,} accepted: {found}")


def group(case: Case) -> str:
    """Return the row that a case belongs to: simulated shops of one size are measured together."""
    words = case.name.split()
    return f"simulator, {words[3]} products" if words[0] == "simulator" else case.name


def _line(row: dict[str, object]) -> str:
    numbers = [f"{row[key]:.3f}" for key in ("precision", "recall", "f1")]
    cells = [
        row["case"],
        f"{row['gold']:,}",
        row["method"],
        *numbers,
        f"{row['low']:.3f} to {row['high']:.3f}",
    ]
    return "| " + " | ".join(map(str, [*cells, row["traps"]])) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    parser.add_argument("--methods", default="paper,best name,script .3,script 0,names only,ours")
    parser.add_argument("--ablate", action="store_true")
    parser.add_argument("--weights", type=Path, help="other weights than the shipped ones")
    parser.add_argument(
        "--reliability", action="store_true", help="print how true the probabilities are, too"
    )
    options = parser.parse_args()
    said: dict[str, list[tuple[float, bool, bool]]] = {}
    table: list[dict[str, object]] = []
    print("| case | gold | method | precision | recall | F1 | interval | traps |\n" + "|---" * 8 + "|")
    for name, together in groupby(cases(options.only), key=group):
        pooled, runs = list(together), options.methods.split(",")
        if options.ablate:
            runs += [f"without {kind}" for kind in KINDS if kind != "structure"]
        for label in runs:
            counts, known, kind = Counts(), Counts(), label.removeprefix("without ")
            with hidden(kind if kind in KINDS else None):
                links: list[tuple[float, bool, bool]] = []
                method = methods(options.weights, links)["ours" if kind in KINDS else label]
                for case in pooled:
                    found = method(case)
                    counts.add(found, case)
                    known.add(found, case, known=True)
            said |= {name: links} if label == "ours" else {}
            row = {"case": name, "gold": sum(len(case.gold) for case in pooled), "method": label}
            table.append(row | counts.scores() | {"traps": counts.traps})
            print(_line(table[-1]), flush=True)
            if any(case.unknown for case in pooled):
                table.append(row | known.scores() | {"case": f"{name}, known", "traps": known.traps})
                print(_line(table[-1]), flush=True)
    if options.reliability:
        print_reliability(said)
    if options.out:
        options.out.write_text(json.dumps(table, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
