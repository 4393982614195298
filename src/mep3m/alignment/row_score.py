"""Score a merge by the rows: how many stand in a right place, and how many of those that belong together do.

A category's rows are in a right place if every category on their path in the merged tree contains or equals
it, whichever platform that is of. They are joinable if some category of another platform does, and joined if
they also stand in or below one. The classes of a hand-made first-level map are no platform's and do not
count. The gold is taken to be complete: what neither it nor the trees say is not so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.groups import label
from mep3m.alignment.merging.merge import Merge
from mep3m.alignment.truth import Containers


@dataclass(frozen=True)
class PlacedCategory:
    """One category with `rows` of its own: what is on its path in the merged tree, and what contains it."""

    node: PlatformPath
    rows: int
    on_path: frozenset[PlatformPath]
    within: frozenset[PlatformPath]
    labelled: bool

    @property
    def wrong(self) -> frozenset[PlatformPath]:
        """The categories on its path that do not contain it."""
        return self.on_path - self.within

    @property
    def allowed(self) -> frozenset[PlatformPath]:
        """The categories of other platforms that contain or equal it."""
        return frozenset(other for other in self.within if other[0] != self.node[0])

    @property
    def right(self) -> bool:
        """Whether its rows have a label and stand in a right place."""
        return self.labelled and not self.wrong

    @property
    def joined(self) -> bool:
        """Whether its rows stand, rightly, with another platform's."""
        return self.right and not self.on_path.isdisjoint(self.allowed)


@dataclass(frozen=True)
class Tally:
    """Counts of rows or of categories."""

    n: int
    right: int
    joinable: int
    joined: int

    def to_dict(self) -> dict[str, int | float | None]:
        """Return the counts and the two shares; `None` where there is nothing to take a share of."""
        return {
            "n": self.n,
            "right_place": self.right / self.n if self.n else None,
            "joinable": self.joinable,
            "joined": self.joined / self.joinable if self.joinable else None,
        }


@dataclass(frozen=True)
class RowScores:
    """What became of every category that has rows of its own, largest first."""

    categories: tuple[PlacedCategory, ...]

    @property
    def by_rows(self) -> Tally:
        """Every row counts once."""
        return _tally((one, one.rows) for one in self.categories)

    @property
    def by_categories(self) -> Tally:
        """Every category counts once, however many rows it has."""
        return _tally((one, 1) for one in self.categories)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, the categories in a wrong place and those not joined among them."""
        return {
            "rows": self.by_rows.to_dict(),
            "categories": self.by_categories.to_dict(),
            "wrong_place": [_listed(one, one.wrong) for one in self.categories if not one.right],
            "not_joined": [
                _listed(one, one.allowed) for one in self.categories if one.allowed and not one.joined
            ],
        }


def score_rows(merged: Merge, rows: Mapping[PlatformPath, int], within: Containers) -> RowScores:
    """Return the scores of a merge; `rows` are those that stand in each category itself."""
    scored = []
    for node in sorted((of for of, count in rows.items() if count and of[1]), key=lambda of: (-rows[of], of)):
        labels = merged.mapping.get(node, ())
        on_path = {other for one in labels for other in merged.members.get(one.category or "", ())}
        scored.append(PlacedCategory(node, rows[node], frozenset(on_path), within[node], bool(labels)))
    return RowScores(tuple(scored))


def _tally(weighed: Iterable[tuple[PlacedCategory, int]]) -> Tally:
    n = right = joinable = joined = 0
    for one, weight in weighed:
        n += weight
        right += weight * one.right
        joinable += weight * bool(one.allowed)
        joined += weight * one.joined
    return Tally(n, right, joinable, joined)


def _listed(one: PlacedCategory, others: Iterable[PlatformPath]) -> dict[str, Any]:
    return {"category": label(one.node), "rows": one.rows, "others": sorted(map(label, others))}
