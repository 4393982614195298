"""Where each category of a platform went in the merged tree, and why: what a person reads after a merge."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.groups import label
from mep3m.alignment.merging.impact import Counts, MergeResult
from mep3m.alignment.merging.merge import Catalogue, Merge
from mep3m.alignment.merging.policy import Waiting
from mep3m.alignment.records import TITLE_SEPARATOR, TURNED, Relation
from mep3m.alignment.review.decisions import Decision
from mep3m.alignment.sheet import cell_text
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy

#: how a category stands to another platform's, or to the first-level map
Standing = Literal["exact", "narrower", "broader", "same name", "first level", "kept apart", "unmapped"]

#: the columns of the table
COLUMNS = ("platform", "path", "placed", "relation", "probability", "rows", "why", "samples")
#: what a row without a category is called
NO_CATEGORY = "(no category)"

#: parts of the evidence in words that a sentence repeats: those that speak loudest for the link
WORDS = 3
#: the number at the end of such a part, and what it calls the two sides
NUMBER, SIDE = re.compile(r"-?[0-9.]+$"), re.compile(r"\b(left|right)\b")
_SAYS: Mapping[Relation, str] = {
    "exact": "is the same as", "narrower": "lies within", "broader": "contains", "overlaps": "overlaps"
}  # fmt: skip


@dataclass(frozen=True)
class CategoryPlace:
    """One category of a platform: where its rows are in the merged tree.

    `placed` are names from the first level down, empty without a place. `to` is what the category is
    `relation` to, '' where it is kept apart. `probability` is that of the link, `None` where a person or no
    link decided. `rows` are those that stand in the category itself, without the categories below it.
    `samples` are titles, `images` hashes of the store.
    """

    platform: str
    path: tuple[str, ...]
    placed: tuple[str, ...]
    relation: Standing
    to: str
    probability: float | None
    rows: int
    why: str
    samples: tuple[str, ...] = ()
    images: tuple[str, ...] = ()

    @property
    def node(self) -> PlatformPath:
        """The category."""
        return self.platform, self.path

    @property
    def shown(self) -> str:
        """The category's path as people read it."""
        return PATH_SEPARATOR.join(self.path) or NO_CATEGORY

    @property
    def shown_place(self) -> str:
        """The place as people read it."""
        return PATH_SEPARATOR.join(self.placed)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CategoryPlace:
        """Return the place of `to_json`."""
        lists = {name: tuple(value[name]) for name in ("path", "placed", "samples", "images")}
        return cls(**{**value, **lists})


def merged_places(catalogue: Catalogue, counts: Counts, result: MergeResult) -> list[CategoryPlace]:
    """Return one place a category that rows stand in, largest first."""
    explained = _Explained(catalogue, result)
    merged = result.merged
    places = []
    for node, rows in counts.rows.items():
        labels = merged.mapping.get(node, ())
        relation, to, probability, why = explained.reason(node)
        names = _names([one.category for one in labels], merged.taxonomy)
        places.append(CategoryPlace(*node, names, relation, to, probability, rows, why))
    return largest_first(places)


def own_places(counts: Counts, taxonomy: Taxonomy) -> list[CategoryPlace]:
    """Return the places of categories that nothing was merged with: as their rows are labelled."""
    places = []
    for node, rows in counts.rows.items():
        present = counts.present.get(node, {})
        ids = max(present, key=lambda labels: (present[labels], labels), default=())
        names = _names(ids, taxonomy)
        why = "its own place: there is no other platform" if names else _without_place(node, {})
        places.append(CategoryPlace(*node, names, "kept apart" if names else "unmapped", "", None, rows, why))
    return largest_first(places)


def largest_first(places: Iterable[CategoryPlace]) -> list[CategoryPlace]:
    """Return places by falling number of rows, then by platform and path."""
    return sorted(places, key=lambda place: (-place.rows, place.platform, place.path))


