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
from mep3m.sources.cells import without_marks
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


@dataclass(frozen=True)
class ColumnMap:
    """Turns the cells of one file's rows into products; `source` names rows that name none themselves."""

    columns: Columns
    source: str
    file: str

    def products(self, cells: Mapping[str, pa.Array], lines: NDArray[np.int64]) -> pa.Table:
        """Return products of text columns; `cells` has every column of the map, `lines` one number a row."""
        columns = self.columns
        names = [name for name in columns.names() if name != columns.path]
        values = {name: clean(without_marks(cells[name])) for name in names}
        name = pa.repeat(pa.scalar(self.source), len(lines))
        found: dict[str, pa.Array] = {
            "source": pc.coalesce(values[columns.source], name) if columns.source else name,
            "source_id": stable_ids(values.get(columns.id or ""), self.file, lines),
            "file": pa.repeat(pa.scalar(self.file), len(lines)),
            "line": pa.array(lines),
        }
        for role, column in (("title", columns.title), ("ocr", columns.ocr), ("image_ref", columns.image)):
            if column is not None:
                found[role] = values[column]
        if columns.labels:
            found["source_path"] = join_levels([values[label] for label in columns.labels])
        elif columns.path:
            marked = pc.replace_substring(cells[columns.path], columns.separator, PATH_MARK)
            found["source_path"] = split_path(marked, PATH_MARK)
        return product_table(found, len(lines))

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


def refuse_repeated_ids(table: pa.Table) -> tuple[pa.Table, list[Reject]]:
    """Keep the first row of every id and refuse the later ones, naming the place of the first."""
    ids = table["id"].combine_chunks().dictionary_encode()
    codes = ids.indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    if len(first) == len(codes):
        return table, []
    first_of = np.zeros(len(first), dtype=np.int64)
    first_of[codes[first]] = first
    again = np.flatnonzero(first_of[codes] != np.arange(len(codes)))
    place = table.select(["source", "source_id", "file", "line"])
    rejects = []
    for row in again.tolist():
        original = place.slice(int(first_of[codes[row]]), 1).to_pylist()[0]
        value = place.slice(row, 1).to_pylist()[0]
        reason = f"the id is already used by {original['file']}, line {original['line']}"
        rejects.append(
            Reject(
                INGEST, value["source"], reason, None, value["file"], value["line"], "id", value["source_id"]
            )
        )
    keep = np.ones(len(codes), dtype=bool)
    keep[again] = False
    return table.filter(pa.array(keep)), rejects
