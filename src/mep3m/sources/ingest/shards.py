"""One shard a part, in any order, by any number of workers; then what only all shards together show."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mep3m.engine import Engine, Progress, run
from mep3m.product import PRODUCT_SCHEMA
from mep3m.sources.base import STAGE, Batch, Part
from mep3m.sources.ingest.origin import (
    Catalogues,
)
from mep3m.sources.mep3m_files import read_taxonomy
from mep3m.store import Reject, Store, StoreWriter
from mep3m.store.store import read_shard
from mep3m.taxonomy import Category, Taxonomy

#: the order of the rows in a shard
IN_ORDER = [("file", "ascending"), ("line", "ascending")]
#: file and line of a row
Place = tuple[str, int]


@dataclass(frozen=True)
class PartReader:
    """The work of one item: read a part, take in its images, write its shard."""

    catalogues: Catalogues
    parts: tuple[tuple[int, Part], ...]
    writer: StoreWriter

    def __call__(self, index: int) -> int:
        """Make shard `index` and return its number of rows."""
        table, rejects = self.read(index)
        if table["image"].null_count < table.num_rows:
            os.sync()  # the images are on disk before the shard that names them
        return self.writer.write(index, table, rejects)

    def read(self, index: int, places: frozenset[Place] | None = None) -> tuple[pa.Table, list[Reject]]:
        """Return the products of a part, or only those at some places, and what was refused."""
        which, part = self.parts[index]
        intake = self.catalogues.intake(which)
        tables, rejects = [PRODUCT_SCHEMA.empty_table()], []
        for batch in self.catalogues.source(which).read(part):
            taken = intake.take(batch if places is None else only(batch, places))
            tables.append(taken.products)
            rejects.extend(taken.rejects)
        return pa.concat_tables(tables).combine_chunks(), rejects


def only(batch: Batch, places: frozenset[Place]) -> Batch:
    """Return the rows of a batch that stand at some places; rejects stay."""
    rows = zip(batch.products["file"].to_pylist(), batch.products["line"].to_pylist(), strict=True)
    mask = pa.array([row in places for row in rows], pa.bool_())
    kept = None
    if batch.contents is not None:
        kept = [content for content, keep in zip(batch.contents, mask.to_pylist(), strict=True) if keep]
    return Batch(batch.products.filter(mask), batch.rejects, kept)


def build(reader: PartReader, engine: Engine, progress: Progress, **facts: Any) -> Store:
    """Write the missing shards, refuse repeated ids across them, and finish the store."""
    if not reader.writer.complete:
        run(engine, reader, reader.writer.missing(), STAGE, progress)
        refuse_repeats(reader.writer)
        sweep(reader.writer.folder)
        return reader.writer.finish(find_taxonomy(reader.catalogues, reader.writer), **facts)
    return Store.open(reader.writer.folder)


def sweep(folder: Path) -> None:
    """Remove the half-written files of killed processes; nobody writes into the store any more."""
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def list_parts(catalogues: Catalogues) -> list[tuple[int, Part]]:
    """Return (index of the source, part) of everything, in order."""
    return [
        (index, part) for index in range(len(catalogues.entries)) for part in catalogues.source(index).parts()
    ]


def refuse_repeats(writer: StoreWriter) -> None:
    """Refuse the later rows of ids that occur in more than one shard or place; rewrites only those shards."""
    hashes = [_hash_ids(writer.shard(i)) for i in range(len(writer.plan.parts))]
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *hashes])
    values, counts = np.unique(every, return_counts=True)
    suspects = values[counts > 1]
    if not len(suspects):
        return
    first: dict[str, tuple[str, int]] = {}
    for index, row_hashes in enumerate(hashes):
        rows = np.flatnonzero(np.isin(row_hashes, suspects))
        if len(rows):
            _refuse_in_shard(writer, index, rows, first)


def find_taxonomy(catalogues: Catalogues, writer: StoreWriter) -> Taxonomy | None:
    """Return the spreadsheet's tree where a source names one, else the tree MEP-3M's records show."""
    for entry in catalogues.entries:
        if entry.taxonomy is not None:
            return read_taxonomy(catalogues.base / entry.taxonomy)
    own = [entry.name for entry in catalogues.entries if (entry.format or "") == "mep3m"]
    return taxonomy_of_shards(writer, own) if own else None


def taxonomy_of_shards(writer: StoreWriter, sources: Sequence[str]) -> Taxonomy:
    """Return the tree of the ids and names on the products themselves; the first name of an id counts."""
    nodes: dict[str, Category] = {}
    for index in range(len(writer.plan.parts)):
        table = pq.read_table(writer.shard(index), columns=["source", "labels", "source_path"])
        table = table.filter(pc.is_in(table["source"], pa.array(sources)))
        labels = table["labels"].combine_chunks()
        names = table["source_path"].combine_chunks()
        depth = pc.list_value_length(labels).to_numpy(zero_copy_only=False)
        levels = int(depth.max()) if len(depth) else 0
        for level in range(levels):
            deep = pa.array(depth > level)
            category = _level(labels.filter(deep), level, "category")
            parent = (
                _level(labels.filter(deep), level - 1, "category")
                if level
                else pa.nulls(len(category), pa.string())
            )
            name = _level(names.filter(deep), level)
            seen = pa.table([category, name, parent], names=["id", "name", "parent"])
            for row in seen.group_by(["id", "name", "parent"], use_threads=False).aggregate([]).to_pylist():
                if row["id"] is not None:
                    nodes.setdefault(row["id"], Category(row["id"], row["name"], None, row["parent"]))
    return Taxonomy(tuple(nodes[key] for key in sorted(nodes, key=lambda k: (k.split("-")[0], len(k), k))))


def _level(lists: pa.ListArray, level: int, member: str | None = None) -> pa.Array:
    """Return item `level` of every list, or one member of it; every list is long enough."""
    items = lists.flatten()
    offsets = (
        lists.offsets.to_numpy()[:-1] - lists.offsets[0].as_py() if len(lists) else np.zeros(0, np.int64)
    )
    taken = items.take(pa.array(offsets + level))
    return taken.field(taken.type.get_field_index(member)) if member else taken


def _hash_ids(shard: Path) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Return 64 bits a row that are equal where the ids are."""
    import duckdb

    query = duckdb.connect().execute("SELECT hash(id) AS h FROM read_parquet(?)", [str(shard)])
    return np.asarray(query.fetchnumpy()["h"], dtype=np.uint64)


