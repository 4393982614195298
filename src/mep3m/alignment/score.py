"""Score proposals against a gold alignment: what a method finds, how sure it is, what a person must do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from mep3m.alignment.gold import Gold, Pair
from mep3m.alignment.records import Proposal

#: precisions at which coverage is reported
PRECISIONS = (0.90, 0.95, 0.99)
#: the precision for which the needed decisions are counted
TARGET = 0.99


@dataclass(frozen=True)
class AlignmentScores:
    """Scores of one set of proposals; a pair counts as proposed when its method accepted it.

    `coverage` maps a precision to the largest share of the gold pairs that is found by taking the
    most probable proposals down to some probability while the precision still holds.
    `decisions` is how many proposals a person must look at (the least sure first, then the
    refused ones are left) so that the accepted ones reach 99 % precision; `None` where even
    looking at all of them is not needed to be told (nothing was accepted). `overlaps` counts the pairs
    that the gold says overlap, those proposed as such, and how many of these are in the gold; none of them
    is a link.
    """

    proposed: int
    gold_pairs: int
    correct: int
    precision: float
    recall: float
    f1: float
    average_precision: float
    coverage: dict[str, float]
    decisions: int
    relation_accuracy: float | None
    overlaps: dict[str, int] = field(default_factory=dict)
    gold_unknown: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def score(proposals: Sequence[Proposal], gold: Gold, errors_shown: int = 50) -> AlignmentScores:
    """Return the scores of the proposals; see `AlignmentScores` for what each means.

    A pair proposed twice counts once, with its accepted and then most probable row. Average
    precision is over all rows, accepted or not, the most probable first, rows of one probability at
    once; gold pairs that no row holds count as never found. An overlap is no link, so that it is neither
    proposed nor found; a link of a pair that the gold says overlaps is wrong.
    """
    best: dict[Pair, Proposal] = {}
    comparable = gold.comparable(proposals)
    overlapping = {(one.left_id, one.right_id) for one in comparable if one.relation == "overlaps"}
    for proposal in comparable:
        if proposal.relation == "overlaps":
            continue
        pair = proposal.left_id, proposal.right_id
        known = best.get(pair)
        if known is None or (proposal.accept, proposal.probability) > (known.accept, known.probability):
            best[pair] = proposal
    accepted = {pair for pair, proposal in best.items() if proposal.accept}
    correct = accepted & gold.pairs.keys()
    precision = len(correct) / len(accepted) if accepted else 0.0
    recall = len(correct) / len(gold.pairs)
    ranked = sorted(best.items(), key=lambda item: (-item[1].probability, item[0]))
    steps = _steps([(proposal.probability, pair in gold.pairs) for pair, proposal in ranked])
    typed = [pair for pair in correct if gold.pairs[pair] is not None]
    return AlignmentScores(
        proposed=len(accepted),
        gold_pairs=len(gold.pairs),
        correct=len(correct),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if correct else 0.0,
        average_precision=_average_precision(steps, len(gold.pairs)),
        coverage={f"{wanted:.2f}": _coverage(steps, len(gold.pairs), wanted) for wanted in PRECISIONS},
        decisions=_decisions([(p.probability, pair in gold.pairs) for pair, p in best.items() if p.accept]),
        relation_accuracy=(
            sum(best[pair].relation == gold.pairs[pair] for pair in typed) / len(typed) if typed else None
        ),
        overlaps={
            "gold": len(gold.overlaps),
            "proposed": len(overlapping),
            "correct": len(overlapping & gold.overlaps),
        },
        gold_unknown=list(gold.unknown),
        errors=_errors(best, accepted, gold, errors_shown),
    )


def _steps(ranked: Sequence[tuple[float, bool]]) -> list[tuple[int, int]]:
    """Return (rows taken, right ones among them) down to each probability.

    Rows of one probability are taken together: which of them comes first says nothing.
    """
    right, steps = 0, []
    for taken, (probability, hit) in enumerate(ranked, start=1):
        right += hit
        if taken == len(ranked) or ranked[taken][0] != probability:
            steps.append((taken, right))
    return steps


def _average_precision(steps: Sequence[tuple[int, int]], positives: int) -> float:
    before, total = 0, 0.0
    for taken, right in steps:
        total += (right - before) * right / taken
        before = right
    return total / positives


def _coverage(steps: Sequence[tuple[int, int]], positives: int, wanted: float) -> float:
    return max((right for taken, right in steps if right >= wanted * taken), default=0) / positives


def _decisions(accepted: Sequence[tuple[float, bool]]) -> int:
    """Return how many accepted pairs (probability, whether it is right) a person must look at.

    The person takes the least probable first and removes the wrong ones, until what is left is
    right in 99 % of the pairs. Of one probability the right ones come first: so many are enough in
    any order.
    """
    right = [hit for _, hit in sorted(accepted, key=lambda row: (-row[0], row[1]))]
    wrong = sum(not hit for hit in right)
    left, looked = len(right), 0
    while left and wrong > (1 - TARGET) * left + 1e-9:
        looked += 1
        if not right[-looked]:
            wrong -= 1
            left -= 1
    return looked


def _errors(
    best: Mapping[Pair, Proposal], accepted: set[Pair], gold: Gold, shown: int
) -> list[dict[str, Any]]:
    """Return the wrong pairs, the surest first, and then the missed ones, with their evidence."""
    wrong = sorted(accepted - gold.pairs.keys(), key=lambda pair: (-best[pair].probability, pair))
    missed = sorted(gold.pairs.keys() - accepted)
    named = [("wrong", pair) for pair in wrong[:shown]] + [("missed", pair) for pair in missed[:shown]]
    return [_error(kind, pair, best.get(pair)) for kind, pair in named]


def _error(kind: str, pair: Pair, proposal: Proposal | None) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": kind, "left_id": pair[0], "right_id": pair[1]}
    if proposal is None:
        return row | {"evidence": "never a candidate"}
    return row | {
        "left": proposal.left_label,
        "right": proposal.right_label,
        "probability": proposal.probability,
        "evidence": proposal.words,
    }
