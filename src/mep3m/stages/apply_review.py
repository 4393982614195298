"""The stage that gives every row its labels in the merged tree; the shop's own path stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mep3m.alignment.edits.edit import Record, remap_mapping, replay
from mep3m.alignment.merging.conflicts import resolve_conflicts
from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.impact import Counts, MergeResult, impact
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, merge
from mep3m.alignment.merging.overlaps import overlapping
from mep3m.alignment.merging.places import CategoryPlace, merged_places
from mep3m.alignment.merging.policy import apply_policy
from mep3m.alignment.records import Side
from mep3m.alignment.review.decisions import Ref, links
from mep3m.errors import NotFoundError, StoreError, UsageError
from mep3m.product import LABEL_TYPE, Label
from mep3m.stages.base import Outcome
from mep3m.stages.read_once import read_once
from mep3m.store import ContentImages, Store
from mep3m.store.json_files import fingerprint, read_json, write_json
from mep3m.store.layout import TAXONOMY, Layout, stores_below
from mep3m.store.store import read_manifest, read_plan
from mep3m.taxonomy import Taxonomy

STEP = "align"
#: where each category went, in the folder of the decision
PLACES = "places.json"
#: between the names of a path and the ids of labels, where they are a key
MARK = "\x1f"


@dataclass(frozen=True)
class ApplyReview:
    """Collect the shops' categories, merge them once, write each row's label path.

    `sides` are the tables of categories where the review's ids come from tables; without them a
    category's id is its path. `edits` are recorded changes of the tree, replayed after the merge.
    """

    review: MergeInputs
    sides: tuple[Side, ...] = ()
    edits: tuple[Record, ...] = ()
    name = STEP

    def settings(self) -> Mapping[str, Any]:
        """Return the settings and a fingerprint of everything that people wrote."""
        review = self.review
        first_level = review.first_level
        return {
            **review.settings.model_dump(exclude={"self_test"}),  # it changes no label
            "decisions": fingerprint([asdict(decision) for decision in review.decisions]),
            "first_level": None
            if first_level is None
            else fingerprint([[asdict(c) for c in first_level.classes], sorted(first_level.entries.items())]),
            "previous": fingerprint(sorted((review.previous or {}).items())),
            "sides": fingerprint([[side.name, *((e.id, e.path) for e in side)] for side in self.sides]),
            "edits": fingerprint([asdict(record) for record in self.edits]),
        }

    def collect(self, shard: pa.Table, images: ContentImages) -> pa.Table:
        """Return the rows of each (source, path, present labels)."""
        return count_rows(shard)

    def decide(self, collected: Sequence[Path], store: Store, folder: Path) -> Taxonomy:
        """Merge, and write the mapping, the impact and the places of the categories into `folder`.

        Raises:
            TaxonomyError: the review contradicts itself or the store; nothing is written.
        """
        counts = read_counts(pq.read_table(path) for path in collected)
        result = self.result(counts)
        write_json(folder / "mapping.json", mapping_rows(result.merged.mapping))
        write_json(folder / "impact.json", impact(counts, result, self.review.decisions))
        write_json(folder / PLACES, [place.to_json() for place in self.places(counts, result)])
        return result.merged.taxonomy

    def result(self, counts: Counts) -> MergeResult:
        """Return the merge with the edits replayed, what waits for a person, and what to review again."""
        catalogue = Catalogue.of(self.sides, counts.rows)
        sure, waiting = apply_policy(catalogue, self.review)
        review, left_open = resolve_conflicts(catalogue, sure)
        merged = merge(catalogue, review)
        taxonomy, held, broken = replay(merged.taxonomy, self.edits)
        applied = tuple(links(review.decisions, review.settings))
        other = [
            f"line {row.line}: {row.link}: {row.predicate} is not applied, so that the row is open"
            for row in self.review.decisions
            if row.predicate and row.verdict == "open"
        ]
        notes = (*other, *left_open, *broken)
        overlaps = overlapping(catalogue, self.review.decisions)
        return MergeResult(remap_mapping(merged, taxonomy, held), notes, waiting, applied, overlaps)

    def places(self, counts: Counts, result: MergeResult) -> list[CategoryPlace]:
        """Return where each category went, and why; largest first."""
        return merged_places(Catalogue.of(self.sides, counts.rows), counts, result)

    def table_counts(self) -> Counts:
        """Return the products that the sides' tables count, where there is no store."""
        rows = {(side.name, entry.path): entry.count or 0 for side in self.sides for entry in side}
        return Counts(rows, {node: {(): count} for node, count in rows.items()})

    def apply(self, shard: pa.Table, folder: Path) -> Outcome:
        """Return the shard with the labels of the mapping; `source_path` is never touched."""
        mapping = read_once(folder / "mapping.json", _labels_of_paths)
        keep = self.review.settings.unmapped == "keep"
        keys = pc.dictionary_encode(_keys(shard).combine_chunks())
        mapped = [mapping.get(_node(key)) for key in keys.dictionary.to_pylist()]
        values = pa.array([labels or () for labels in mapped], pa.list_(LABEL_TYPE))
        labels = values.take(keys.indices)
        if keep:
            known = pa.array([labels is not None for labels in mapped], pa.bool_()).take(keys.indices)
            labels = pc.if_else(known, labels, shard["labels"].combine_chunks())
        return Outcome(
            shard.set_column(shard.schema.get_field_index("labels"), shard.schema.field("labels"), labels)
        )


