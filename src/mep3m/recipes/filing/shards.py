"""New products cut into shards on disk: rows that any process can read alone, whatever they came from.

A store has its shards. A table or a folder of pictures is read once, from front to back, and written as
Parquet files of `ROWS` rows; what is kept in memory is 16 bytes a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.assignment.answer import READ
from mep3m.dataset.reading import open_pictures, pictures_of, with_own_ids
from mep3m.errors import UsageError
from mep3m.settings.sources import Columns
from mep3m.sources.columns import refuse_repeated_ids
from mep3m.sources.tables import TableSource
from mep3m.store import Store
from mep3m.store.filesystem import atomic_write
from mep3m.store.images import FolderImages, Images
from mep3m.store.json_files import read_json, write_json
from mep3m.store.rejects import Reject
from mep3m.store.stamp import look_at
from mep3m.store.store import read_shard

#: rows of one shard that is cut here: what is lost by a kill, at most, times the number of workers
ROWS = 32_768
#: refused rows that are told one by one
TOLD = 100
_KEPT = [*READ, "file", "line"]


@dataclass(frozen=True)
class Shards:
    """Shards of new products, and how their rows become what a model is asked about.

    `columns` are those of a table, whose rows get the user's own ids by `lines`, a file; `repeated` are the
    rows of each shard whose id was there before. `refused` counts them with what could not be read at all, of
    which `first` are the first.
    """

    files: tuple[Path, ...]
    rows: tuple[int, ...]
    platforms: bool
    images: Images | None = None
    columns: Columns | None = None
    lines: Path | None = None
    repeated: tuple[tuple[int, ...], ...] = ()
    refused: int = 0
    first: tuple[Reject, ...] = ()

    def read(self, number: int) -> pa.Table:
        """Return the products of one shard, in the columns of `READ`."""
        if self.columns is None or self.lines is None:
            return read_shard(self.files[number], READ)
        table = pq.read_table(self.files[number], memory_map=True)
        if len(self.repeated[number]):
            keep = np.setdiff1d(np.arange(table.num_rows), self.repeated[number])
            table = table.take(pa.array(keep))
        return with_own_ids(table, self.columns, np.load(self.lines, mmap_mode="r")).select(READ)


def store_shards(store: Store) -> Shards:
    """Return the shards of a store as they are.

    Raises:
        TaxonomyError: its tree contradicts itself.
    """
    _ = store.taxonomy  # said before any work
    rows = tuple(pq.read_metadata(path).num_rows for path in store.shards)
    told = (read_shard(path, ["id", "source_id"]) for path in store.shards)
    platforms = any(pc.any(pc.not_equal(one["id"], one["source_id"])).as_py() for one in told)
    return Shards(tuple(store.shards), rows, platforms, store.images)


def picture_shards(path: Path, folder: Path) -> Shards:
    """Cut a picture or a folder of pictures into shards in `folder`."""
    opened = open_pictures(path)
    rows = _write(iter([opened.products]), folder)
    files = tuple(_shard(folder, number) for number in range(len(rows)))
    rejects = opened.rejects
    return Shards(
        files, tuple(rows), False, opened.images, None, None, (), len(rejects), tuple(rejects[:TOLD])
    )


def table_shards(source: TableSource, image_root: Path | None, folder: Path) -> Shards:
    """Cut a table into shards in `folder`, or return those that an earlier run has cut.

    Raises:
        UsageError: no row could be read.
    """
    done = folder / "cut.json"
    if not done.exists():
        _cut(source, folder)
    told = read_json(done)
    columns = source.settings.columns
    return Shards(
        files=tuple(_shard(folder, number) for number in range(len(told["rows"]))),
        rows=tuple(told["rows"]),
        platforms=columns.platform is not None,
        images=FolderImages(image_root or source.path.parent) if columns.image else None,
        columns=columns,
        lines=folder / "lines.npy",
        repeated=tuple(tuple(rows) for rows in told["repeated"]),
        refused=told["refused"],
        first=tuple(Reject(**one) for one in told["first"]),
    )


def _shard(folder: Path, number: int) -> Path:
    return folder / f"{number:05d}.parquet"


def _cut(source: TableSource, folder: Path) -> None:
    read = _Reading(source)
    rows = _write(read.tables(), folder)
    if not sum(rows):
        raise UsageError(f"{source.path} has no rows to work on")
    repeated, rejects = _repeated(np.concatenate(read.ids), rows, folder)
    every = source.row_lines(np.unique(np.concatenate(read.lines)))
    with atomic_write(folder / "lines.npy") as temporary, temporary.open("wb") as file:
        np.save(file, every)
    told = [*read.first, *rejects][:TOLD]
    refused = read.refused + sum(len(one) for one in repeated)
    first = [{name: getattr(one, name) for name in Reject.__dataclass_fields__} for one in told]
    write_json(folder / "cut.json", {"rows": rows, "repeated": repeated, "refused": refused, "first": first})


class _Reading:
    """A table that is read once: its products, and on the way 8 bytes of each id and the lines of rows."""

    def __init__(self, source: TableSource) -> None:
        self.source = source
        self.ids: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        self.lines: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
        self.refused = 0
        self.first: list[Reject] = []

    def tables(self) -> Iterator[pa.Table]:
        """Yield the products, in order."""
        for part in self.source.parts():
            for batch in self.source.read(part):
                self.ids.append(_hashes(batch.products["id"].to_pylist()))
                refused = [one.line for one in batch.rejects if one.line is not None]
                lines = batch.products["line"].to_numpy().astype(np.int64)
                self.lines.append(np.concatenate([lines, np.array(refused, np.int64)]))
                self.refused += len(batch.rejects)
                self.first += batch.rejects[: TOLD - len(self.first)]
                yield batch.products


def _write(tables: Iterator[pa.Table], folder: Path) -> list[int]:
    """Write shards of `ROWS` rows and return how many each has."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[int] = []
    waiting: list[pa.Table] = []

    def flush(least: int) -> None:
        while (total := sum(one.num_rows for one in waiting)) >= least and total:
            joined = pa.concat_tables(waiting).combine_chunks()
            with atomic_write(_shard(folder, len(rows)), durable=False) as temporary:
                pq.write_table(joined.slice(0, ROWS), temporary)
            rows.append(min(ROWS, joined.num_rows))
            waiting[:] = [joined.slice(ROWS)]

    for table in tables:
        waiting.append(table.select(_KEPT))
        flush(ROWS)
    flush(1)
    return rows


