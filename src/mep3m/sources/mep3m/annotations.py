"""MEP-3M's annotation file as released: one JSON array of three million records.

A missing third level and missing OCR are sentinels there: the paper prints 'FLASE', the released
file has "FALSE", the spreadsheet the boolean False. All are read here and written nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from mep3m.settings.sources import SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import clean, given_labels, join_levels, product_table, stable_ids, without
from mep3m.sources.mep3m import records as arrays
from mep3m.sources.mep3m.alike import read_alike
from mep3m.sources.mep3m.records import (
    Block,
    array_parts,
    beginning,
    parse_record,
    read_blocks,
    without_commas,
)
from mep3m.sources.mep3m.spreadsheet import LEVELS, SENTINELS, category_id
from mep3m.store.rejects import INGEST, Reject

RECORD = pa.schema(
    [pa.field(f"{level}_{part}", pa.string()) for level in LEVELS for part in ("id", "name")]
    + [
        pa.field("img_path", pa.string()),
        pa.field("img_resolution", pa.list_(pa.int32())),
        pa.field("title", pa.string()),
        pa.field("OCR", pa.string()),
    ]
)
#: the fields that differ from record to record
TEXTS = ("img_path", "title", "OCR")
_PARSE = pj.ParseOptions(explicit_schema=RECORD, newlines_in_values=True, unexpected_field_behavior="ignore")


@dataclass(frozen=True)
class Mep3mSource:
    """The annotation file: one JSON array of flat records."""

    path: Path
    name: str = "mep3m"
    part_bytes: int = 64 * 2**20

    def files(self) -> list[Path]:
        """Return the annotation file."""
        return [self.path]

    def parts(self) -> list[Part]:
        """Return byte ranges of whole records."""
        return list(array_parts(self.path, self.part_bytes))

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of one part; a broken record is refused with its number."""
        number = part.line
        for position, content in read_blocks(self.path, part):
            if content is None:
                block = Block(beginning(self.path, position), number, too_long=True)
            else:
                block = Block(content, number)
            count, batch = self._read(block)
            number += count
            yield batch

    def _read(self, block: Block) -> tuple[int, Batch]:
        """Return the number of records in a block, broken ones included, and its products."""
        if not block.too_long:
            records = _read_alike(block.content)
            if records is None and block.longest <= arrays.RECORD_LIMIT:
                records = _parse_fast(block)
            if records is not None:
                count = len(records.codes)
                numbers = np.arange(block.number, block.number + count, dtype=np.int64)
                return count, self._batch(records, numbers, [])
        return len(block.starts), self._read_slowly(block)

    def _read_slowly(self, block: Block) -> Batch:
        """Read record by record: for blocks with a broken record, or with ids that are not strings."""
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        rejects: list[Reject] = []
        for number, content in block.records():
            value, problem = parse_record(content)
            if block.too_long or len(content) > arrays.RECORD_LIMIT:
                value, problem = None, "the record is too long"
            row, problem = _as_row(value, problem)
            if row is not None:
                rows.append(row)
                numbers.append(number)
            else:
                text = content[:2000].decode("utf-8", "replace")
                rejects.append(
                    Reject(INGEST, self.name, str(problem), file=self.path.name, line=number, value=text)
                )
        records = _share(pa.Table.from_pylist(rows, schema=RECORD))
        return self._batch(records, np.array(numbers, dtype=np.int64), rejects)

    def _batch(self, records: Records, numbers: NDArray[np.int64], rejects: list[Reject]) -> Batch:
        count, row = len(numbers), pa.array(records.codes)
        shared = {name: records.shared[name].combine_chunks() for name in records.shared.column_names}
        labels, names = _categories(shared)
        size = shared["img_resolution"]
        path = _known(records.texts["img_path"])
        suffix = pc.utf8_slice_codeunits(path, -4).dictionary_encode()
        endings = pc.utf8_lower(pc.utf8_ltrim(suffix.dictionary, "."))
        columns = {
            "source": pa.repeat(pa.scalar(self.name), count),
            "source_id": path if not path.null_count else stable_ids(path, self.path.name, numbers),
            "source_path": names.take(row),
            "labels": given_labels(labels.take(row), self.name),
            "title": clean(records.texts["title"]),
            "ocr": _known(records.texts["OCR"]),
            "image_ref": path,
            "image_height": _item(size, 0).take(row),
            "image_width": _item(size, 1).take(row),
            "image_format": endings.take(suffix.indices),
            "file": pa.repeat(pa.scalar(self.path.name), count),
            "line": pa.array(numbers),
        }
        return Batch(product_table(columns, count), rejects)


