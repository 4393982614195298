"""From a shop's export to a column of a published taxonomy: propose, wait for a person, write.

The first call writes proposals for a person to review; a later one applies what was decided. A product
may be filed under a target that is equal to its category or broader than it: everything in the category
then belongs there. A target that is narrower says nothing of all of its products and is not used.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from mep3m.alignment.from_store import side_of_products
from mep3m.alignment.keeping.database_log import open_review
from mep3m.alignment.propose import propose
from mep3m.alignment.records import Entry, Side
from mep3m.alignment.review.decisions import Decision, contradictions, links, progress
from mep3m.alignment.review.write import write_review
from mep3m.alignment.taxonomies.nodes import PublishedTaxonomy
from mep3m.alignment.taxonomies.published import read_categories
from mep3m.alignment.taxonomies.tables import lists_categories
from mep3m.errors import Mep3mError, UsageError
from mep3m.settings.align import AlignSettings, MergeSettings
from mep3m.settings.sources import SourceEntry
from mep3m.sources.catalogue import open_source
from mep3m.sources.inspection.inspect import Inspection, inspect_file
from mep3m.store.append_log import now
from mep3m.store.filesystem import atomic_write
from mep3m.store.rejects import Reject
from mep3m.taxonomy import PATH_SEPARATOR

#: column to upload by kind of taxonomy; Google takes the id or the path, Shopify reads the path
UPLOAD_COLUMNS = {"google": "google_product_category", "shopify": "Product Category"}
#: endings of what categories are published in
TEXTS = (".tsv", ".csv", ".txt", ".json", ".xml")


@dataclass(frozen=True)
class Shop:
    """A shop's categories, from a table of them or from its products.

    `entry` is how its products are read, `None` for a table of categories.
    """

    path: Path
    side: Side
    rejects: list[Reject]
    entry: SourceEntry | None = None


@dataclass(frozen=True)
class TargetPlace:
    """Where one of the shop's categories goes; `target` is `None` where nothing was decided.

    `inherited` says that the decision was taken for a category above it.
    """

    category: Entry
    target: Entry | None = None
    relation: str = ""
    probability: float | None = None
    inherited: bool = False


@dataclass
class Mapped:
    """What was written: rows with and without a target, and the categories without one."""

    rows: int = 0
    filled: int = 0
    categories: int = 0
    without: list[tuple[str, int]] = field(default_factory=list)


def read_shop(path: Path, entry: dict[str, Any] | None = None) -> Shop:
    """Read a shop: a table of categories (id and path, or parents), or any catalogue of products.

    `entry` are the fields of `SourceEntry` that the caller named; without a column map, the one that
    `inspect` proposes is taken.

    Raises:
        NotFoundError: there is no such file, or a named column is not in it.
        UsageError: nothing in it looks like categories.
    """
    given = dict(entry or {})
    if not given.get("columns"):
        seen = _look(path, given.get("format"))
        if seen is None or ("format" not in given and _lists_categories(path, seen)):
            known = read_categories(path, "left")
            return Shop(path, known.side, known.rejects)
        given = {"format": seen.format, **seen.to_name, **given, "columns": seen.columns_map}
    source = SourceEntry.parse({"name": "left", "path": str(path), **given}, str(path))
    rejects: list[Reject] = []
    side = side_of_products(_tables(source, rejects), "left")
    return Shop(path, side, rejects, source)


def _look(path: Path, name: str | None) -> Inspection | None:
    """Look at a file once; `None` where it is no catalogue: the reader of taxonomies says what is wrong."""
    try:
        return inspect_file(path, name)
    except Mep3mError:
        if name is None and path.is_file() and path.suffix.lower() in TEXTS:
            return None
        raise


def _lists_categories(path: Path, seen: Inspection) -> bool:
    """Whether a file is a table of categories and not of products."""
    names = {column.name.lower() for column in seen.columns}
    published = any(name.startswith("#") for name in names) or "parent_id" in names
    published = published or lists_categories(path, [column.name for column in seen.columns])
    listed = {"id", "path"} <= names and not {"title", "product_name"} & names
    return path.suffix.lower() in TEXTS and (published or listed)


def _tables(entry: SourceEntry, rejects: list[Reject]) -> Iterator[pa.Table]:
    source = open_source(entry)
    for part in source.parts():
        for batch in source.read(part):
            rejects += batch.rejects
            yield batch.products


def write_proposals(
    shop: Shop, target: PublishedTaxonomy, to: Path, review: Path, settings: AlignSettings
) -> tuple[int, int]:
    """Propose links of the shop's categories and write them for review; return rows and accepted ones."""
    proposals = propose([shop.side, target.side], settings)
    versions = {"right": f"{target.kind} {target.version}"} if target.version else {}
    made_from = {"right": to} if shop.entry else {"left": shop.path, "right": to}
    title = f"{shop.path.name} to {to.name}"
    rows = write_review(review, [shop.side, target.side], proposals, title, made_from, versions)
    return rows, sum(proposal.accept for proposal in proposals)


