"""What a method accepted and nobody has reviewed must not stop a merge: the weaker link gives way."""

from __future__ import annotations

from dataclasses import replace

from mep3m.alignment.merging.merge import Catalogue, MergeInputs, find_problems
from mep3m.alignment.review.decisions import Decision, links


def resolve_conflicts(catalogue: Catalogue, review: MergeInputs) -> tuple[MergeInputs, list[str]]:
    """Leave open the unreviewed links that contradict others, and say which and why.

    Of the links that a problem names, the unreviewed one with the least probability gives way, again
    and again until no problem is left that only a person can solve. What people decided is
    never touched; where their decisions contradict each other the problems stay.
    """
    waiting = {d.line: d for d in links(review.decisions, review.settings) if d.verdict == "open"}
    notes: list[str] = []
    while waiting:
        rivals = [
            ([waiting[line] for line in problem.lines if line in waiting], problem.text)
            for problem in find_problems(catalogue, review)
        ]
        dropped = {min(rows, key=_strength).line: why for rows, why in rivals if rows}
        if not dropped:
            break
        notes += [f"left open for a person: {waiting.pop(line).link}: {why}" for line, why in dropped.items()]
        open_again = tuple(
            replace(decision, by_method=False) if decision.line in dropped else decision
            for decision in review.decisions
        )
        review = replace(review, decisions=open_again)
    return review, notes


def _strength(decision: Decision) -> tuple[float, int]:
    return decision.probability or 0.0, -decision.line
