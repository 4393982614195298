"""Why each category stands where it stands in a merged tree: what decided, at length and in short."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.groups import label
from mep3m.alignment.merging.impact import MergeResult
from mep3m.alignment.merging.merge import Catalogue, Merge
from mep3m.alignment.merging.policy import Waiting
from mep3m.alignment.records import TURNED, Relation
from mep3m.alignment.review.decisions import Decision
from mep3m.taxonomy import PATH_SEPARATOR, names_of

#: how a category stands to another platform's, or to the first-level map
Standing = Literal["exact", "narrower", "broader", "same name", "first level", "kept apart", "unmapped"]

#: parts of the evidence in words that a sentence repeats: those that speak loudest for the link
WORDS = 3
#: the number at the end of such a part, and what it calls the two sides
NUMBER, SIDE = re.compile(r"-?[0-9.]+$"), re.compile(r"\b(left|right)\b")
#: share of a category's rows filed under the other from which on it is the most telling evidence
TELLING = 0.3
_SAYS: Mapping[Relation, str] = {
    "exact": "is the same as", "narrower": "lies within", "broader": "contains", "overlaps": "overlaps"
}  # fmt: skip


class Reason(NamedTuple):
    """How a category stands `to` what, how probably, and why: `why` at length, `short` for a terminal."""

    relation: Standing
    to: str
    probability: float | None
    why: str
    short: str


class _Told(NamedTuple):
    """A link as it is seen from one of its ends."""

    to: PlatformPath
    row: Decision
    relation: Relation

    @property
    def why(self) -> str:
        """What the link says, who said it, and what speaks loudest for it."""
        if self.row.verdict == "accept":
            return f"{self._says} ({_decided_by(self.row)})"
        parts = [f"the method, probability {self.row.probability or 0.0:.2f}", *loudest(self.row)[:WORDS]]
        return f"{self._says} ({'; '.join(parts)})"

    @property
    def short(self) -> str:
        """What the link says, and the most telling piece of evidence."""
        evidence = _decided_by(self.row) if self.row.verdict == "accept" else self._most_telling()
        return f"{self._says} ({evidence})" if evidence else self._says

    @property
    def _says(self) -> str:
        return f"{_SAYS[self.relation]} {label(self.to)}"

    def _most_telling(self) -> str:
        """Return a name before where the products go, and that before any other likeness."""
        row, said = self.row, self.row.evidence
        if row.relation == "exact" and "same name" in row.words.split("; "):
            return "same name"
        sides = {"_l": (row.left.source, row.right.source), "_r": (row.right.source, row.left.source)}
        inner = {"narrower": ["_l"], "broader": ["_r"]}.get(row.relation, ["_l", "_r"])
        if any(said.get(f"named{side}", 0.0) > 0 for side in inner) and row.relation != "exact":
            return "by its name"
        best = max(inner, key=lambda side: said.get(f"filed{side}", 0.0))
        if (share := said.get(f"filed{best}", 0.0)) >= TELLING:
            own, other = sides[best]
            return f"{share:.0%} of {own}'s products look like {other}'s there"
        return next(iter(loudest(row)), "")


class Reasons:
    """What decided about each category: the applied links by their ends, joined categories, waiting links."""

    def __init__(self, catalogue: Catalogue, result: MergeResult) -> None:
        self.merged: Merge = result.merged
        self.alone = len(catalogue.sources) < 2
        self.links = _by_end(catalogue, result.applied)
        self.overlaps = _by_end(catalogue, [one.decision for one in result.overlaps])
        self.waiting: dict[PlatformPath, list[Waiting]] = {}
        for one in result.waiting:
            for end in catalogue.ends(one.decision):
                if end is not None:
                    self.waiting.setdefault(end, []).append(one)
        self.same = {node: members for members in result.merged.joined.values() for node in members}

    def of(self, node: PlatformPath) -> Reason:
        """Return how a category stands, to what, how probably, and why."""
        if not self.merged.mapping.get(node):
            why = without_place(node, self.merged.unmapped)
            return Reason("unmapped", "", None, why, why)
        if (own := self._decided(node)) is not None:
            return own
        inside, above = self._inside(node), self._above(node)
        told, short = [f"its own place: {self._open(node)}"], ["its own place"]
        if inside is not None:
            told, short = [f"its own place: it {inside.why}"], [f"its own place, and {inside.short}"]
            if node in self.waiting:
                told.append(self._open(node))
        if node in self.overlaps:
            overlap = self._overlap(node)
            told.append(f"it {overlap.why}, which is never applied (line {overlap.row.line})")
        if above is not None:
            up, decided = above
            shown = PATH_SEPARATOR.join(up[1])
            told.append(f"above it, '{shown}' {decided.why}")
            short = [f"below '{shown}', which {decided.short}"] if inside is None else short
        elif inside is None:
            short.append(self._open_in_short(node))
        if self._ids((node[0], node[1][:-1])) == self._ids(node):
            told.append("it has the label of the category above it")
        if inside is None:
            return Reason("kept apart", "", None, "; ".join(told), ": ".join(short))
        probability = _probability(inside.row)
        return Reason("broader", label(inside.to), probability, "; ".join(told), ": ".join(short))

    def _decided(self, node: PlatformPath) -> Reason | None:
        """Return what joined a category with another one or put it below one; `None` where nothing did."""
        mine = self._ids(node)
        linked = self.links.get(node, ())
        exact = [one for one in linked if one.relation == "exact" and self._ids(one.to) == mine]
        outer = [
            one
            for one in linked
            if one.relation == "narrower" and (ids := self._ids(one.to)) and mine[: len(ids)] == ids
        ]
        if exact:
            told = min(exact, key=lambda one: _surest_first(one.row))
            return Reason("exact", label(told.to), _probability(told.row), told.why, told.short)
        if outer:
            told = min(outer, key=lambda one: (-len(self._ids(one.to)), *_surest_first(one.row)))
            return Reason("narrower", label(told.to), _probability(told.row), told.why, told.short)
        others = [other for other in self.same.get(node, ()) if other[0] != node[0]]
        if others:
            other = label(others[0])
            why = f"is the same as {other}: one name in the same place"
            return Reason("same name", other, None, why, why)
        labels = self.merged.mapping.get(node, ())
        if labels and labels[-1].by == "first-level map" and self._ids((node[0], node[1][:-1])) != mine:
            name = names_of([labels[-1].category], self.merged.taxonomy)[0]
            why = f"is part of '{name}' by the first-level map"
            return Reason("first level", name, None, why, why)
        return None

    def _above(self, node: PlatformPath) -> tuple[PlatformPath, Reason] | None:
        """Return the nearest category above one that something decided about, and what."""
        for depth in range(len(node[1]) - 1, 0, -1):
            up = node[0], node[1][:depth]
            if (decided := self._decided(up)) is not None:
                return up, decided
        return None

    def _inside(self, node: PlatformPath) -> _Told | None:
        """Return the surest link that puts another platform's category below this one."""
        mine = self._ids(node)
        inner = [
            one
            for one in self.links.get(node, ())
            if one.relation == "broader" and self._ids(one.to)[: len(mine)] == mine
        ]
        return min(inner, key=lambda one: _surest_first(one.row), default=None)

    def _open(self, node: PlatformPath) -> str:
        """Say that no link is sure enough, and which one comes nearest."""
        if self.alone:
            return "there is no other platform"
        if node not in self.waiting:
            return "no link is sure enough"
        best = self._nearest(node)
        return f"no link is sure enough (line {best.decision.line} waits, {best.decision.link}: {best.why})"

    def _open_in_short(self, node: PlatformPath) -> str:
        """Say the same for a terminal: what might decide is named, by its line in the review."""
        if node in self.overlaps:
            overlap = self._overlap(node)
            return f"{overlap.short.split(' (')[0]}, neither holds the other"
        if self.alone or node not in self.waiting:
            return self._open(node)
        best = self._nearest(node).decision
        return f"line {best.line} waits ({best.link})"

    def _nearest(self, node: PlatformPath) -> Waiting:
        return min(self.waiting[node], key=lambda one: _surest_first(one.decision))

    def _overlap(self, node: PlatformPath) -> _Told:
        """Return the category that it overlaps most surely."""
        return min(self.overlaps[node], key=lambda one: _surest_first(one.row))

    def _ids(self, node: PlatformPath) -> tuple[str | None, ...]:
        return tuple(one.category for one in self.merged.mapping.get(node, ()))