def _hashes(ids: Sequence[str]) -> NDArray[np.int64]:
    digests = b"".join(hashlib.blake2b(one.encode(), digest_size=8).digest() for one in ids)
    return np.frombuffer(digests, dtype=np.int64)


def _repeated(
    hashes: NDArray[np.int64], rows: Sequence[int], folder: Path
) -> tuple[list[list[int]], list[Reject]]:
    """Return the rows of each shard whose id an earlier row has, and the refusals that say so.

    Only rows whose hash occurs more than once are looked at.
    """
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1])
    suspects = np.unique(order[np.concatenate([same, same + 1])]) if len(same) else np.zeros(0, np.int64)
    starts = np.concatenate([[0], np.cumsum(rows)])
    first: dict[str, Any] = {}
    dropped: list[list[int]] = []
    rejects: list[Reject] = []
    for number, start in enumerate(starts[:-1]):
        mine: Ints = suspects[(suspects >= start) & (suspects < starts[number + 1])] - start
        if not len(mine):
            dropped.append([])
            continue
        table = pq.read_table(_shard(folder, number), columns=["id", "source", "source_id", "file", "line"])
        kept, refused = refuse_repeated_ids(table, mine, first)
        gone = np.setdiff1d(table["line"].to_numpy(), kept["line"].to_numpy())
        dropped.append(np.flatnonzero(np.isin(table["line"].to_numpy(), gone)).tolist())
        rejects += refused
    return dropped, rejects


def look_of(path: Path) -> list[Any]:
    """Return what stands for the content of a table or of pictures, unread: names, sizes and times."""
    files = [path] if path.is_file() else pictures_of(path)
    return [[str(one.resolve()), *look_at(one)] for one in files]