def count_rows(shard: pa.Table) -> pa.Table:
    """Return one row a (source, source_path, present label ids) with its products."""
    labels = shard["labels"].combine_chunks()
    categories = pc.fill_null(pc.struct_field(labels.values, "category"), "")
    ids = pc.binary_join(pa.ListArray.from_arrays(labels.offsets, categories), MARK)
    table = pa.table({"key": _keys(shard), "labels": ids, "dropped": shard["dropped"]})
    table = table.set_column(2, "kept", pc.cast(pc.is_null(table["dropped"]), pa.int64()))
    counted = table.group_by(["key", "labels"], use_threads=False).aggregate([("kept", "sum")])
    return counted.sort_by([("key", "ascending"), ("labels", "ascending")])


def read_counts(tables: Iterable[pa.Table]) -> Counts:
    """Join the counts of all shards."""
    rows: dict[PlatformPath, int] = {}
    present: dict[PlatformPath, dict[tuple[str, ...], int]] = {}
    for table in tables:
        for row in table.to_pylist():
            node = _node(row["key"])
            labels = tuple(row["labels"].split(MARK)) if row["labels"] else ()
            rows[node] = rows.get(node, 0) + row["kept_sum"]
            at = present.setdefault(node, {})
            at[labels] = at.get(labels, 0) + row["kept_sum"]
    return Counts(dict(sorted(rows.items())), present)


def store_counts(store: Store) -> Counts:
    """Count a store's rows without running the stage: what an impact report before needs."""
    columns = ["source", "source_path", "labels", "dropped"]
    return read_counts(count_rows(table) for table in store.tables(columns))


def remove_result(folder: Path) -> str:
    """Remove a store that `align apply` or `align remap` wrote; return the name of its parent.

    Raises:
        UsageError: another step wrote it, or a store beside it was made from it.
    """
    if not Layout(folder).begun:
        raise UsageError(f"{folder} is no store that 'align apply' or 'align remap' wrote; it stays")
    plan = read_plan(folder)
    if plan["step"] not in (STEP, "follow"):
        raise UsageError(f"{folder} was written by '{plan['step']}', not by 'align apply'; it stays")
    own = read_manifest(folder)["fingerprint"] if Layout(folder).finished else None
    for other in stores_below(folder.resolve().parent):
        if own is not None and read_json(Layout(other).plan).get("parent") == own:
            raise UsageError(f"{other} was made from {folder}; remove that first")
    shutil.rmtree(folder)
    return "the store it was made from"


def existing_categories(sides: Sequence[Side], store: Store | None) -> dict[Ref, str] | None:
    """Return the paths of all categories of tables or of a store; `None` where there is neither."""
    rows = store_counts(store).rows if store is not None else None
    return Catalogue.of(sides, rows).labels() if sides or rows else None


def mapping_rows(mapping: Mapping[PlatformPath, Sequence[Label]]) -> list[dict[str, Any]]:
    """Return the mapping as JSON rows, sorted."""
    return [
        {"source": source, "path": list(path), "labels": [asdict(label) for label in mapping[(source, path)]]}
        for source, path in sorted(mapping)
    ]


def read_mapping(path: Path) -> dict[PlatformPath, tuple[Label, ...]]:
    """Read a mapping that the stage wrote.

    Raises:
        StoreError: the file is not such a mapping.
    """
    try:
        return {
            (row["source"], tuple(row["path"])): tuple(Label(**label) for label in row["labels"])
            for row in read_json(path)
        }
    except (KeyError, TypeError) as error:
        raise StoreError(f"{path} is not a mapping of 'align apply': {error}") from None


def read_previous(folder: Path) -> dict[PlatformPath, str]:
    """Return the ids that an earlier result (a store, or a folder with the tree) gave each category.

    Raises:
        NotFoundError: the folder holds no mapping.
    """
    paths = [Layout(folder).decision / "mapping.json", folder / "mapping.json", folder]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise NotFoundError(f"{folder} holds no mapping.json; name a result of 'align apply'")
    ids: dict[PlatformPath, str] = {}
    for node, labels in read_mapping(path).items():
        if labels and (category := labels[-1].category) is not None:
            ids[node] = category
    return ids


def write_tree(stage: ApplyReview, folder: Path) -> None:
    """Write taxonomy, mapping and impact of a merge of tables, without any rows."""
    counts = stage.table_counts()
    result = stage.result(counts)
    write_json(folder / "mapping.json", mapping_rows(result.merged.mapping))
    write_json(folder / "impact.json", impact(counts, result, stage.review.decisions))
    result.merged.taxonomy.save(folder / TAXONOMY)


def _keys(shard: pa.Table) -> pa.ChunkedArray:
    """Return source and path as one string a row."""
    paths = pc.fill_null(pc.binary_join(shard["source_path"], MARK), "")
    return pc.binary_join_element_wise(shard["source"], paths, MARK)


def _node(key: str) -> PlatformPath:
    source, *path = key.split(MARK)
    return source, () if path == [""] else tuple(path)


def _labels_of_paths(path: Path) -> dict[PlatformPath, list[dict[str, Any]]]:
    """Return the labels of each category as the file holds them."""
    return {(row["source"], tuple(row["path"])): row["labels"] for row in read_json(path)}
