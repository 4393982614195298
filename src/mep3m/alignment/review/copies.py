"""Copies of a review for a second reviewer, who does not see the scores, and their way back."""

from __future__ import annotations

import random
from collections.abc import Mapping

from mep3m.alignment.review.contract import EDITABLE, Review, ReviewLog, RowKey, Signature, editable, row_keys
from mep3m.alignment.review.decisions import parse_decision
from mep3m.alignment.sheet import Sheet
from mep3m.errors import UsageError

#: columns that a blind copy leaves empty
HIDDEN = ("confidence", "mep3m_accepted_by_method", "mep3m_evidence", "comment", "mep3m_self_test")


def blind(review: Review, seed: int) -> Sheet:
    """Return the open rows without score, evidence and the method's decision, in an order of `seed`."""
    rows = [
        {column: "" if column in HIDDEN else cell for column, cell in row.items()}
        for row, decision in zip(review.sheet.rows, review.decisions, strict=True)
        if decision.verdict in ("open", "unsure")
    ]
    random.Random(seed).shuffle(rows)
    return Sheet([*review.sheet.comments, f"#mep3m_blind: seed {seed}"], list(review.sheet.columns), rows)


def take(log: ReviewLog, copy: Sheet, when: str) -> int:
    """Bring the decisions of a copy into the review as one batch; return how many rows changed.

    Each row keeps the reviewer that the copy names.

    Raises:
        UsageError: the copy decides a row that the review does not have, or decides it otherwise.
    """
    review = log.read(when)
    wanted, problems = _compared(review, copy)
    if problems:
        raise UsageError("nothing was taken over:\n  " + "\n  ".join(problems[:20]))
    if wanted:
        reviewers = sorted({cells["reviewer_label"] for cells in wanted.values()} - {""})
        log.decide(wanted, Signature(", ".join(reviewers), when, "taken from a copy"), review.revision)
    return len(wanted)


def _compared(review: Review, copy: Sheet) -> tuple[dict[RowKey, Mapping[str, str]], list[str]]:
    """Return the cells that the copy decides and the review has not yet, and what stands against it."""
    places = {key: place for place, key in enumerate(review.keys)}
    wanted: dict[RowKey, Mapping[str, str]] = {}
    problems: list[str] = []
    for key, (line, row) in zip(row_keys(copy), copy, strict=True):
        decision = parse_decision(row, line)
        place = places.get(key)
        if decision.verdict == "open":
            continue
        if place is None:
            problems.append(f"line {line}: the review has no such row: {decision.link}")
            continue
        mine = review.decisions[place].verdict
        if mine not in ("open", "unsure", decision.verdict):
            at = review.sheet.lines[place]
            problems.append(f"line {line}: '{decision.verdict}', but line {at} of the review says '{mine}'")
        elif editable(row) != editable(review.sheet.rows[place]):
            cells = {column: row[column] for column in EDITABLE if row.get(column)}
            wanted[key] = {**cells, "reviewer_label": decision.reviewer or ""}
    return wanted, problems
