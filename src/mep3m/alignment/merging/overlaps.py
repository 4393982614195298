"""Categories that overlap: said to a person, and never applied."""

from __future__ import annotations

from collections.abc import Sequence

from mep3m.alignment.merging.merge import Catalogue, rows_below
from mep3m.alignment.merging.policy import Waiting
from mep3m.alignment.review.decisions import Decision

NEVER_APPLIED = "they share products, and neither contains the other: this is never applied"


def overlapping(catalogue: Catalogue, decisions: Sequence[Decision]) -> tuple[Waiting, ...]:
    """Return the overlaps that nobody has rejected, with the rows of both categories, most rows first."""
    rows = rows_below(catalogue)
    found = [
        Waiting(row, NEVER_APPLIED, sum(rows.get(end, 0) for end in catalogue.ends(row) if end is not None))
        for row in decisions
        if row.relation == "overlaps" and row.verdict != "reject"
    ]
    return tuple(sorted(found, key=lambda one: (-one.rows, one.decision.line)))
