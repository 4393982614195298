"""What may be applied without a person: one rule for builds, for `align apply` and for every dry run.

An unreviewed link is applied when it is probable enough for its kind, when something beside the shape of the
trees speaks for it, when what follows from it together with other links holds too, and when the rows that are
expected to stand in a wrong place stay within what `precision` allows. Everything else waits for a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.merge import Catalogue, MergeInputs
from mep3m.alignment.review.decisions import Decision
from mep3m.settings.align import MergeSettings

#: share of the inner category's rows that must be filed under the outer one where both sell enough to tell
FILED = 0.12
#: a chain of links between two platforms that both have titles, and of which no row speaks, counts for this part
UNSAID = 0.5


@dataclass(frozen=True)
class Waiting:
    """An unreviewed link that the method accepted and that is not applied: why, and the rows it would move."""

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
    open_links = [row for row in inputs.decisions if row.verdict == "open" and row.by_method]
    rows = _rows_below(catalogue)
    budget = _Budget((1 - settings.precision) * sum(catalogue.rows.values()))
    chains = _Chains(inputs.decisions, catalogue)
    waiting: dict[int, Waiting] = {}
    for row in sorted(open_links, key=lambda row: (-(row.probability or 0.0), row.relation != "exact", row.line)):
        ends = catalogue.find(row.left, row.left_label), catalogue.find(row.right, row.right_label)
        moved = _moved(row, ends, rows)
        why = _refusal(row, settings) or chains.refusal(row, ends) or budget.refusal(row, moved)
        if why:
            waiting[row.line] = Waiting(row, why, moved)
        else:
            chains.add(row, ends)
    decisions = tuple(replace(row, by_method=False) if row.line in waiting else row for row in inputs.decisions)
    order = sorted(waiting.values(), key=lambda one: (-one.rows, one.decision.line))
    return replace(inputs, decisions=decisions), tuple(order)


def _refusal(row: Decision, settings: MergeSettings) -> str:
    """Return why a link cannot be applied whatever else is applied, or ''."""
    least = settings.least(row.relation)
    if row.relation == "overlaps":
        return "the two overlap: neither contains the other"
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


def _rows_below(catalogue: Catalogue) -> dict[PlatformPath, int]:
    rows: dict[PlatformPath, int] = {}
    for (source, path), count in catalogue.rows.items():
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
    """The rows that may be expected in a wrong place, and those expected so far."""

    allowed: float
    spent: float = 0.0

    def refusal(self, row: Decision, moved: int) -> str:
        risk = moved * (1 - (row.probability or 0.0))
        if self.spent + risk > self.allowed:
            return f"{moved:,} rows at probability {row.probability or 0.0:.2f} are more than the precision allows"
        self.spent += risk
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
            ends = self.catalogue.find(row.left, row.left_label), self.catalogue.find(row.right, row.right_label)
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

    def refusal(self, row: Decision, ends: tuple[PlatformPath | None, PlatformPath | None]) -> str:
        """Return why what would follow from the link together with the others does not hold, or ''."""
        if ends[0] is None or ends[1] is None:
            return ""
        for inner, outer in _inner_outer(row.relation, (ends[0], ends[1])):
            below, above = dict(self._reached(inner, self.down)), dict(self._above(outer))
            for low, first in {inner: 1.0, **below}.items():
                for high, last in {outer: 1.0, **above}.items():
                    if (low, high) != (inner, outer) and (low in below or high in above):
                        if why := self._broken(low, high, first * last * (row.probability or 0.0)):
                            return why
        return ""

    def _broken(self, low: PlatformPath, high: PlatformPath, sure: float) -> str:
        """Return why a chain between two ends does not hold, or ''."""
        shown = f"{low[0]} '{' > '.join(low[1])}' would stand below {high[0]} '{' > '.join(high[1])}'"
        if low[0] == high[0]:
            inside = low[1][: len(high[1])] == high[1]
            return "" if inside else f"{shown}, and the platform's own tree says otherwise"
        known = self.said.get((low, high))
        own = max((self.said.get((low, (high[0], high[1][:d])), 0.0) for d in range(1, len(high[1]) + 1)), default=0.0)
        if known is not None or own > 0:
            return ""
        return "" if sure * UNSAID >= 0.4 else f"{shown}, of which nothing says that it does"

    def _above(self, node: PlatformPath) -> Iterator[tuple[PlatformPath, float]]:
        """Yield what lies above a category through at least one link, with the product of probabilities."""
        seen: set[PlatformPath] = set()
        todo = [(node, 1.0)]
        while todo:
            at, sure = todo.pop()
            for depth in range(1, len(at[1]) + 1):
                for outer, probability in self.up.get((at[0], at[1][:depth]), ()):
                    if outer not in seen:
                        seen.add(outer)
                        todo.append((outer, sure * probability))
                        yield outer, sure * probability

    def _reached(
        self, node: PlatformPath, by: Mapping[PlatformPath, list[tuple[PlatformPath, float]]]
    ) -> Iterator[tuple[PlatformPath, float]]:
        seen: set[PlatformPath] = set()
        todo = [(node, 1.0)]
        while todo:
            at, sure = todo.pop()
            for other, probability in by.get(at, ()):
                if other not in seen:
                    seen.add(other)
                    todo.append((other, sure * probability))
                    yield other, sure * probability


def _inner_outer(
    relation: str, ends: tuple[PlatformPath, PlatformPath]
) -> tuple[tuple[PlatformPath, PlatformPath], ...]:
    """Return (inner, outer) of a link; an exact one counts both ways, an overlap neither."""
    ways = {"narrower": (ends,), "broader": (ends[::-1],), "exact": (ends, ends[::-1])}
    found: tuple[tuple[PlatformPath, PlatformPath], ...] = ways.get(relation, ())  # type: ignore[assignment]
    return found
