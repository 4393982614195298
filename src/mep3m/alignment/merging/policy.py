"""What may be applied without a person: one rule for builds, for `align apply` and for every dry run.

An unreviewed link is applied when it is probable enough for its kind, when something beside the shape of the
trees speaks for it, when what follows from it together with other links holds too, and when the rows that are
expected to stand in a wrong place stay within what `precision` allows. Everything else waits for a person.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.groups import label
from mep3m.alignment.merging.merge import Catalogue, MergeInputs
from mep3m.alignment.records import Relation
from mep3m.alignment.review.decisions import Decision
from mep3m.settings.align import MergeSettings

#: share of the inner category's rows that must be filed under the outer one where both sell enough to tell
FILED = 0.12
#: what is left of the probability of a chain of links where no row of the review speaks of its two ends
UNSAID = 0.5
#: probability from which on such a chain holds all the same
LEAST_UNSAID = 0.4
#: what sums of risks may be off by
ROUNDING = 1e-6


@dataclass(frozen=True)
class Waiting:
    """An unreviewed link of the method that is not applied: why, and the rows it would move."""

    decision: Decision
    why: str
    rows: int


def apply_policy(catalogue: Catalogue, inputs: MergeInputs) -> tuple[MergeInputs, tuple[Waiting, ...]]:
    """Return the inputs with only those unreviewed links left accepted that may be applied, and the others.

    The links are taken in the order of their probability. What a person decided is never touched.
    """
    settings = inputs.settings
    if settings.unreviewed != "accept":
        return inputs, ()
    counts = _counted(catalogue)
    rows = _rows_below(counts)
    budget = _Budget((1 - settings.precision) * sum(counts.values()), counts)
    chains = _Chains(inputs.decisions, catalogue)
    waiting: dict[int, Waiting] = {}
    for place in _surest_first(inputs.decisions):
        row = inputs.decisions[place]
        ends = catalogue.ends(row)
        moved = _moved(row, ends, rows)
        why = _refusal(row, settings) or chains.refusal(row, ends)
        if not why and not chains.follows(row, ends):
            why = budget.refusal(row, ends)
        if why:
            waiting[place] = Waiting(row, why, moved)
        else:
            chains.add(row, ends)
    decisions = tuple(
        replace(row, by_method=False) if place in waiting else row
        for place, row in enumerate(inputs.decisions)
    )
    order = sorted(waiting.values(), key=lambda one: (-one.rows, one.decision.line))
    return replace(inputs, decisions=decisions), tuple(order)


def _refusal(row: Decision, settings: MergeSettings) -> str:
    """Return why a link cannot be applied whatever else is applied, or ''."""
    least = settings.least(row.relation)
    if (row.probability or 0.0) < least:
        return f"probability {row.probability or 0.0:.2f} is below {least:g}"
    if row.relation == "exact":
        return ""
    inner = "filed_l" if row.relation == "narrower" else "filed_r"
    named = row.evidence.get("named_l" if row.relation == "narrower" else "named_r", 0.0) > 0
    if inner in row.evidence:
        if row.evidence[inner] < FILED:
            return f"only {row.evidence[inner]:.0%} of its rows would be filed there"
        return ""
    return "" if named else "no name and no product says that one lies within the other"


def _surest_first(decisions: Sequence[Decision]) -> list[int]:
    """Return the places of the method's open links in an order that the order of the rows does not change."""

    def key(place: int) -> tuple[float, bool, str, str, str, str, str]:
        row = decisions[place]
        ends = (row.left.source, row.left.id, row.right.source, row.right.id)
        return -(row.probability or 0.0), row.relation != "exact", *ends, row.relation

    links = [place for place, row in enumerate(decisions) if row.verdict == "open" and row.by_method]
    return sorted(links, key=key)


