"""Tables: CSV, TSV, JSON lines and Parquet through a column map."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mep3m.errors import FormatError, NotFoundError, UsageError, did_you_mean
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import Columns, SourceEntry, TableFormat, TableSettings
from mep3m.sources.base import BATCH_ROWS, Batch, Part
from mep3m.sources.columns import PATH_MARK, ColumnMap, refuse_repeated_ids
from mep3m.sources.delimited import Row, csv_rows, decode_lines, json_rows, tsv_rows
from mep3m.sources.format_names import named_format, says_nothing
from mep3m.sources.lines import check_encoding, detect_encoding, open_bytes, read_lines
from mep3m.store.rejects import Reject

#: bytes of one part of a file whose rows are lines
PART_BYTES = 64 * 2**20


def table_format(path: Path) -> TableFormat:
    """Return the format that a file's name says; `.gz` at the end is looked through.

    Raises:
        UsageError: the name says nothing.
    """
    allowed: tuple[TableFormat, ...] = get_args(TableFormat)
    by_name = named_format(path)
    for table in allowed:
        if table == by_name:
            return table
    raise UsageError(says_nothing(path, allowed))


def read_products(
    path: Path,
    columns: Columns,
    source: str | None = None,
    encoding: str | None = None,
    table: TableFormat | None = None,
) -> tuple[pa.Table, list[Reject]]:
    """Read a whole table: products with `PRODUCT_SCHEMA`, and what was refused.

    The label columns of a row become its `labels` (category = the cell's text, origin 'given') and
    its `source_path`; an empty cell is no label at that level. A row without an id gets
    'file:line'. The later of two rows with one id is refused.

    Raises:
        NotFoundError: there is no such file, or a column of the map is not in it.
        FormatError: the file is empty or not in the format.
    """
    settings = TableSettings(columns=columns, source=source, encoding=encoding, format=table)
    reader = TableSource(path, settings)
    tables: list[pa.Table] = []
    rejects: list[Reject] = []
    for part in reader.parts():
        for batch in reader.read(part):
            tables.append(batch.products)
            rejects.extend(batch.rejects)
    products, repeated = refuse_repeated_ids(pa.concat_tables(tables or [PRODUCT_SCHEMA.empty_table()]))
    return products, rejects + repeated


@dataclass(frozen=True)
class TableSource:
    """One table file, read through a column map."""

    path: Path
    settings: TableSettings
    part_bytes: int | None = None

    @cached_property
    def format(self) -> TableFormat:
        """The format set, or the one that the file's name says."""
        return self.settings.format or table_format(self.path)

    @cached_property
    def encoding(self) -> str:
        """The encoding set, or the one found by reading."""
        if self.settings.encoding:
            return check_encoding(self.settings.encoding)
        return detect_encoding(self.path)

    @property
    def name(self) -> str:
        """The platform's name for rows whose table has no column for it."""
        return self.settings.source or self.path.name.split(".")[0]

    @property
    def map(self) -> ColumnMap:
        """What turns this table's cells into products."""
        return ColumnMap(self.settings.columns, self.name, self.path.name)

    def files(self) -> list[Path]:
        """Return the one file."""
        return [self.path]

    @cached_property
    def header(self) -> list[str]:
        """The names of the table's columns.

        Raises:
            FormatError: the file is empty or not in the format.
            NotFoundError: there is no such file.
        """
        if self.format == "parquet":
            return list(self._parquet().schema_arrow.names)
        if self.format == "jsonl":
            return self._json_names()
        first = next(self._rows(Part(self.path.name), with_header=True), None)
        if first is None or first.problem:
            raise FormatError(f"{self.path} has no header line: {first.problem if first else 'it is empty'}")
        return [name.strip() for name in first.cells]

    def parts(self) -> list[Part]:
        """Return byte ranges of whole lines; one part for CSV (a row may span lines) and for `.gz`."""
        self._check_columns()
        if self.format == "parquet":
            return self._row_groups()
        if self.format == "csv" or self.path.suffix == ".gz":
            return [Part(self.path.name)]
        return list(line_parts(self.path, self.part_bytes or PART_BYTES))

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of one part."""
        if self.format == "parquet":
            yield from self._read_parquet(part)
            return
        rows = self._rows(part)
        names = self.settings.columns.names() if self.format == "jsonl" else self.header
        while chunk := list(itertools.islice(rows, BATCH_ROWS)):
            yield self.map.batch(chunk, names)

    def _check_columns(self) -> None:
        for name in self.settings.columns.names():
            if name not in self.header:
                raise NotFoundError(f"{self.path} has no column '{name}'{did_you_mean(name, self.header)}")

    def _parquet(self) -> pq.ParquetFile:
        with open_bytes(self.path) as file:
            if not file.read(1):
                raise FormatError(f"{self.path} is empty")
        try:
            return pq.ParquetFile(self.path)
        except pa.ArrowException as error:
            raise FormatError(f"{self.path} is not a Parquet file: {error}") from error

    def _json_names(self) -> list[str]:
        """Return the keys of the first thousand objects, in the order they appear."""
        names: dict[str, None] = {}
        for line in itertools.islice(read_lines(self.path), 1000):
            if line.number == 1 and line.content.lstrip().startswith(b"["):
                raise FormatError(f"{self.path} is one JSON array, not one object a line; use --format mep3m")
            try:
                value = orjson.loads(line.content)
            except orjson.JSONDecodeError:
                continue
            names.update(dict.fromkeys(value if isinstance(value, dict) else ()))
        if not names:
            raise FormatError(f"{self.path} holds no JSON object in its first 1,000 lines")
        return list(names)

    def _rows(self, part: Part, with_header: bool = False) -> Iterator[Row]:
        lines = decode_lines(read_lines(self.path, part.start, part.stop, part.line), self.encoding)
        if self.format == "jsonl":
            yield from json_rows(lines, self.settings.columns.names(), PATH_MARK)
            return
        rows = csv_rows(lines) if self.format == "csv" else tsv_rows(lines)
        if part.start == 0 and not with_header:
            next(rows, None)
        yield from rows

    def _row_groups(self) -> list[Part]:
        metadata = self._parquet().metadata
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        before = [0, *itertools.accumulate(sizes)]
        return [Part(self.path.name, i, i + 1, before[i] + 1) for i in range(len(sizes))]

    def _read_parquet(self, part: Part) -> Iterator[Batch]:
        line = part.line
        names = self.settings.columns.names()
        classes = class_names(self._parquet().schema_arrow)
        groups = list(range(part.start, part.stop))
        for batch in self._parquet().iter_batches(BATCH_ROWS, groups, columns=names):
            lines = np.arange(line, line + batch.num_rows, dtype=np.int64)
            line += batch.num_rows
            columns = {name: batch.column(name) for name in names}
            contents = None
            image = self.settings.columns.image
            if image is not None and pa.types.is_struct(columns[image].type):
                columns[image], contents = embedded_images(columns[image])
            cells = {
                name: text_cells(named(columns[name], classes.get(name)), name, self.path) for name in names
            }
            yield Batch(self.map.products(cells, lines), [], contents)


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the names of integer class columns, which the datasets library keeps in the metadata."""
    try:
        features = orjson.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: list(value["names"]) for name, value in features.items() if value.get("names")}
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError):
        return {}


