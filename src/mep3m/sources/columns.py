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
from mep3m.sources.cells import CATEGORY_MARK, PATH_MARK, without_marks
from mep3m.sources.delimited import Row
from mep3m.sources.names import one_spelling, plain_text
from mep3m.store.rejects import INGEST, Reject
from mep3m.taxonomy import PATH_SEPARATOR

#: the stage under which the further categories of a product are kept
FURTHER = "further categories"


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
    return without_empty(split_names(column, separator))


def split_names(column: pa.Array, separator: str) -> pa.ListArray:
    """Return the names of a path column as lists, trimmed; an empty name is missing."""
    lists = pc.split_pattern(pc.fill_null(column, ""), separator)
    start = lists.offsets[0].as_py()
    offsets = lists.offsets if not start else pc.subtract(lists.offsets, start)
    return pa.ListArray.from_arrays(offsets, clean(lists.flatten()))


def without_empty(lists: pa.ListArray) -> pa.ListArray:
    """Return lists without their missing items."""
    names = lists.values
    if not names.null_count:
        return lists
    keep = names.is_valid().to_numpy(zero_copy_only=False)
    before = np.concatenate([[0], np.cumsum(keep)])
    offsets = before[lists.offsets.to_numpy()].astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), names.filter(pa.array(keep)))


