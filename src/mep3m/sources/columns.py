"""From a shop's columns to product columns, without a Python object a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.product import LABEL_TYPE, PRODUCT_SCHEMA
from mep3m.settings.sources import Columns
from mep3m.sources.base import Batch
from mep3m.sources.delimited import Row
from mep3m.store.rejects import INGEST, Reject

#: stands for the shop's own separator inside a path column; no catalogue writes this character
PATH_MARK = "\x1f"


def clean(column: pa.Array) -> pa.Array:
    """Return a string column without outer white space; empty becomes missing."""
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return without(text, pc.equal(pc.binary_length(text), 0))


def without(text: pa.Array, mask: pa.Array) -> pa.Array:
    """Return a string column in which the values under the mask are missing; copied only if there are any."""
    return pc.if_else(mask, pa.scalar(None, pa.string()), text) if pc.any(mask).as_py() else text


def join_levels(levels: Sequence[pa.Array]) -> pa.ListArray:
    """Return one list a row from one column a level (coarse to fine).

    A row's list ends at its deepest level that is not missing; a gap above that stays a null item.
    """
    rows = len(levels[0])
    known = np.stack([level.is_valid().to_numpy(zero_copy_only=False) for level in levels], axis=1)
    depth = np.where(known.any(axis=1), known.shape[1] - np.argmax(known[:, ::-1], axis=1), 0)
    offsets = np.concatenate([[0], np.cumsum(depth)]).astype(np.int32)
    row = np.repeat(np.arange(rows), depth)
    level_of = np.arange(len(row)) - np.repeat(offsets[:-1], depth)
    items = pa.concat_arrays(list(levels)).take(pa.array(level_of * rows + row))
    return pa.ListArray.from_arrays(pa.array(offsets), items)


def split_path(column: pa.Array, separator: str) -> pa.ListArray:
    """Return the names of a path column as lists; names are trimmed and empty names left out."""
    lists = pc.split_pattern(pc.fill_null(column, ""), separator)
    names = clean(lists.flatten())
    keep = names.is_valid().to_numpy(zero_copy_only=False)
    before = np.concatenate([[0], np.cumsum(keep)])
    offsets = before[lists.offsets.to_numpy() - lists.offsets[0].as_py()].astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names.filter(pa.array(keep)))


def given_labels(paths: pa.ListArray, by: pa.Array | str) -> pa.ListArray:
    """Return the labels that the source itself gave, one struct a level; `by` is its name, or one a row."""
    items = paths.flatten()
    origin = pa.repeat(pa.scalar("given"), len(items))
    if isinstance(by, str):
        owner = pa.repeat(pa.scalar(by), len(items))
    else:
        counts = np.diff(paths.offsets.to_numpy())
        owner = by.take(pa.array(np.repeat(np.arange(len(paths)), counts)))
    confidence = pa.nulls(len(items), pa.float32())
    structs = pa.StructArray.from_arrays([items, origin, owner, confidence], fields=list(LABEL_TYPE))
    return pa.ListArray.from_arrays(paths.offsets, structs)


def product_table(columns: Mapping[str, pa.Array], length: int) -> pa.Table:
    """Return a table with `PRODUCT_SCHEMA`; columns that are not given are missing in every row.

    `id` is made of `source` and `source_id`, `labels` of `source_path` unless it is given.
    """
    filled = dict(columns)
    filled.setdefault("id", pc.binary_join_element_wise(filled["source"], filled["source_id"], ":"))
    if "labels" not in filled and "source_path" in filled:
        filled["labels"] = given_labels(filled["source_path"], filled["source"])
    arrays = [
        filled[field.name].cast(field.type) if field.name in filled else pa.nulls(length, field.type)
        for field in PRODUCT_SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=PRODUCT_SCHEMA)


def stable_ids(column: pa.Array | None, file: str, lines: NDArray[np.int64]) -> pa.Array:
    """Return the ids, and 'file:line' for each row that has none."""
    made = pc.binary_join_element_wise(pa.array(lines).cast(pa.string()), pa.scalar(""), "")
    made = pc.binary_join_element_wise(pa.scalar(file), made, ":")
    return made if column is None else pc.coalesce(clean(column), made)


#: file and line of a row
Place = tuple[str, int]


@dataclass(frozen=True)
class ColumnMap:
    """Turns the cells of one file's rows into products; `source` names rows that name none themselves."""

    columns: Columns
    source: str
    file: str

    def products(self, cells: Mapping[str, pa.Array], lines: NDArray[np.int64]) -> pa.Table:
        """Return products of text columns; `cells` has every column of the map, `lines` one number a row."""
        columns = self.columns
        values = {name: clean(cells[name]) for name in columns.names() if name != columns.path}
        name = pa.repeat(pa.scalar(self.source), len(lines))
        filled: dict[str, pa.Array] = {
            "source": pc.coalesce(values[columns.platform], name) if columns.platform else name,
            "source_id": stable_ids(values.get(columns.id or ""), self.file, lines),
            "file": pa.repeat(pa.scalar(self.file), len(lines)),
            "line": pa.array(lines),
        }
        for role, column in (("title", columns.title), ("ocr", columns.ocr), ("image_ref", columns.image)):
            if column is not None:
                filled[role] = values[column]
        if columns.labels:
            filled["source_path"] = join_levels([values[label] for label in columns.labels])
        elif columns.path:
            marked = pc.replace_substring(cells[columns.path], columns.separator, PATH_MARK)
            filled["source_path"] = split_path(marked, PATH_MARK)
        return product_table(filled, len(lines))

    def batch(
        self, rows: Sequence[Row], names: Sequence[str], contents: Sequence[bytes | None] | None = None
    ) -> Batch:
        """Return the batch of rows whose cells stand under `names`; rows of another width are refused.

        `contents` are the rows' image bytes where the source holds the images itself.
        """
        good: list[int] = []
        rejects = []
        for index, row in enumerate(rows):
            problem = row.problem or wrong_row(row.cells, len(names))
            if problem is None:
                good.append(index)
            else:
                value = row.text if row.text is not None else "\t".join(row.cells)
                rejects.append(
                    Reject(INGEST, self.source, problem, file=self.file, line=row.line, value=value)
                )
        cells = {
            name: pa.array([rows[index].cells[names.index(name)] for index in good], pa.string())
            for name in self.columns.names()
        }
        lines = np.array([rows[index].line for index in good], dtype=np.int64)
        kept = None if contents is None else [contents[index] for index in good]
        return Batch(self.products(cells, lines), rejects, kept)


