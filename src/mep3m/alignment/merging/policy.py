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
from mep3m.alignment.records import Relation
from mep3m.alignment.review.decisions import Decision
from mep3m.settings.align import MergeSettings

#: share of the inner category's rows that must be filed under the outer one where both sell enough to tell
FILED = 0.12
#: what is left of the probability of a chain of links where no row of the review speaks of its two ends
UNSAID = 0.5
#: probability from which on such a chain holds all the same
LEAST_UNSAID = 0.4


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
    open_links = [row for row in inputs.decisions if row.verdict == "open" and row.by_method]
    rows = _rows_below(catalogue)
    budget = _Budget((1 - settings.precision) * sum(catalogue.rows.values()))
    chains = _Chains(inputs.decisions, catalogue)
    waiting: dict[int, Waiting] = {}
    for row in sorted(
        open_links, key=lambda row: (-(row.probability or 0.0), row.relation != "exact", row.line)
    ):
        ends = catalogue.find(row.left, row.left_label), catalogue.find(row.right, row.right_label)
        moved = _moved(row, ends, rows)
        why = _refusal(row, settings) or chains.refusal(row, ends)
        if not why and not chains.follows(row, ends):
            why = budget.refusal(row, moved)
        if why:
            waiting[row.line] = Waiting(row, why, moved)
        else:
            chains.add(row, ends)
    decisions = tuple(
        replace(row, by_method=False) if row.line in waiting else row for row in inputs.decisions
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
            return f"{moved:,} rows at this probability are more than the precision allows"
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
            ends = (
                self.catalogue.find(row.left, row.left_label),
                self.catalogue.find(row.right, row.right_label),
            )
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
        """Say whether the links applied so far already put one below the other: nothing more is risked."""
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
            below, above = dict(self._reached(inner, self.down)), dict(self._above(outer))
            for low, first in {inner: 1.0, **below}.items():
                for high, last in {outer: 1.0, **above}.items():
                    new = (low, high) != (inner, outer) and (low in below or high in above)
                    if new and (why := self._broken(low, high, first * last * (row.probability or 0.0))):
                        return why
        return ""

    def _broken(self, low: PlatformPath, high: PlatformPath, sure: float) -> str:
        """Return why a chain between two ends does not hold, or ''."""
        shown = f"{low[0]} '{' > '.join(low[1])}' would stand below {high[0]} '{' > '.join(high[1])}'"
        if low[0] == high[0]:
            inside = low[1][: len(high[1])] == high[1]
            return "" if inside else f"{shown}, and the platform's own tree says otherwise"
        above = [(high[0], high[1][:depth]) for depth in range(1, len(high[1]) + 1)]
        if any((low, place) in self.said for place in above):
            return ""
        return "" if sure * UNSAID >= LEAST_UNSAID else f"{shown}, of which nothing says that it does"

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
    relation: Relation, ends: tuple[PlatformPath, PlatformPath]
) -> tuple[tuple[PlatformPath, PlatformPath], ...]:
    """Return (inner, outer) of a link; an exact one counts both ways, an overlap neither."""
    ways = {"narrower": (ends,), "broader": (ends[::-1],), "exact": (ends, ends[::-1])}
    found: tuple[tuple[PlatformPath, PlatformPath], ...] = ways.get(relation, ())
    return found