def recounted(places: Iterable[CategoryPlace], counts: Counts, taxonomy: Taxonomy) -> list[CategoryPlace]:
    """Return the places with the rows that a later store counts; what only that has is in its own place."""
    known = {place.node: place for place in places}
    own = {place.node: place for place in own_places(counts, taxonomy)}
    return largest_first(
        replace(known[node], rows=place.rows) if node in known else place for node, place in own.items()
    )


def write_places(path: Path, places: Iterable[CategoryPlace]) -> None:
    """Write the table for a spreadsheet: tabs between cells, `COLUMNS` as the header, in the order given.

    A file that says the same already is left as it is.
    """
    lines = ["\t".join(COLUMNS), *("\t".join(map(_cell, _cells(place))) for place in places)]
    content = ("\n".join(lines) + "\n").encode()
    if path.exists() and path.read_bytes() == content:
        return
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def _cells(place: CategoryPlace) -> tuple[str, ...]:
    probability = "" if place.probability is None else f"{place.probability:.4f}"
    titles = TITLE_SEPARATOR.join(" ".join(title.split()).replace("||", "|") for title in place.samples)
    placed = place.shown_place
    return (
        place.platform, place.shown, placed, place.relation, probability, str(place.rows), place.why, titles
    )  # fmt: skip


def _cell(text: str) -> str:
    """Return a text on one line and without tabs, which no spreadsheet takes for a formula."""
    return cell_text(" ".join(text.split()))


def _names(ids: Sequence[str | None], taxonomy: Taxonomy) -> tuple[str, ...]:
    return tuple(taxonomy[key].name if key in taxonomy else key for key in ids if key is not None)


def _without_place(node: PlatformPath, reasons: Mapping[PlatformPath, str]) -> str:
    return reasons.get(node, "its rows have no category path" if not node[1] else "its rows have no label")