def wrong_row(cells: Sequence[str], width: int) -> str | None:
    """Return why a row cannot be taken in, or `None`."""
    if len(cells) != width:
        return f"the row has {len(cells)} fields, the header has {width}"
    if any("\x00" in cell for cell in cells):
        return "a field contains a NUL character"
    return None


def refuse_repeated_ids(
    table: pa.Table, rows: NDArray[np.int64] | None = None, first: dict[str, Place] | None = None
) -> tuple[pa.Table, list[Reject]]:
    """Keep the first row of every id and refuse rows of it at other places, naming the place of the first.

    `rows` are the rows, in order, whose ids may occur more than once; without them, they are looked for in
    the table. `first` holds the places of ids in earlier tables, and gets those of this one.
    """
    rows = _repeated(table["id"]) if rows is None else rows
    first = {} if first is None else first
    keep = np.ones(table.num_rows, dtype=bool)
    rejects = []
    suspects = table.select(["id", "source", "source_id", "file", "line"]).take(pa.array(rows, pa.int64()))
    for row, value in zip(rows.tolist(), suspects.to_pylist(), strict=True):
        here = (value["file"], value["line"])
        there = first.setdefault(value["id"], here)
        if there != here:
            keep[row] = False
            reason = f"the id is already used by {there[0]}, line {there[1]}"
            rejects.append(
                Reject(INGEST, value["source"], reason, None, here[0], here[1], "id", value["source_id"])
            )
    return (table.filter(pa.array(keep)) if rejects else table), rejects


def _repeated(ids: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the rows, in order, of ids that occur more than once."""
    codes = ids.combine_chunks().dictionary_encode().indices.to_numpy()
    return np.flatnonzero(np.bincount(codes)[codes] > 1) if len(codes) else np.zeros(0, dtype=np.int64)