def gaps(lists: pa.ListArray) -> NDArray[np.bool_]:
    """Say which lists have a missing item between two others, (n,)."""
    offsets = lists.offsets.to_numpy()
    valid = lists.values.is_valid().to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(lists)), np.diff(offsets))[valid]
    places = np.flatnonzero(valid)
    inside = np.zeros(len(lists), dtype=bool)
    inside[rows[1:][(rows[1:] == rows[:-1]) & (np.diff(places) > 1)]] = True
    return inside


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
    """Turns the cells of one file's rows into products; `source` names rows that name none themselves.

    `missing` are class names that stand for none. `decoded` says that HTML's entities are decoded already.
    """

    columns: Columns
    source: str
    file: str
    missing: tuple[str, ...] = ()
    decoded: bool = False

    def products(
        self, cells: Mapping[str, pa.Array], lines: NDArray[np.int64], paths: pa.ListArray | None = None
    ) -> pa.Table:
        """Return products of text columns; `cells` has every column of the map, `lines` one number a row.

        `paths` are the names of the path column where they are split already.
        """
        columns = self.columns
        single = [name for name in columns.names() if name != columns.path]
        values = {name: clean(without_marks(cells[name])) for name in single}
        name = pa.repeat(pa.scalar(self.source), len(lines))
        mapped: dict[str, pa.Array] = {
            "source": pc.coalesce(values[columns.platform], name) if columns.platform else name,
            "source_id": stable_ids(values.get(columns.id or ""), self.file, lines),
            "file": pa.repeat(pa.scalar(self.file), len(lines)),
            "line": pa.array(lines),
        }
        for role, column in (("title", columns.title), ("ocr", columns.ocr), ("image_ref", columns.image)):
            if column is not None:
                mapped[role] = self._plain(values[column]) if role == "title" else values[column]
        if columns.labels:
            mapped["source_path"] = join_levels([self._names(values[label]) for label in columns.labels])
        elif columns.path:
            paths = split_path(cells[columns.path], PATH_MARK) if paths is None else without_empty(paths)
            names = one_spelling(paths.values, self.missing)
            mapped["source_path"] = pa.ListArray.from_arrays(paths.offsets, names)
            if names.null_count:
                mapped["source_path"] = cut_paths(mapped["source_path"])
        return product_table(mapped, len(lines))

    def _names(self, level: pa.Array) -> pa.Array:
        return one_spelling(self._plain(level), self.missing)

    def _plain(self, column: pa.Array) -> pa.Array:
        return column if self.decoded else plain_text(column)

    def take(
        self,
        cells: Mapping[str, pa.Array],
        lines: NDArray[np.int64],
        contents: Sequence[bytes | None] | None = None,
    ) -> Batch:
        """Return the batch of rows of text columns; a path with an empty name inside it is refused.

        The first of several categories is the product's, the others are kept in quarantine.
        """
        path = self.columns.path
        if path is None:
            return Batch(self.products(cells, lines), [], contents)
        texts, further = self._first_category(self._plain(cells[path]))
        paths = split_names(texts, PATH_MARK)
        if not paths.values.null_count or not (broken := gaps(paths)).any():
            products = self.products(cells, lines, paths)
            return Batch(products, self._kept(products, further), contents)
        rejects = [
            self._refused(int(lines[row]), texts[row].as_py()) for row in np.flatnonzero(broken).tolist()
        ]
        keep = pa.array(~broken)
        products = self.products(
            {name: column.filter(keep) for name, column in cells.items()},
            lines[~broken],
            split_names(texts.filter(keep), PATH_MARK),
        )
        kept = (
            None if contents is None else [one for one, bad in zip(contents, broken, strict=True) if not bad]
        )
        rejects += self._kept(products, further and further.filter(keep))
        return Batch(products, rejects, kept)

    def _refused(self, line: int, path: str) -> Reject:
        value = path.replace(PATH_MARK, self.columns.separator.replace(PATH_MARK, ">"))
        reason = "the path has an empty name between two others; write every name"
        return Reject(INGEST, self.source, reason, None, self.file, line, self.columns.path, value)

    def _first_category(self, column: pa.Array) -> tuple[pa.Array, pa.Array | None]:
        """Return the first path of each row, marks between its names, and the others, or `None`."""
        texts = pc.fill_null(column, "")
        if self.columns.lists == "categories":
            texts = pc.replace_substring(texts, PATH_MARK, CATEGORY_MARK)
        further = None
        if pc.any(pc.match_substring(texts, CATEGORY_MARK)).as_py():
            halves = [text.partition(CATEGORY_MARK) for text in texts.to_pylist()]
            texts = pa.array([first for first, _, _ in halves], pa.string())
            further = pa.array([rest or None for _, _, rest in halves], pa.string())
        separator = self.columns.separator
        if separator == PATH_MARK:
            return texts, further
        marked = pc.replace_substring(texts, separator, PATH_MARK)
        is_list = pc.match_substring(texts, PATH_MARK)  # its names may hold the separator
        return pc.if_else(is_list, texts, marked) if pc.any(is_list).as_py() else marked, further

    def _kept(self, products: pa.Table, further: pa.Array | None) -> list[Reject]:
        if further is None:
            return []
        rejects = []
        ids, lines = products["id"].to_pylist(), products["line"].to_pylist()
        for row, text in enumerate(further.to_pylist()):
            for category in text.split(CATEGORY_MARK) if text else ():
                path = PATH_SEPARATOR.join(name for name in category.split(PATH_MARK) if name.strip())
                reason = "a further category of the product; its first one is taken"
                rejects.append(
                    Reject(FURTHER, self.source, reason, ids[row], self.file, lines[row], "category", path)
                )
        return rejects

    def batch(
        self, rows: Sequence[Row], names: Sequence[str], contents: Sequence[bytes | None] | None = None
    ) -> Batch:
        """Return the batch of rows whose cells stand under `names`; rows of another width are refused.

        `contents` are the rows' image bytes where the source holds the images itself.
        """
        width = len(names)
        problems = [row.problem or wrong_row(row.cells, width) for row in rows]
        rejects = [
            Reject(INGEST, self.source, problem, file=self.file, line=row.line, value=_written(row))
            for row, problem in zip(rows, problems, strict=True)
            if problem
        ]
        good = [row for row, problem in zip(rows, problems, strict=True) if not problem] if rejects else rows
        table = list(zip(*[row.cells for row in good], strict=True)) or [()] * width
        cells = {name: pa.array(table[names.index(name)], pa.string()) for name in self.columns.names()}
        lines = np.array([row.line for row in good], dtype=np.int64)
        kept = contents
        if contents is not None and rejects:
            kept = [one for one, problem in zip(contents, problems, strict=True) if not problem]
        batch = self.take(cells, lines, kept)
        return Batch(batch.products, rejects + batch.rejects, batch.contents)


def cut_paths(paths: pa.ListArray) -> pa.ListArray:
    """Return paths without the missing names at their end; a list of nothing else is empty."""
    lists = []
    for names in paths.to_pylist():
        while names and names[-1] is None:
            names.pop()
        lists.append(names)
    return pa.array(lists, pa.list_(pa.string()))


def _written(row: Row) -> str:
    return row.text if row.text is not None else "\t".join(row.cells)


def wrong_row(cells: Sequence[str], width: int) -> str | None:
    """Return why a row cannot be taken in, or `None`."""
    if len(cells) != width:
        return f"the row has {len(cells)} fields, the header has {width}"
    if "\x00" in "".join(cells):
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
