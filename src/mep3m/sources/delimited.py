"""Rows of CSV, TSV and JSON-lines files: tolerant of broken ones, bounded in memory."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from mep3m.sources.lines import FileLine

#: characters of one cell; a quoted cell that is longer is taken for a quote that was never closed
CELL_LIMIT = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row; `problem` says why it cannot be read, and then `cells` is empty."""

    line: int
    cells: list[str]
    problem: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class DecodedLine:
    """One decoded line, or the reason why it is none."""

    number: int
    text: str
    problem: str | None = None


def decode_lines(lines: Iterator[FileLine], encoding: str) -> Iterator[DecodedLine]:
    """Decode each line; a line that is too long or in another encoding carries its problem."""
    for line in lines:
        if line.problem:
            yield DecodedLine(line.number, line.content.decode(encoding, "replace"), line.problem)
            continue
        try:
            yield DecodedLine(line.number, line.content.decode(encoding))
        except UnicodeDecodeError as error:
            text = line.content.decode(encoding, "replace")
            yield DecodedLine(line.number, text, f"not {encoding}: byte {error.start} of the line is wrong")


def tsv_rows(lines: Iterator[DecodedLine]) -> Iterator[Row]:
    """Yield tab-separated rows; a quote is a character like any other."""
    for line in lines:
        if line.problem:
            yield Row(line.number, [], line.problem, line.text)
        elif line.text:
            yield Row(line.number, line.text.split("\t"))


def csv_rows(lines: Iterator[DecodedLine], delimiter: str = ",") -> Iterator[Row]:
    """Yield rows separated by `delimiter`, with double quotes (RFC 4180), quoted line breaks included.

    A quote that is never closed costs only the line it stands on: the lines after it are read again.
    """
    csv.field_size_limit(CELL_LIMIT)
    waiting = lines
    while (first := next(waiting, None)) is not None:
        if first.problem:
            yield Row(first.number, [], first.problem, first.text)
            continue
        if '"' not in first.text:
            if first.text:
                yield Row(first.number, first.text.split(delimiter))
            continue
        row, back = _quoted_row(first, waiting, delimiter)
        if back:
            waiting = itertools.chain(back, waiting)
        yield row


def _quoted_row(
    first: DecodedLine, waiting: Iterator[DecodedLine], delimiter: str
) -> tuple[Row, list[DecodedLine]]:
    """Return the row that starts on `first`, and the lines to read again where it is broken."""
    used: list[DecodedLine] = []

    def feed() -> Iterator[str]:
        yield first.text + "\n"
        for line in waiting:
            used.append(line)
            if line.problem:
                return
            yield line.text + "\n"

    try:
        return Row(first.number, next(csv.reader(feed(), delimiter=delimiter, strict=True))), []
    except csv.Error as error:
        if not used and "limit" not in str(error) and "end of data" not in str(error):
            return Row(first.number, next(csv.reader([first.text], delimiter=delimiter))), []
        return Row(first.number, [], "a quote is opened and never closed", first.text), used


def json_rows(lines: Iterator[DecodedLine], names: list[str], mark: str) -> Iterator[Row]:
    """Yield the cells `names` of one JSON object a line; lists are joined with `mark`."""
    for line in lines:
        if line.problem or not line.text.strip():
            if line.problem:
                yield Row(line.number, [], line.problem, line.text)
            continue
        yield _json_row(line, names, mark)


def _json_row(line: DecodedLine, names: list[str], mark: str) -> Row:
    try:
        value = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        return Row(line.number, [], f"not JSON: {error}", line.text)
    if not isinstance(value, dict):
        return Row(line.number, [], f"a JSON {type(value).__name__}, not an object", line.text)
    cells = []
    for name in names:
        cell = cell_text(value.get(name), mark)
        if cell is None:
            return Row(line.number, [], f"'{name}' is an object, not text", line.text)
        cells.append(cell)
    return Row(line.number, cells)


def cell_text(value: object, mark: str) -> str | None:
    """Return a JSON value as the text of a cell: lists joined with `mark`, null empty, objects `None`."""
    if isinstance(value, dict):
        return None
    if isinstance(value, list):
        return mark.join(str(item) for item in value)
    return "" if value is None else str(value)