def decided_places(
    shop: Shop, target: PublishedTaxonomy, review: Path, settings: MergeSettings
) -> tuple[list[TargetPlace], dict[str, int]]:
    """Return where each of the shop's categories goes by a review, and how many rows have each verdict.

    Raises:
        UsageError: decisions contradict each other, or name a category that is not there.
    """
    with open_review(review) as log:
        decisions = log.read(now()).decisions
    if problems := contradictions(decisions):
        raise UsageError(f"{review} cannot be used:\n  " + "\n  ".join(map(str, problems[:20])))
    best: dict[str, Decision] = {}
    for link in links(decisions, settings):
        if link.right.id not in target.side:
            raise UsageError(f"{review}, line {link.line}: the taxonomy has no category '{link.right.id}'")
        if link.relation == "broader" or link.left.id not in shop.side:
            continue
        known = best.get(link.left.id)
        if known is None or _order(link, target.side) < _order(known, target.side):
            best[link.left.id] = link
    by_path = {entry.path: best[entry.id] for entry in shop.side if entry.id in best}
    return [_place(entry, by_path, target.side) for entry in shop.side], {
        str(word): count for word, count in progress(decisions).items()
    }


def _order(link: Decision, target: Side) -> tuple[bool, bool, int, float]:
    """Return the order of links of one category: decided, equal, deep, probable ones first."""
    depth = len(target[link.right.id].path)
    return link.verdict != "accept", link.relation != "exact", -depth, -(link.probability or 0.0)


def _place(entry: Entry, links_by_path: dict[tuple[str, ...], Decision], target: Side) -> TargetPlace:
    """Return the place of a category: its own, else that of the nearest category above it."""
    for depth in range(len(entry.path), 0, -1):
        link = links_by_path.get(entry.path[:depth])
        if link is not None:
            inherited = depth < len(entry.path)
            relation = "narrower" if inherited else link.relation
            return TargetPlace(entry, target[link.right.id], relation, link.probability, inherited)
    return TargetPlace(entry)


def write_column(shop: Shop, places: Sequence[TargetPlace], out: Path, column: str, as_path: bool) -> Mapped:
    """Write the column to upload: one row a product with its own id, or one row a category.

    Tabs between cells, UTF-8; products and categories without a target have an empty cell.
    """
    texts = {place.category.path: _text(place, as_path) for place in places}
    mapped = Mapped(categories=len(places))
    counts: Counter[tuple[str, ...]] = Counter()
    with atomic_write(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        if shop.entry is None:
            writer.writerow(("id", "path", column, "relation", "probability", "from_parent"))
            for place in places:
                writer.writerow(_category_row(place, texts[place.category.path]))
                counts[place.category.path] += 1
        else:
            writer.writerow(("id", column))
            for number, path in _products(shop.entry):
                writer.writerow((number, texts.get(path, "")))
                counts[path] += 1
    mapped.rows = sum(counts.values())
    mapped.filled = sum(count for path, count in counts.items() if texts.get(path))
    empty = [(PATH_SEPARATOR.join(path), count) for path, count in counts.items() if not texts.get(path)]
    mapped.without = sorted(empty, key=lambda one: (-one[1], one[0]))
    return mapped


def _text(place: TargetPlace, as_path: bool) -> str:
    if place.target is None:
        return ""
    return place.target.label if as_path else place.target.id


def _category_row(place: TargetPlace, text: str) -> tuple[str, ...]:
    known = place.target is not None and place.probability is not None
    probability = f"{place.probability:.4f}" if known else ""
    inherited = "yes" if place.inherited else ""
    return place.category.id, place.category.label, text, place.relation, probability, inherited


def _products(entry: SourceEntry) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the shop's own id and the category path of every product."""
    for table in _tables(entry, []):
        ids, paths = table["source_id"].to_pylist(), table["source_path"].to_pylist()
        yield from ((number, tuple(path or ())) for number, path in zip(ids, paths, strict=True))