class _Explained:
    """What decided about each category: the applied links by their ends, joined categories, waiting links."""

    def __init__(self, catalogue: Catalogue, result: MergeResult) -> None:
        self.merged: Merge = result.merged
        self.alone = len(catalogue.sources) < 2
        self.links: dict[PlatformPath, list[tuple[Relation, PlatformPath, Decision]]] = {}
        for row in result.applied:
            left, right = catalogue.ends(row)
            if left is not None and right is not None:
                self.links.setdefault(left, []).append((row.relation, right, row))
                self.links.setdefault(right, []).append((TURNED.get(row.relation, row.relation), left, row))
        self.waiting: dict[PlatformPath, list[Waiting]] = {}
        for one in result.waiting:
            for end in catalogue.ends(one.decision):
                if end is not None:
                    self.waiting.setdefault(end, []).append(one)
        self.overlaps: dict[PlatformPath, list[tuple[PlatformPath, Decision]]] = {}
        for row in (one.decision for one in result.overlaps):
            left, right = catalogue.ends(row)
            if left is not None and right is not None:
                self.overlaps.setdefault(left, []).append((right, row))
                self.overlaps.setdefault(right, []).append((left, row))
        self.same = {node: members for members in result.merged.joined.values() for node in members}

    def reason(self, node: PlatformPath) -> tuple[Standing, str, float | None, str]:
        """Return relation, to what, probability, and the sentence that says why."""
        if not self.merged.mapping.get(node):
            return "unmapped", "", None, _without_place(node, self.merged.unmapped)
        if (own := self._decided(node)) is not None:
            return own
        parts = [f"its own place: {'there is no other platform' if self.alone else self._open(node)}"]
        if node in self.overlaps:
            parts.append(self._overlap(node))
        above = next((up for up in _above(node) if self._decided(up) is not None), None)
        inside = self._inside(node)
        if above is not None and (decided := self._decided(above)) is not None:
            parts.append(f"above it, '{PATH_SEPARATOR.join(above[1])}' {decided[3]}")
        parent = (node[0], node[1][:-1])
        if self._ids(parent) == self._ids(node):
            parts.append("it has the label of the category above it")
        if inside is not None:
            decision, to, why = inside
            return "broader", to, _probability(decision), "; ".join([parts[0], why, *parts[1:]])
        return "kept apart", "", None, "; ".join(parts)

    def _decided(self, node: PlatformPath) -> tuple[Standing, str, float | None, str] | None:
        """Return what joined a category with another one or put it below one; `None` where nothing did."""
        mine = self._ids(node)
        linked = self.links.get(node, ())
        exact = [(row, to) for relation, to, row in linked if relation == "exact" and self._ids(to) == mine]
        outer = [
            (row, to)
            for relation, to, row in linked
            if relation == "narrower" and (ids := self._ids(to)) and mine[: len(ids)] == ids
        ]
        if exact:
            row, to = min(exact, key=lambda one: _surest_first(one[0]))
            return "exact", label(to), _probability(row), _sentence("exact", to, row)
        if outer:
            row, to = min(outer, key=lambda one: (-len(self._ids(one[1])), *_surest_first(one[0])))
            return "narrower", label(to), _probability(row), _sentence("narrower", to, row)
        others = [other for other in self.same.get(node, ()) if other[0] != node[0]]
        if others:
            other = label(others[0])
            return "same name", other, None, f"is the same as {other}: one name in the same place"
        labels = self.merged.mapping.get(node, ())
        if labels and labels[-1].by == "first-level map" and self._ids((node[0], node[1][:-1])) != mine:
            name = _names([labels[-1].category], self.merged.taxonomy)[0]
            return "first level", name, None, f"is part of '{name}' by the first-level map"
        return None

    def _inside(self, node: PlatformPath) -> tuple[Decision, str, str] | None:
        """Return the surest link that puts another platform's category below this one."""
        mine = self._ids(node)
        inner = [
            (row, to)
            for relation, to, row in self.links.get(node, ())
            if relation == "broader" and self._ids(to)[: len(mine)] == mine
        ]
        if not inner:
            return None
        row, to = min(inner, key=lambda one: _surest_first(one[0]))
        return row, label(to), f"it {_sentence('broader', to, row)}"

    def _open(self, node: PlatformPath) -> str:
        """Say that no link is sure enough, and which one comes nearest."""
        waiting = self.waiting.get(node)
        if not waiting:
            return "no link is sure enough"
        best = min(waiting, key=lambda one: _surest_first(one.decision))
        return f"no link is sure enough (line {best.decision.line} waits, {best.decision.link}: {best.why})"

    def _overlap(self, node: PlatformPath) -> str:
        """Say which category it overlaps most surely."""
        to, row = min(self.overlaps[node], key=lambda one: _surest_first(one[1]))
        return f"it {_sentence('overlaps', to, row)}, which is never applied (line {row.line})"

    def _ids(self, node: PlatformPath) -> tuple[str | None, ...]:
        return tuple(one.category for one in self.merged.mapping.get(node, ()))


def _above(node: PlatformPath) -> list[PlatformPath]:
    """Return the categories above one, the nearest first."""
    return [(node[0], node[1][:depth]) for depth in range(len(node[1]) - 1, 0, -1)]


def _surest_first(row: Decision) -> tuple[float, int]:
    return (-2.0 if row.verdict == "accept" else -(row.probability or 0.0)), row.line


def _probability(row: Decision) -> float | None:
    return None if row.verdict == "accept" else row.probability


def _sentence(relation: Relation, to: PlatformPath, row: Decision) -> str:
    """Say what a link says, who said it, and what speaks for it."""
    if row.verdict == "accept":
        who = f"decided by {row.reviewer or 'a person'}"
    else:
        who = "; ".join([f"the method, probability {row.probability or 0.0:.2f}", *_loudest(row)])
    return f"{_SAYS[relation]} {label(to)} ({who})"


def _loudest(row: Decision) -> list[str]:
    """Return the parts of the evidence in words with the largest numbers; one without a number is whole."""
    parts = [part for part in row.words.split("; ") if part]
    loud = {part: float(number[0]) if (number := NUMBER.findall(part)) else 1.0 for part in parts}
    order = sorted((part for part in loud if loud[part] > 0), key=lambda part: -loud[part])
    sides = {"left": row.left.source, "right": row.right.source}
    return [SIDE.sub(lambda side: sides[side[0]], part) for part in order[:WORDS]]