def _refuse_in_shard(
    writer: StoreWriter, index: int, rows: np.ndarray[Any, Any], first: dict[str, tuple[str, int]]
) -> None:
    table = read_shard(writer.shard(index))
    keep = np.ones(table.num_rows, dtype=bool)
    rejects = []
    places = table.select(["id", "source", "source_id", "file", "line"]).take(pa.array(rows)).to_pylist()
    for row, place in zip(rows.tolist(), places, strict=True):
        here = (place["file"], place["line"])
        there = first.setdefault(place["id"], here)
        if there != here:
            keep[row] = False
            reason = f"the id is already used by {there[0]}, line {there[1]}"
            rejects.append(
                Reject(STAGE, place["source"], reason, None, here[0], here[1], "id", place["source_id"])
            )
    if rejects:
        rewrite(writer, index, table.filter(pa.array(keep)), rejects)


def rewrite(writer: StoreWriter, index: int, table: pa.Table, added: Sequence[Reject]) -> None:
    """Replace a shard and add to its quarantine; the same call after a kill adds nothing twice."""
    path = writer.folder / "rejects" / f"{index:05d}.parquet"
    old = [Reject(**row) for row in pq.read_table(path).to_pylist()] if path.exists() else []
    kept = list(dict.fromkeys([*old, *added]))
    writer.write(index, table, kept)