def without_place(node: PlatformPath, reasons: Mapping[PlatformPath, str]) -> str:
    """Return why a category has no place."""
    return reasons.get(node, "its rows have no category path" if not node[1] else "its rows have no label")


def _by_end(catalogue: Catalogue, rows: Sequence[Decision]) -> dict[PlatformPath, list[_Told]]:
    """Return the links by both of their ends."""
    found: dict[PlatformPath, list[_Told]] = {}
    for row in rows:
        left, right = catalogue.ends(row)
        if left is not None and right is not None:
            found.setdefault(left, []).append(_Told(right, row, row.relation))
            found.setdefault(right, []).append(_Told(left, row, TURNED.get(row.relation, row.relation)))
    return found


def _surest_first(row: Decision) -> tuple[float, int]:
    return (-2.0 if row.verdict == "accept" else -(row.probability or 0.0)), row.line


def _probability(row: Decision) -> float | None:
    return None if row.verdict == "accept" else row.probability


def _decided_by(row: Decision) -> str:
    return f"decided by {row.reviewer or 'a person'}"


def loudest(row: Decision) -> list[str]:
    """Return the parts of the evidence in words, largest numbers first; one without a number is whole."""
    parts = [part for part in row.words.split("; ") if part]
    loud = {part: float(number[0]) if (number := NUMBER.findall(part)) else 1.0 for part in parts}
    order = sorted((part for part in loud if loud[part] > 0), key=lambda part: -loud[part])
    sides = {"left": row.left.source, "right": row.right.source}
    return [SIDE.sub(lambda side: sides[side[0]], part) for part in order]
