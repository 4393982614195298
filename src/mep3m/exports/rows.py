"""Rows streamed into the kind of table that a file's name says: CSV, a spreadsheet or Parquet."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.errors import UsageError
from mep3m.store.filesystem import atomic_write

#: takes rows of as many cells as there are columns
WriteRows = Callable[[Sequence[Sequence[Any]]], None]
#: rows of a sheet with its header
SHEET_ROWS = 1_048_576
#: what a spreadsheet would compute, plain numbers aside
_FORMULA = re.compile(r"[=@\t\r]|[+\-](?!\d*[.,]?\d+$)")


def ending(path: Path, allowed: Sequence[str]) -> str:
    """Return the ending of a name that says what is written.

    Raises:
        UsageError: it is not one of those allowed.
    """
    found = path.suffix.lower()
    if found not in allowed:
        said = f"'{found}' is none of them" if found else "it has no ending"
        raise UsageError(
            f"{path}: the name says what is written, and {said}; "
            f"end it in {' or '.join(filter(None, (', '.join(allowed[:-1]), allowed[-1])))}"
        )
    return found


@contextmanager
def row_file(path: Path, schema: pa.Schema) -> Iterator[WriteRows]:
    """Yield what writes rows of texts and numbers into a .csv, .xlsx or .parquet file; it appears whole.

    A text that a spreadsheet would take for a formula is kept a text: in CSV behind an apostrophe.

    Raises:
        UsageError: the name has another ending, or the rows are more than a sheet holds.
    """
    kind = _KINDS[ending(path, tuple(_KINDS))]
    with atomic_write(path) as temporary, kind(temporary, schema) as write:
        yield write


@contextmanager
def _csv(path: Path, schema: pa.Schema) -> Iterator[WriteRows]:
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(schema.names)
        yield lambda rows: writer.writerows([[_safe(cell) for cell in row] for row in rows])


def _safe(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


@contextmanager
def _xlsx(path: Path, schema: pa.Schema) -> Iterator[WriteRows]:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("answers")
    sheet.freeze_panes = "A2"
    sheet.append(schema.names)
    written = 1

    def kept(cell: Any) -> Any:
        if not isinstance(cell, str):
            return cell
        text = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", cell))
        text.data_type = "s"  # never a formula
        return text

    def write(rows: Sequence[Sequence[Any]]) -> None:
        nonlocal written
        written += len(rows)
        if written > SHEET_ROWS:
            raise UsageError(
                f"a sheet holds {SHEET_ROWS - 1:,} rows, and there are more; write .csv or .parquet"
            )
        for row in rows:
            sheet.append([kept(cell) for cell in row])

    yield write
    book.save(path)


@contextmanager
def _parquet(path: Path, schema: pa.Schema) -> Iterator[WriteRows]:
    with pq.ParquetWriter(path, schema) as writer:

        def write(rows: Sequence[Sequence[Any]]) -> None:
            columns = list(zip(*rows, strict=True)) or [()] * len(schema)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write


_KINDS = {".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet}
#: the endings that `row_file` takes
ENDINGS = tuple(_KINDS)
