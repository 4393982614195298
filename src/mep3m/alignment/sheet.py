"""A table that a person edits: read whatever an editor or spreadsheet saved, change cells, write TSV.

Spreadsheets change the encoding (a BOM, UTF-16, GB 18030), the separator, the line ends and the
quoting, pad comment lines, cut empty cells at the end of rows and add empty rows: all of that is
read. Columns that somebody added are kept when the table is written again. A cell that a spreadsheet would
take for a formula is written with an apostrophe before it, which is taken off again when it is read.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mep3m.errors import FormatError, NotFoundError
from mep3m.store.filesystem import atomic_write

ENCODINGS = ("utf-8-sig", "gb18030")
SEPARATORS = "\t,;"
#: how a cell begins that a spreadsheet takes for a formula, whose text could then do anything
FORMULA = re.compile("'*[=+\\-@＝＋－＠]")


@dataclass
class Sheet:
    """A table with its comment lines; `rows` are cells by column, `lines` where each row began.

    `line` counts from 1 and includes comment lines and the header, as an editor shows it.
    """

    comments: list[str]
    columns: list[str]
    rows: list[dict[str, str]]
    lines: list[int] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield (line, cells by column) of each row."""
        return iter(zip(self.lines, self.rows, strict=True))

    def write(self, path: Path) -> None:
        """Write UTF-8, tabs, plain line ends; the file appears whole or not at all.

        `lines` is set to where the rows stand in the new file.
        """
        with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            file.writelines(comment + "\n" for comment in self.comments)
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(self.columns)
            for row in self.rows:
                writer.writerow([cell_text(row.get(column, "")) for column in self.columns])
        self.lines = [len(self.comments) + 2 + i for i in range(len(self.rows))]


def read_sheet(path: Path, required: Sequence[str]) -> Sheet:
    """Read a table whose header names at least the `required` columns.

    Raises:
        NotFoundError: the file or a required column does not exist.
        FormatError: it is no text table, a column occurs twice, or a row has too many cells.
    """
    lines = io.StringIO(read_text(path), newline="").readlines()
    start = 0
    while start < len(lines) and (lines[start].lstrip('"').startswith("#") or not lines[start].strip()):
        start += 1
    if start == len(lines):
        raise FormatError(f"{path} has no header line; it must name: {', '.join(required)}")
    separator = max(SEPARATORS, key=lines[start].count)
    reader = csv.reader(lines[start:], delimiter=separator)
    records = _records(path, reader, start)
    columns = _header(path, next(records), required)
    sheet = Sheet([_comment(line) for line in lines[:start] if line.strip()], columns, [])
    problems: list[str] = []
    begin = start + reader.line_num + 1
    for cells in records:
        cells = [_from_text(cell.strip()) for cell in cells]
        unclosed = "".join(lines[begin - 1 : start + reader.line_num]).count('"') % 2 == 1
        if any(separator in cell and (unclosed or "\n" in cell) for cell in cells):
            problems.append(f'line {begin}: a quote (") is opened and not closed before the next row')
        elif any(cells[len(columns) :]):
            problems.append(f"line {begin}: {len(cells)} cells, but the header has {len(columns)}")
        elif any(cells):
            sheet.rows.append(dict(zip(columns, cells + [""] * len(columns), strict=False)))
            sheet.lines.append(begin)
        begin = start + reader.line_num + 1
    if problems:
        raise FormatError(f"{path} cannot be used:\n  " + "\n  ".join(problems[:20]))
    return sheet


def _records(path: Path, reader: Any, start: int) -> Iterator[list[str]]:
    """Yield the cells of each record; `start` lines stand before the first.

    Raises:
        FormatError: a cell is longer than the limit of the csv module.
    """
    begin = start + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            raise FormatError(
                f'{path}: line {begin}: a quote (") is opened and not closed, or a cell has more than '
                f"{csv.field_size_limit():,} characters"
            ) from None
        if cells is None:
            return
        yield cells
        begin = start + reader.line_num + 1


def read_text(path: Path) -> str:
    """Return the text of a file as a person's editor or spreadsheet saved it.

    UTF-8 (with or without a byte order mark), UTF-16 with its mark, and GB 18030 where the bytes read
    as Chinese: they could mean something in GB 18030 almost always.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is a workbook, or text in none of these.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError(f"{path} is not a file") from None
    if data.startswith(b"PK\x03\x04"):
        raise FormatError(f"{path} is a workbook, not text; save it as 'text, tab separated' (UTF-8)")
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    place = 0
    for encoding in ("utf-16",) if utf16 else ENCODINGS:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError as error:
            place = place or error.start
        else:
            if encoding != "gb18030" or _chinese(text):
                return text
    raise FormatError(f"{path} is neither UTF-8, UTF-16 nor GB 18030 text (byte {place}); save it as UTF-8")


def _chinese(text: str) -> bool:
    """Say whether most characters beyond ASCII are everyday Chinese ones (those of GB 2312)."""
    beyond = [character for character in text if character > "\x7f"]
    everyday = sum(bool(character.encode("gb2312", "ignore")) for character in beyond)
    return 2 * everyday >= len(beyond)


def _header(path: Path, cells: list[str], required: Sequence[str]) -> list[str]:
    columns = [cell.strip() for cell in cells]
    while columns and not columns[-1]:
        columns.pop()
    missing = [column for column in required if column not in columns]
    if missing:
        raise NotFoundError(f"{path}: no column '{missing[0]}'; the header has: {', '.join(columns)}")
    twice = [column for i, column in enumerate(columns) if column in columns[:i]]
    if twice:
        raise FormatError(f"{path}: the header names the column '{twice[0]}' twice; keep one")
    return columns


def _comment(line: str) -> str:
    """Return a comment line without the quotes and separators a spreadsheet put around it."""
    text = line.strip("\r\n")
    if text.startswith('"'):
        separator = max(SEPARATORS, key=text.count)
        return next(csv.reader([text], delimiter=separator))[0]
    return text.rstrip(SEPARATORS)


def cell_text(value: str) -> str:
    """Return the text of a cell: on one line, and nothing that a spreadsheet would compute."""
    line = one_line(value)
    return f"'{line}" if FORMULA.match(line) else line


def _from_text(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def one_line(value: str) -> str:
    """Return the text without tabs and line ends, which would break the table."""
    return " ".join(value.split()) if any(mark in value for mark in "\t\n\r") else value
