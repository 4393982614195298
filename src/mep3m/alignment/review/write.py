"""Proposals become a review: ordered by rows at stake, with rows and titles of both categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mep3m.alignment.records import Proposal, Side
from mep3m.alignment.review.sssom import write_sssom
from mep3m.alignment.review.stock import Stocks


def write_review(
    path: Path,
    sides: Sequence[Side],
    proposals: Sequence[Proposal],
    title: str,
    made_from: Mapping[str, Path] | None = None,
    versions: Mapping[str, str] | None = None,
) -> int:
    """Write the proposals between the sides as a review, and return its rows; see `write_sssom`."""
    stocks = Stocks.of(sides)
    return write_sssom(path, stocks.by_rows_at_stake(proposals), title, made_from, versions, stocks)
