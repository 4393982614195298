"""One shard a part, in any order, by any number of workers; then what only all shards together show."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.engine import Engine, Progress, run
from mep3m.ingest.origin import (
    Catalogues,
)
from mep3m.product import PRODUCT_SCHEMA
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import Place, refuse_repeated_ids
from mep3m.sources.images.intake import Intake
from mep3m.sources.mep3m.spreadsheet import LEVELS, read_taxonomy
from mep3m.store import Reject, Store, StoreWriter
from mep3m.store.filesystem import sweep
from mep3m.store.rejects import INGEST
from mep3m.store.store import read_shard
from mep3m.taxonomy import Category, Taxonomy

#: the order of the rows in a shard
IN_ORDER = [("file", "ascending"), ("line", "ascending")]


@dataclass(frozen=True)
class PartReader:
    """The work of one item: read a part, take in its images, write its shard."""

    catalogues: Catalogues
    parts: tuple[tuple[int, Part], ...]
    writer: StoreWriter

    def __call__(self, index: int) -> int:
        """Make shard `index` and return its number of rows."""
        reuse_memory()
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
            taken = self.take(intake, batch if places is None else only(batch, places))
            tables.append(taken.products)
            rejects.extend(taken.rejects)
        return pa.concat_tables(tables), rejects

    def take(self, intake: Intake, batch: Batch) -> Batch:
        """Return a batch with its images taken in; an update spares those that cannot have changed."""
        return intake.take(batch)


def reuse_memory() -> None:
    """Use the memory of one block for the next one instead of asking the system for fresh pages each time.

    Arrow's own allocator asks again, and so does the C library for pieces of more than 128 kB unless
    it is told otherwise; there is nothing to tell where the C library is another than glibc.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    trim, map_threshold, size = -1, -3, 2**26  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD of malloc.h, bytes
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(trim, size)
        library.mallopt(map_threshold, size)


def only(batch: Batch, places: frozenset[Place]) -> Batch:
    """Return the rows of a batch that stand at some places; rejects stay."""
    rows = zip(batch.products["file"].to_pylist(), batch.products["line"].to_pylist(), strict=True)
    mask = pa.array([row in places for row in rows], pa.bool_())
    kept = None
    if batch.contents is not None:
        kept = [content for content, keep in zip(batch.contents, mask.to_pylist(), strict=True) if keep]
    return Batch(batch.products.filter(mask), batch.rejects, kept)


def build(
    reader: PartReader, engine: Engine, progress: Progress, facts: Callable[[], dict[str, Any]] = dict
) -> Store:
    """Write the missing shards, refuse repeated ids across them, and finish the store.

    `facts` returns what else the manifest says; it is called when every shard is there.
    """
    if not reader.writer.complete:
        run(engine, reader, reader.writer.missing(), INGEST, progress)
        refuse_repeats(reader.writer)
        sweep(reader.writer.folder)
        return reader.writer.finish(find_taxonomy(reader.catalogues, reader.writer), **facts())
    return Store.open(reader.writer.folder)


def list_parts(catalogues: Catalogues) -> list[tuple[int, Part]]:
    """Return (index of the source, part) of everything, in order."""
    return [
        (index, part) for index in range(len(catalogues.entries)) for part in catalogues.source(index).parts()
    ]


def refuse_repeats(writer: StoreWriter) -> None:
    """Refuse the later rows of ids that occur in more than one shard or place; rewrites only those shards."""
    hashes = _hash_ids(writer)
    every = np.concatenate([np.zeros(0, dtype=np.uint64), *hashes])
    every.sort()
    suspects = np.unique(every[1:][every[1:] == every[:-1]])
    if not len(suspects):
        return
    first: dict[str, Place] = {}
    for index, row_hashes in enumerate(hashes):
        rows = np.flatnonzero(np.isin(row_hashes, suspects))
        if len(rows):
            kept, rejects = refuse_repeated_ids(read_shard(writer.shard(index)), rows, first)
            if rejects:
                rewrite(writer, index, kept, rejects)


def find_taxonomy(catalogues: Catalogues, writer: StoreWriter) -> Taxonomy | None:
    """Return the spreadsheet's tree where a source names one, else the tree MEP-3M's records show."""
    for entry in catalogues.entries:
        if entry.taxonomy is not None:
            return read_taxonomy(catalogues.base / entry.taxonomy)
    own = [entry.name for entry in catalogues.entries if (entry.format or "") == "mep3m"]
    return taxonomy_of_shards(writer, own) if own else None


def taxonomy_of_shards(writer: StoreWriter, sources: Sequence[str]) -> Taxonomy:
    """Return the tree of the ids and names on the products themselves; the first name of an id counts."""
    depth = range(1, len(LEVELS) + 1)
    columns = [f"labels[{level}].category AS id{level}" for level in depth]
    columns += [f"source_path[{level}] AS name{level}" for level in depth]
    query = f"""
        SELECT {", ".join(columns)} FROM read_parquet(?, filename = true, file_row_number = true)
        WHERE list_contains(?, source) GROUP BY ALL ORDER BY min((filename, file_row_number))
    """
    nodes: dict[str, Category] = {}
    for row in _query(query, [_shards(writer), list(sources)]).fetchall():
        ids, names = row[: len(LEVELS)], row[len(LEVELS) :]
        for level, (label, name) in enumerate(zip(ids, names, strict=True)):
            if label is not None:
                parent = ids[level - 1] if level else None
                nodes.setdefault(label, Category(label, name, None, parent))
    return Taxonomy(tuple(nodes[key] for key in sorted(nodes, key=lambda k: (k.split("-")[0], len(k), k))))


def _shards(writer: StoreWriter) -> list[str]:
    return [str(writer.shard(index)) for index in range(len(writer.plan.parts))]


def _query(query: str, parameters: list[Any]) -> Any:
    import duckdb

    return duckdb.connect(config={"threads": 2}).execute(query, parameters)


def _hash_ids(writer: StoreWriter) -> list[np.ndarray[Any, np.dtype[np.uint64]]]:
    """Return for each shard 64 bits a row that are equal where the ids are."""
    shards = _shards(writer)
    if not shards:
        return []
    hashes = _query("SELECT hash(id) AS h FROM read_parquet(?)", [shards]).fetchnumpy()["h"]
    ends = np.cumsum([pq.read_metadata(path).num_rows for path in shards])
    return np.split(np.asarray(hashes, dtype=np.uint64), ends[:-1])


def rewrite(writer: StoreWriter, index: int, table: pa.Table, added: Sequence[Reject]) -> None:
    """Replace a shard and add to its quarantine; the same call after a kill adds nothing twice."""
    path = writer.layout.quarantine(index)
    old = [Reject(**row) for row in pq.read_table(path).to_pylist()] if path.exists() else []
    kept = list(dict.fromkeys([*old, *added]))
    writer.write(index, table, kept)