@dataclass(frozen=True)
class Records:
    """Columns of the texts that differ, and a table of the rest, of which record i has the row `codes[i]`."""

    texts: dict[str, pa.Array]
    shared: pa.Table
    codes: NDArray[np.int64]


def _read_alike(content: bytes) -> Records | None:
    """Read a block whose records are all written alike, or return `None`."""
    alike = read_alike(content, TEXTS)
    if alike is None:
        return None
    rows = [_as_row(fields, None)[0] for fields in alike.shared]
    if None in rows:
        return None
    return Records(alike.texts, pa.Table.from_pylist(rows, schema=RECORD), alike.codes)


def _share(records: pa.Table) -> Records:
    """Return records without finding out what they share."""
    texts = {name: records[name].combine_chunks() for name in TEXTS}
    return Records(texts, records, np.arange(records.num_rows))


def _parse_fast(block: Block) -> Records | None:
    """Parse a block with Arrow's reader, or return `None` where anything in it is not perfect."""
    content = without_commas(block)
    if content is None:
        return None
    options = pj.ReadOptions(use_threads=False, block_size=len(content))
    try:
        table = pj.read_json(pa.BufferReader(content), options, _PARSE)
        table.validate(full=True)
    except pa.ArrowException:
        return None
    return _share(table) if table.num_rows == len(block.starts) else None


def _known(column: pa.Array) -> pa.Array:
    """Return a text column in which the sentinels and empty texts are missing."""
    text = clean(column)
    return without(text, pc.is_in(text, pa.array(SENTINELS)))


def _categories(column: dict[str, pa.Array]) -> tuple[pa.ListArray, pa.ListArray]:
    """Return the lists of category ids and of names."""
    levels = [_known(column[f"{level}_{part}"]) for part in ("id", "name") for level in LEVELS]
    prefixes = [category_id(level, "") for level in range(1, len(LEVELS) + 1)]
    ids = [pc.binary_join_element_wise(*pair, "") for pair in zip(prefixes, levels, strict=False)]
    return join_levels(ids), join_levels(levels[len(LEVELS) :])


def _item(lists: pa.ListArray, index: int) -> pa.Array:
    """Return item `index` of every list, missing where the list is shorter."""
    long_enough = pc.greater(pc.list_value_length(lists), index)
    kept = pc.if_else(pc.fill_null(long_enough, False), lists, pa.scalar([0, 0, 0], lists.type))
    return pc.if_else(
        pc.fill_null(long_enough, False), pc.list_element(kept, index), pa.scalar(None, pa.int32())
    )


def _as_row(value: dict[str, Any] | None, problem: str | None) -> tuple[dict[str, Any] | None, str | None]:
    """Return a record in the types of `RECORD`, or the reason why it cannot be one."""
    if value is None:
        return None, problem
    row: dict[str, Any] = {}
    for name in RECORD.names:
        cell = value.get(name)
        if name == "img_resolution":
            numbers = isinstance(cell, list) and all(type(n) is int and 0 <= n < 2**31 for n in cell)
            row[name] = cell if numbers else None
        elif cell is None or isinstance(cell, str | int | float):
            row[name] = None if cell is None else str(cell)
        else:
            return None, f"'{name}' is a {type(cell).__name__}, not text"
    return row, None


def open_mep3m(entry: SourceEntry, path: Path) -> Mep3mSource:
    """Return the annotation file of a project's `[[sources]]` entry."""
    takes_images = entry.image_root is not None or entry.fetch.enabled
    return Mep3mSource(path, entry.name, entry.part_bytes or (2**20 if takes_images else 64 * 2**20))
