"""Where each category of a platform went in the merged tree, and why: what a person reads after a merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.impact import Counts, MergeResult
from mep3m.alignment.merging.merge import Catalogue
from mep3m.alignment.merging.reasons import Reasons, Standing, without_place
from mep3m.alignment.records import TITLE_SEPARATOR
from mep3m.alignment.sheet import cell_text
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy, names_of

#: the columns of the table
COLUMNS = ("platform", "path", "placed", "relation", "probability", "rows", "why", "samples")
#: what a row without a category is called
NO_CATEGORY = "(no category)"


@dataclass(frozen=True)
class CategoryPlace:
    """One category of a platform: where its rows are in the merged tree.

    `placed` are names from the first level down, empty without a place. `to` is what the category is
    `relation` to, '' where it is kept apart. `probability` is that of the link, `None` where a person or no
    link decided. `rows` are those that stand in the category itself, without the categories below it. `why`
    is all that is known of the reason, `short` what a terminal has room for ('' from an earlier version).
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
    short: str = ""

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
    reasons = Reasons(catalogue, result)
    merged = result.merged
    places = []
    for node, rows in counts.rows.items():
        labels = merged.mapping.get(node, ())
        names = names_of([one.category for one in labels], merged.taxonomy)
        relation, to, probability, why, short = reasons.of(node)
        places.append(CategoryPlace(*node, names, relation, to, probability, rows, why, short=short))
    return largest_first(places)


def own_places(counts: Counts, taxonomy: Taxonomy) -> list[CategoryPlace]:
    """Return the places of categories that nothing was merged with: as their rows are labelled."""
    places = []
    for node, rows in counts.rows.items():
        present = counts.present.get(node, {})
        ids = max(present, key=lambda labels: (present[labels], labels), default=())
        names = names_of(ids, taxonomy)
        why = "its own place: there is no other platform" if names else without_place(node, {})
        standing: Standing = "kept apart" if names else "unmapped"
        places.append(CategoryPlace(*node, names, standing, "", None, rows, why, short=why))
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
