"""Rows of CSV, TSV and JSON-lines files: tolerant of broken ones, bounded in memory."""

from __future__ import annotations

import csv
import itertools
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import orjson

from mep3m.settings.sources import Columns
from mep3m.sources.cells import CellError, record_cell
from mep3m.sources.encodings import BLOCK_LINES, doubtful
from mep3m.sources.lines import NAME_IT, FileLine

#: characters of one cell; a quoted cell that is longer is taken for a quote that was never closed
CELL_LIMIT = 2**20
#: bytes of lines that are decoded together where each is looked at
BLOCK_BYTES = 2**18
LONE_CR = (
    "a carriage return (CR) stands in the row outside quotes, where a row may end; quote the cell, or save "
    "the file with one kind of line end"
)
#: the first line of a Taobao assistant's export
VERSION_LINE = re.compile(r'"?version \d+\.\d+"?[\s,;"]*', re.IGNORECASE)
FOREIGN = f"the line does not read as Chinese in gb18030, as others do; if that is its encoding, {NAME_IT}"


class Row(NamedTuple):
    """The cells of one row; `problem` says why it cannot be read, and then `cells` is empty."""

    line: int
    cells: list[str]
    problem: str | None = None
    text: str | None = None


class DecodedLine(NamedTuple):
    """One decoded line, or the reason why it is none."""

    number: int
    text: str
    problem: str | None = None


def decode_lines(lines: Iterator[FileLine], encoding: str, sure: bool = True) -> Iterator[DecodedLine]:
    """Decode each line; a line that is too long or in another encoding carries its problem.

    Where the encoding is GB18030 because the file reads so (not `sure`), each line must read so too.
    """
    if not sure and encoding == "gb18030":
        yield from _decode_doubted(lines)
        return
    for line in lines:
        if line.problem:
            yield DecodedLine(line.number, line.content.decode(encoding, "replace"), line.problem)
            continue
        try:
            yield DecodedLine(line.number, line.content.decode(encoding))
        except UnicodeDecodeError as error:
            text = line.content.decode(encoding, "replace")
            yield DecodedLine(line.number, text, f"not {encoding}: byte {error.start} of the line is wrong")


def _decode_doubted(lines: Iterator[FileLine]) -> Iterator[DecodedLine]:
    block: list[FileLine] = []
    size = 0
    for line in lines:
        block.append(line)
        size += len(line.content)
        if len(block) == BLOCK_LINES or size > BLOCK_BYTES:
            yield from _decode_block(block)
            block, size = [], 0
    if block:
        yield from _decode_block(block)


def _decode_block(block: list[FileLine]) -> list[DecodedLine]:
    """Decode lines in GB18030 in one go, which gives their check's time back; one by one where one fails.

    Those that are likely in another encoding carry that problem.
    """
    try:  # no character of GB18030 holds the byte of a line end
        text = b"\n".join([line.content for line in block]).decode("gb18030")
    except UnicodeDecodeError:
        decoded = list(decode_lines(iter(block), "gb18030"))
        text = "\n".join([line.text for line in decoded])
    else:
        texts = text.split("\n")
        decoded = [
            DecodedLine(line.number, one, line.problem) for line, one in zip(block, texts, strict=True)
        ]
    for place in np.flatnonzero(doubtful(text)).tolist():
        if not decoded[place].problem:
            decoded[place] = decoded[place]._replace(problem=FOREIGN)
    return decoded


def after_preamble(lines: Iterator[DecodedLine], skip: int) -> Iterator[DecodedLine]:
    """Yield the lines from the header on: `skip` lines and a line such as 'version 1.00' are left out."""
    lines = itertools.islice(lines, skip, None)
    first = next(lines, None)
    if first is None:
        return lines
    return lines if VERSION_LINE.fullmatch(first.text) else itertools.chain([first], lines)