def named(column: pa.Array, names: list[str] | None) -> pa.Array:
    """Return class names for class numbers; a number without a name (-1: no label) is missing."""
    if not names or not pa.types.is_integer(column.type):
        return column
    known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(names)))
    return pa.array(names, pa.string()).take(pc.if_else(known, column, pa.scalar(None, column.type)))


def embedded_images(column: pa.StructArray) -> tuple[pa.Array, list[bytes | None]]:
    """Return the paths and the bytes of a column of images in the form {bytes, path}."""
    fields = {field.name: column.field(i) for i, field in enumerate(column.type)}
    missing = pa.nulls(len(column), pa.string())
    contents = fields["bytes"].to_pylist() if "bytes" in fields else [None] * len(column)
    return fields.get("path", missing), contents


def text_cells(column: pa.Array, name: str, where: Path | str) -> pa.Array:
    """Return an Arrow column as text; a list column becomes one text a row with marks between.

    Raises:
        FormatError: it holds neither text nor numbers; `where` is how the message calls the table.
    """
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return pc.binary_join(column.cast(pa.list_(pa.string())), PATH_MARK)
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise FormatError(f"{where}: column '{name}' holds {column.type}, not text or numbers") from error


def line_parts(path: Path, size: int) -> Iterator[Part]:
    """Yield byte ranges of about `size` bytes that begin at line starts, with their line numbers."""
    start, line = 0, 1
    with open_bytes(path) as file:
        total = path.stat().st_size
        while start < total:
            content = file.read(size)
            lines = content.count(b"\n")
            stop = start + len(content)
            tail = content
            while tail and not tail.endswith(b"\n"):  # to the end of the last line, in pieces
                tail = file.readline(size)
                stop += len(tail)
                lines += tail.count(b"\n")
            yield Part(path.name, start, stop, line)
            start, line = stop, line + lines


def open_table(entry: SourceEntry, path: Path) -> TableSource:
    """Return the table of a project's `[[sources]]` entry."""
    settings = TableSettings.parse(
        {"columns": entry.columns, "format": entry.format, "encoding": entry.encoding, "source": entry.name},
        entry.path,
    )
    takes_images = entry.image_root is not None or entry.fetch.enabled
    return TableSource(path, settings, entry.part_bytes or (2**18 if takes_images else None))