def _counted(catalogue: Catalogue) -> dict[PlatformPath, int]:
    """Return the rows of each category; where a platform counts none, each of its categories is one."""
    stocked = {node[0] for node, count in catalogue.rows.items() if count}
    return {node: count if node[0] in stocked else 1 for node, count in catalogue.rows.items()}


def _rows_below(counts: Mapping[PlatformPath, int]) -> dict[PlatformPath, int]:
    rows: dict[PlatformPath, int] = {}
    for (source, path), count in counts.items():
        for depth in range(1, len(path) + 1):
            rows[source, path[:depth]] = rows.get((source, path[:depth]), 0) + count
    return rows


def _moved(
    row: Decision, ends: tuple[PlatformPath | None, PlatformPath | None], rows: Mapping[PlatformPath, int]
) -> int:
    """Return the rows that come to stand with or below a category of another platform."""
    left, right = (rows.get(end, 0) if end is not None else 0 for end in ends)
    return {"narrower": left, "broader": right}.get(row.relation, left + right)


@dataclass
class _Budget:
    """The rows that may be expected in a wrong place, and those expected so far.

    `leaves` are the categories with rows at or below each; a category is in as much danger as the least sure
    link that it depends on, however many there are.
    """

    allowed: float
    counts: Mapping[PlatformPath, int]
    leaves: dict[PlatformPath, list[PlatformPath]] = field(default_factory=dict)
    risks: dict[PlatformPath, float] = field(default_factory=dict)
    spent: float = 0.0

    def __post_init__(self) -> None:
        for source, path in self.counts:
            for depth in range(1, len(path) + 1):
                self.leaves.setdefault((source, path[:depth]), []).append((source, path))

    def refusal(self, row: Decision, ends: tuple[PlatformPath | None, PlatformPath | None]) -> str:
        """Return why a link puts too many rows in danger, or '' and take it into account."""
        risk = 1 - (row.probability or 0.0)
        moved = {"narrower": ends[:1], "broader": ends[1:]}.get(row.relation, ends)
        more = {
            leaf: risk - self.risks.get(leaf, 0.0)
            for end in moved
            for leaf in self.leaves.get(end or ("", ()), ())
            if risk > self.risks.get(leaf, 0.0)
        }
        added = sum(self.counts[leaf] * danger for leaf, danger in more.items())
        if self.spent + added > self.allowed + ROUNDING:
            return "with the links that are surer, it is more than the precision allows"
        self.spent += added
        self.risks.update(dict.fromkeys(more, risk))
        return ""


