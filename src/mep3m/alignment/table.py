"""The plain tables that alignment reads: tabs or commas between cells, one line a row, a header."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mep3m.alignment.sheet import SEPARATORS, read_text
from mep3m.errors import FormatError, NotFoundError


def read_rows(path: Path, required: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line from 1, row) of a TSV file with a header; a row is one line.

    Where the header has no tab, commas or semicolons stand between the cells, as it says. Quotes that a
    spreadsheet put around a whole cell are taken off; others belong to the name. A row
    with the wrong number of cells comes with its fault under the key '' and what it has.

    Raises:
        NotFoundError: the file or a required column does not exist.
        FormatError: it is no text (`sheet.read_text`), or the header names a column twice.
    """
    lines = read_text(path).replace("\r\n", "\n").split("\n")
    separator = "\t" if "\t" in lines[0] else max(SEPARATORS, key=lines[0].count)
    header = _row(lines[0], separator)
    if not any(header):
        raise FormatError(f"{path} has no header line; it must name: {', '.join(required)}")
    missing = [column for column in required if column not in header]
    if missing:
        raise NotFoundError(
            f"{path}: no column '{missing[0]}'; the header (tabs or commas between names) has: "
            f"{', '.join(header)}"
        )
    if twice := [name for name, count in Counter(header).items() if name and count > 1]:
        raise FormatError(f"{path}: the header names the column '{twice[0]}' twice; keep one")
    for number, text in enumerate(lines[1:], start=2):
        if not text.strip():
            continue
        cells = _row(text, separator)
        row = dict(zip(header, cells + [""] * (len(header) - len(cells)), strict=False))
        if len(cells) > len(header):
            row[""] = f"{len(cells)} cells, the header has {len(header)}"
        yield number, row


def _row(line: str, separator: str) -> list[str]:
    if separator != "\t":
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
        except csv.Error:
            return [line]  # which is no row of the table and refused as such
    return [_unquoted(cell.strip()) for cell in line.split("\t")]


def _unquoted(cell: str) -> str:
    """Return a cell without the quotes that a spreadsheet put around it (those inside are doubled)."""
    inner = cell[1:-1]
    if len(cell) < 2 or cell[0] + cell[-1] != '""' or '"' in inner.replace('""', ""):
        return cell
    return inner.replace('""', '"').strip()