def tsv_rows(lines: Iterator[DecodedLine], empty: bool = False) -> Iterator[Row]:
    """Yield tab-separated rows; a quote is a character like any other. `empty` ones only if wanted."""
    for line in lines:
        if line.problem:
            yield Row(line.number, [], line.problem, line.text)
        elif "\r" in line.text:
            yield Row(line.number, [], LONE_CR, line.text)
        else:
            cells = line.text.split("\t")
            if cells[0].strip() or not is_empty(cells) or (empty and line.text):
                yield Row(line.number, cells)


def csv_rows(lines: Iterator[DecodedLine], delimiter: str = ",", empty: bool = False) -> Iterator[Row]:
    """Yield rows separated by `delimiter`, with double quotes (RFC 4180), quoted line breaks included.

    A quote that is never closed costs only the line it stands on: the lines after it are read again. Rows of
    empty cells are yielded only where `empty` ones are wanted.
    """
    csv.field_size_limit(CELL_LIMIT)
    again: deque[DecodedLine] = deque()
    while (first := again.popleft() if again else next(lines, None)) is not None:
        if first.problem:
            yield Row(first.number, [], first.problem, first.text)
        elif '"' in first.text:
            row, used = _quoted_row(first, again, lines, delimiter)
            again.extendleft(reversed(used))
            if row.problem or empty or not is_empty(row.cells):
                yield row
        elif "\r" in first.text:
            yield Row(first.number, [], LONE_CR, first.text)
        else:
            cells = first.text.split(delimiter)
            if cells[0].strip() or not is_empty(cells) or (empty and first.text):
                yield Row(first.number, cells)


def is_empty(cells: Sequence[str]) -> bool:
    """Whether a row has nothing in its cells, as spreadsheets leave them at the end of a sheet."""
    return not "".join(cells).strip()


def _quoted_row(
    first: DecodedLine, again: deque[DecodedLine], lines: Iterator[DecodedLine], delimiter: str
) -> tuple[Row, list[DecodedLine]]:
    """Return the row that starts on `first`, and the lines to read again where it is broken.

    What follows stands in `again` and then in `lines`.
    """
    used: list[DecodedLine] = []

    def feed() -> Iterator[str]:
        yield first.text + "\n"
        while (line := again.popleft() if again else next(lines, None)) is not None:
            used.append(line)
            if line.problem:
                return
            yield line.text + "\n"

    try:
        return Row(first.number, next(csv.reader(feed(), delimiter=delimiter, strict=True))), []
    except csv.Error as error:
        if "new-line" in str(error):
            return Row(first.number, [], LONE_CR, first.text), []
        if not used and "limit" not in str(error) and "end of data" not in str(error):
            return _lenient_row(first, delimiter), []
        return Row(first.number, [], "a quote is opened and never closed", first.text), used


def _lenient_row(line: DecodedLine, delimiter: str) -> Row:
    """Read one line whose quotes are not as they should be, as spreadsheets do."""
    try:
        return Row(line.number, next(csv.reader([line.text], delimiter=delimiter)))
    except csv.Error as error:
        return Row(line.number, [], LONE_CR if "new-line" in str(error) else f"not CSV: {error}", line.text)


def json_rows(lines: Iterator[DecodedLine], columns: Columns) -> Iterator[Row]:
    """Yield the cells of the column map from one JSON object a line (see `cells`)."""
    names = columns.names()
    for line in lines:
        if line.problem:
            yield Row(line.number, [], line.problem, line.text)
        elif line.text.strip():
            yield _json_row(line, names, columns)


def _json_row(line: DecodedLine, names: Sequence[str], columns: Columns) -> Row:
    try:
        value = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        return Row(line.number, [], f"not JSON: {error}", line.text)
    if not isinstance(value, dict):
        return Row(line.number, [], f"a JSON {type(value).__name__}, not an object", line.text)
    try:
        return Row(line.number, [record_cell(value, name, columns) for name in names])
    except CellError as error:
        return Row(line.number, [], str(error), line.text)