@dataclass
class _Chains:
    """The links that are applied so far, and what follows from them.

    `up` holds the outer categories of each, `down` the inner ones of a category and of everything below it on
    its own platform; each with the probability of the link.
    """

    decisions: Sequence[Decision]
    catalogue: Catalogue
    up: dict[PlatformPath, list[tuple[PlatformPath, float]]] = field(default_factory=dict)
    down: dict[PlatformPath, list[tuple[PlatformPath, float]]] = field(default_factory=dict)
    said: dict[tuple[PlatformPath, PlatformPath], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.decisions:
            ends = self.catalogue.ends(row)
            if ends[0] is None or ends[1] is None or row.verdict == "reject":
                continue
            for inner, outer in _inner_outer(row.relation, (ends[0], ends[1])):
                sure = 1.0 if row.verdict == "accept" else row.probability or 0.0
                self.said[inner, outer] = max(self.said.get((inner, outer), 0.0), sure)
            if row.verdict == "accept":
                self.add(row, ends)

    def add(self, row: Decision, ends: tuple[PlatformPath | None, PlatformPath | None]) -> None:
        """Note an applied link."""
        if ends[0] is None or ends[1] is None:
            return
        sure = 1.0 if row.verdict == "accept" else row.probability or 0.0
        for inner, outer in _inner_outer(row.relation, (ends[0], ends[1])):
            self.up.setdefault(inner, []).append((outer, sure))
            for depth in range(1, len(outer[1]) + 1):
                self.down.setdefault((outer[0], outer[1][:depth]), []).append((inner, sure))

    def follows(self, row: Decision, ends: tuple[PlatformPath | None, PlatformPath | None]) -> bool:
        """Say whether the links applied already put the one below the other: nothing more is risked."""
        if ends[0] is None or ends[1] is None:
            return False
        return all(
            any(
                high[0] == outer[0] and high[1][: len(outer[1])] == outer[1] for high, _ in self._above(inner)
            )
            for inner, outer in _inner_outer(row.relation, (ends[0], ends[1]))
        )

    def refusal(self, row: Decision, ends: tuple[PlatformPath | None, PlatformPath | None]) -> str:
        """Return why what would follow from the link together with the others does not hold, or ''."""
        if ends[0] is None or ends[1] is None:
            return ""
        for inner, outer in _inner_outer(row.relation, (ends[0], ends[1])):
            for low, high, sure in self._followed(inner, outer):
                if why := self._broken(low, high, sure * (row.probability or 0.0)):
                    return why
        return ""

    def _followed(
        self, inner: PlatformPath, outer: PlatformPath
    ) -> Iterator[tuple[PlatformPath, PlatformPath, float]]:
        """Yield (low, high, how surely) of the pairs that a link puts below each other through others."""
        below, above = dict(self._below(inner)), dict(self._above(outer))
        for low, high in product([inner, *below], [outer, *above]):
            if (low, high) != (inner, outer) and (low in below or high in above):
                yield low, high, below.get(low, 1.0) * above.get(high, 1.0)

    def _broken(self, low: PlatformPath, high: PlatformPath, sure: float) -> str:
        """Return why a chain between two ends does not hold, or ''."""
        shown = f"{label(low)} would stand below {label(high)}"
        if low[0] == high[0]:
            inside = low[1][: len(high[1])] == high[1]
            return "" if inside else f"{shown}, and the platform's own tree says otherwise"
        above = [(high[0], high[1][:depth]) for depth in range(1, len(high[1]) + 1)]
        if any((low, place) in self.said for place in above):
            return ""
        return "" if sure * UNSAID >= LEAST_UNSAID else f"{shown}, of which nothing says that it does"

    def _above(self, node: PlatformPath) -> Iterator[tuple[PlatformPath, float]]:
        """Yield what lies above a category through at least one link, with the product of probabilities."""

        def links(at: PlatformPath) -> Iterator[tuple[PlatformPath, float]]:
            for depth in range(1, len(at[1]) + 1):
                yield from self.up.get((at[0], at[1][:depth]), ())

        return _reached(node, links)

    def _below(self, node: PlatformPath) -> Iterator[tuple[PlatformPath, float]]:
        """Yield what is linked below a category or below what lies in it, as `_above` does."""
        return _reached(node, lambda at: self.down.get(at, ()))


def _reached(
    node: PlatformPath, links: Callable[[PlatformPath], Iterable[tuple[PlatformPath, float]]]
) -> Iterator[tuple[PlatformPath, float]]:
    """Yield each category that links lead to, with the probability of the most probable way there."""
    reached: set[PlatformPath] = set()
    todo = [(-probability, other) for other, probability in links(node)]
    heapq.heapify(todo)
    while todo:
        sure, at = heapq.heappop(todo)
        if at in reached:
            continue
        reached.add(at)
        yield at, -sure
        for other, probability in links(at):
            if other not in reached:
                heapq.heappush(todo, (sure * probability, other))


def _inner_outer(
    relation: Relation, ends: tuple[PlatformPath, PlatformPath]
) -> tuple[tuple[PlatformPath, PlatformPath], ...]:
    """Return (inner, outer) of a link; an exact one counts both ways, an overlap neither."""
    ways = {"narrower": (ends,), "broader": (ends[::-1],), "exact": (ends, ends[::-1])}
    pairs: tuple[tuple[PlatformPath, PlatformPath], ...] = ways.get(relation, ())
    return pairs
