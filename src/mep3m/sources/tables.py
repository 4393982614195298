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
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mep3m.errors import FormatError, NotFoundError, UsageError, did_you_mean
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import Columns, SourceEntry, TableFormat, TableSettings
from mep3m.sources.base import BATCH_ROWS, Batch, Part
from mep3m.sources.columns import ColumnMap, refuse_repeated_ids
from mep3m.sources.delimited import Row, after_preamble, csv_rows, decode_lines, json_rows, tsv_rows
from mep3m.sources.format_names import named_format, says_nothing
from mep3m.sources.lines import (
    marked_encoding,
    open_bytes,
    open_lines,
    read_lines,
    text_encoding,
)
from mep3m.sources.parquet import class_names, parquet_batch, top_name
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
    #: the encoding where somebody has looked for it already; lines are checked as if it had been found here
    detected: str | None = None

    @cached_property
    def format(self) -> TableFormat:
        """The format set, or the one that the file's name says."""
        return self.settings.format or table_format(self.path)

    @cached_property
    def encoding(self) -> str:
        """The encoding set, or the one found by reading.

        Raises:
            FormatError: nothing says it for sure, or the byte order mark says another than is set.
        """
        return self.detected or text_encoding(self.path, self.settings.encoding)

    @property
    def encoding_read(self) -> str | None:
        """What the file is written in, for a person; `None` for Parquet."""
        return None if self.format == "parquet" else marked_encoding(self.path) or self.encoding

    @property
    def name(self) -> str:
        """The platform's name for rows whose table has no column for it."""
        return self.settings.source or self.path.name.split(".")[0]

    @property
    def map(self) -> ColumnMap:
        """What turns this table's cells into products."""
        return ColumnMap(self.settings.columns, self.name, self.path.name, self.settings.missing)

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
        return [" ".join(name.split()) for name in first.cells]

    def parts(self) -> list[Part]:
        """Return byte ranges of whole lines; one part for CSV (a row may span lines) and for `.gz`."""
        self._check_columns()
        if self.format == "parquet":
            return self._row_groups()
        if self._quoted or self.path.suffix == ".gz" or marked_encoding(self.path) not in (None, "utf-8"):
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

    def rows(self) -> Iterator[Row]:
        """Yield the cells of every row under `header`, whatever the column map takes; for text tables."""
        return self._rows(Part(self.path.name))

    def row_lines(self, known: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ascending lines of all rows below the header, those of nothing but empty cells too.

        `known` are the lines of the rows that were read or refused: the answer, where no row is missing.
        """
        gaps = len(known) and int(known[-1]) - 1 > len(known)
        if not gaps or self.format not in ("csv", "tsv"):
            return known
        return np.array([row.line for row in self._rows(Part(self.path.name), empty=True)], dtype=np.int64)

    @property
    def _quoted(self) -> bool:
        """Whether a quoted cell may span lines; naming a delimiter makes quotes count in TSV too."""
        return self.format == "csv" or self.settings.delimiter is not None

    def _check_columns(self) -> None:
        twice = next((name for name in self.header if name and self.header.count(name) > 1), None)
        if twice:
            raise FormatError(f"{self.path}: the header names the column '{twice}' twice; keep one")
        for name in self.settings.columns.names():
            inner = self.format in ("jsonl", "parquet")
            if (top_name(name, self.header) if inner else name) not in self.header:
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
                value = orjson.loads(line.content.decode(self.encoding, "replace"))
            except orjson.JSONDecodeError:
                continue
            names.update(dict.fromkeys(value if isinstance(value, dict) else ()))
        if not names:
            raise FormatError(f"{self.path} holds no JSON object in its first 1,000 lines")
        return list(names)

    def _rows(self, part: Part, with_header: bool = False, empty: bool = False) -> Iterator[Row]:
        content = read_lines(self.path, part.start, part.stop, part.line)
        lines = decode_lines(content, self.encoding, sure=self.settings.encoding is not None)
        if self.format == "jsonl":
            yield from json_rows(lines, self.settings.columns)
            return
        if part.start == 0:
            lines = after_preamble(lines, self.settings.skip_lines)
        delimiter = self.settings.delimiter or ","
        rows = csv_rows(lines, delimiter, empty) if self._quoted else tsv_rows(lines, empty)
        if part.start == 0 and not with_header:
            next(rows, None)
        yield from rows

    def _row_groups(self) -> list[Part]:
        metadata = self._parquet().metadata
        sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
        before = [0, *itertools.accumulate(sizes)]
        return [Part(self.path.name, i, i + 1, before[i] + 1) for i in range(len(sizes))]

    def _read_parquet(self, part: Part) -> Iterator[Batch]:
        line, columns = part.line, self.settings.columns
        file = self._parquet()
        classes = class_names(file.schema_arrow)
        groups = list(range(part.start, part.stop))
        tops = list(dict.fromkeys(top_name(name, self.header) for name in columns.names()))
        for batch in file.iter_batches(BATCH_ROWS, groups, columns=tops):
            lines = np.arange(line, line + batch.num_rows, dtype=np.int64)
            line += batch.num_rows
            yield parquet_batch(batch, self.map, classes, lines)


def line_parts(path: Path, size: int) -> Iterator[Part]:
    """Yield byte ranges of about `size` bytes that begin at line starts, with their line numbers."""
    start, line = 0, 1
    with open_lines(path) as file:
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
    given = entry.model_dump(include={"columns", "format", "encoding", "missing", "delimiter", "skip_lines"})
    settings = TableSettings.parse({**given, "source": entry.name}, entry.path)
    takes_images = entry.image_root is not None or entry.fetch.enabled
    return TableSource(path, settings, entry.part_bytes or (2**18 if takes_images else None))
