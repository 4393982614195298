"""Try again what failed, and only that: refused rows and images that could not be taken in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mep3m.engine import Progress, silent
from mep3m.ingest.origin import Catalogues, catalogues_of
from mep3m.ingest.shards import IN_ORDER, PartReader, find_taxonomy, list_parts
from mep3m.ingest.update import finish_update
from mep3m.product import PRODUCT_SCHEMA
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import Place
from mep3m.store import Plan, Reject, Store, StoreWriter
from mep3m.store.filesystem import atomic_write, exclusive_lock
from mep3m.store.json_files import fingerprint, read_json, write_json
from mep3m.store.rejects import rejects_table
from mep3m.store.store import read_shard

#: facts of a manifest that a retry keeps
_KEPT = ("update",)


@dataclass(frozen=True)
class RetryCounts:
    """What a retry did: failures tried, how many of them are rows and images now."""

    tried: int
    rows: int
    images: int

    @property
    def still_failing(self) -> int:
        """The failures that are left."""
        return self.tried - self.rows - self.images


def retry(folder: Path, progress: Progress = silent) -> RetryCounts:
    """Try every failure of an ingested store again; what succeeded before is not touched.

    A refused row is read again from where it stands in its file now (a row corrected in place becomes
    a product); a failed image is looked for again. Killed at any moment, run it again.

    Raises:
        StoreError: there is no store, it is unfinished, does not remember its input, or is being written.
    """
    if not folder.is_dir():
        Store.open(folder)  # says what is missing
    with exclusive_lock(folder):
        return _retry(folder, progress)


def _retry(folder: Path, progress: Progress) -> RetryCounts:
    """`retry` with the lock on the folder held."""
    finish_update(folder)
    store = Store.open(folder)
    catalogues = catalogues_of(folder)
    plan = Plan(**{field.name: _as_plan(store, field.name) for field in fields(Plan)})
    writer = StoreWriter(folder, plan)
    failing = [i for i in range(len(plan.parts)) if writer.layout.quarantine(i).exists()]
    again = Again(catalogues, tuple(list_parts(catalogues)), writer)
    counts = RetryCounts(0, 0, 0)
    with progress("retry", len(failing), "shards") as advance:
        for index in failing:
            done = again.shard(index)
            counts = RetryCounts(
                counts.tried + done.tried, counts.rows + done.rows, counts.images + done.images
            )
            advance(1)
    if counts.rows or counts.images:
        facts = {name: store.manifest[name] for name in _KEPT if name in store.manifest}
        writer.finish(find_taxonomy(catalogues, writer), **facts)
        _renew_fingerprint(writer, store.fingerprint)
    return counts


@dataclass(frozen=True)
class Again:
    """Tries the failures of one shard at a time."""

    catalogues: Catalogues
    parts: tuple[tuple[int, Part], ...]
    writer: StoreWriter

    def shard(self, index: int) -> RetryCounts:
        """Try the failures of a shard; the shard is written before the quarantine shrinks."""
        path = self.writer.layout.quarantine(index)
        failures = [Reject(**row) for row in pq.read_table(path).to_pylist()]
        table = read_shard(self.writer.shard(index))
        of_images = [failure for failure in failures if failure.product is not None]
        of_rows = [failure for failure in failures if failure.product is None]
        table, left, taken_images = self._images(table, of_images)
        table, left_rows, taken_rows = self._rows(table, of_rows)
        left = left_rows + left
        if taken_rows or taken_images:
            self.writer.write(index, table.combine_chunks())
        if len(left) < len(failures):
            if left:
                with atomic_write(path) as temporary:
                    pq.write_table(rejects_table(left), temporary, compression="zstd")
            else:
                path.unlink()
        return RetryCounts(len(failures), taken_rows, taken_images)

    def _images(self, table: pa.Table, failures: Sequence[Reject]) -> tuple[pa.Table, list[Reject], int]:
        """Look for the failed images again; images that came inside the source count as rows."""
        if not failures:
            return table, [], 0
        names = [entry.name for entry in self.catalogues.entries]
        failed = pa.array(sorted({failure.product for failure in failures if failure.product}))
        mask = pc.is_in(table["id"], failed)
        rest, tables, rejects = table.filter(pc.invert(mask)), [], []
        for which in range(len(names)):
            rows = self._of_source(table.filter(mask), which)
            if rows.num_rows:
                taken = self._take(which, rows)
                tables.append(taken.products)
                rejects += taken.rejects
        whole = pa.concat_tables([rest, *tables]) if tables else table
        done = len({failure.product for failure in failures} - {reject.product for reject in rejects})
        return whole.sort_by(IN_ORDER), rejects, done

    def _take(self, which: int, rows: pa.Table) -> Batch:
        """Take the images of rows again, from their files or, where the source holds them, from it."""
        intake = self.catalogues.intake(which)
        if not intake.idle:
            return intake.take(Batch(rows))
        places = {(row["file"], row["line"]) for row in rows.select(["file", "line"]).to_pylist()}
        again = self._read(which, places)
        return again if again.products.num_rows == rows.num_rows else Batch(rows, again.rejects)

    def _of_source(self, table: pa.Table, which: int) -> pa.Table:
        files = {part.file for source, part in self.parts if source == which}
        own = pc.is_in(table["file"], pa.array(sorted(files), pa.string()))
        return table.filter(pc.or_(own, pc.equal(table["source"], self.catalogues.entries[which].name)))

    def _rows(self, table: pa.Table, failures: Sequence[Reject]) -> tuple[pa.Table, list[Reject], int]:
        """Read the refused rows again."""
        wanted: dict[int, set[Place]] = defaultdict(set)
        for failure in failures:
            which = self._source_of(failure)
            if which is not None and failure.file is not None and failure.line is not None:
                wanted[which].add((failure.file, failure.line))
        left = {(failure.file, failure.line): failure for failure in failures}
        taken = 0
        of_images: list[Reject] = []
        for which, places in wanted.items():
            batch = self._read(which, places)
            standing = self._places(batch.products["id"])
            rows = batch.products.select(["id", "file", "line"]).to_pylist()
            fresh = [row["id"] not in standing for row in rows]
            for row in rows:
                if standing.get(row["id"], (row["file"], row["line"])) == (row["file"], row["line"]):
                    left.pop((row["file"], row["line"]), None)
            left.update({(r.file, r.line): r for r in batch.rejects if r.product is None})
            of_images += [reject for reject in batch.rejects if reject.product]
            table = pa.concat_tables([table, batch.products.filter(pa.array(fresh, pa.bool_()))])
            taken += sum(fresh)
        return (
            table.sort_by(IN_ORDER),
            [*left.values(), *of_images],
            taken,
        )

    def _parts_of(self, which: int, places: set[Place]) -> list[int]:
        """Return the parts that can hold the places; parts that span several files are all read."""
        parts = []
        own = {part.file for source, part in self.parts if source == which}
        for index, (source, part) in enumerate(self.parts):
            following = self.parts[index + 1][1] if index + 1 < len(self.parts) else None
            end = following.line if following is not None and following.file == part.file else np.inf
            held = any(
                file not in own or (file == part.file and part.line <= line < end) for file, line in places
            )
            if source == which and held:
                parts.append(index)
        return parts

    def _places(self, ids: pa.ChunkedArray) -> dict[str, Place]:
        """Return where the products with these ids stand now, in any shard."""
        places: dict[str, Place] = {}
        for path in [self.writer.shard(i) for i in range(len(self.writer.plan.parts))] if len(ids) else []:
            same = pc.field("id").isin(ids.to_pylist())
            rows = pq.read_table(path, columns=["id", "file", "line"], filters=same)
            places.update({row["id"]: (row["file"], row["line"]) for row in rows.to_pylist()})
        return places

    def _source_of(self, failure: Reject) -> int | None:
        """Return the source of a failure: the one with its file, else the one with its name."""
        by_file = (source for source, part in self.parts if part.file == failure.file)
        names = [entry.name for entry in self.catalogues.entries]
        return next(by_file, names.index(failure.source) if failure.source in names else None)

    def _read(self, which: int, places: set[Place]) -> Batch:
        """Read the rows at `places` from the parts that hold them now, images taken in."""
        reader = PartReader(self.catalogues, self.parts, self.writer)
        tables, rejects = [PRODUCT_SCHEMA.empty_table()], []
        for index in self._parts_of(which, places):
            products, refused = reader.read(index, frozenset(places))
            tables.append(products)
            rejects += [reject for reject in refused if (reject.file, reject.line) in places]
        return Batch(pa.concat_tables(tables), rejects)


def _as_plan(store: Store, name: str) -> Any:
    value = store.manifest[name]
    return tuple(value) if name == "parts" else value


def _renew_fingerprint(writer: StoreWriter, before: str) -> None:
    """Give the store a new fingerprint, so that later stages see that its rows have changed."""
    path = writer.layout.manifest
    manifest = read_json(path)
    manifest["fingerprint"] = fingerprint([before, manifest["rows"], manifest["rejects"], "retry"])
    write_json(path, manifest)
