"""What a reviewer sees of the categories of a link: how many rows each has, and a few of their titles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mep3m.alignment.records import Proposal, Side
from mep3m.taxonomy import PATH_SEPARATOR

#: titles of a category that are shown
TITLES = 3


@dataclass(frozen=True)
class Stock:
    """Rows at or below a category (`None`: no table says), and titles of some of them."""

    rows: int | None = None
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stocks:
    """The stock of every category, by platform and path, inner ones included."""

    known: Mapping[tuple[str, str], Stock]

    @classmethod
    def of(cls, sides: Sequence[Side]) -> Stocks:
        """Add up the rows of every category and of those below it, and take the first titles."""
        known: dict[tuple[str, str], Stock] = {}
        for side in sides:
            for entry in side:
                for depth in range(1, len(entry.path) + 1):
                    key = side.name, PATH_SEPARATOR.join(entry.path[:depth])
                    before = known.get(key, Stock())
                    rows = before.rows if entry.count is None else (before.rows or 0) + entry.count
                    known[key] = Stock(rows, (*before.titles, *entry.titles[:TITLES])[:TITLES])
        return cls(known)

    def ends(self, proposal: Proposal) -> tuple[Stock, Stock]:
        """Return what is known of the two categories of a link."""
        left = self.known.get((proposal.left_source, proposal.left_label), Stock())
        right = self.known.get((proposal.right_source, proposal.right_label), Stock())
        return left, right

    def by_rows_at_stake(self, proposals: Sequence[Proposal]) -> Iterator[Proposal]:
        """Yield the links by rows at stake; those of which nothing is known last, in their own order."""
        rows = (tuple(end.rows for end in self.ends(one)) for one in proposals)
        stakes = [
            at_stake(one.relation, one.probability, of) for one, of in zip(proposals, rows, strict=True)
        ]
        order = np.argsort(-np.array(stakes, float), kind="stable")
        return (proposals[int(place)] for place in order)


def at_stake(relation: str, probability: float, rows: Sequence[int | None]) -> float:
    """Return the rows that a link of (left, right) rows would move, times its probability."""
    left, right = (count or 0 for count in rows)
    moved = {"narrower": left, "broader": right}.get(relation, left + right)
    return moved * probability
