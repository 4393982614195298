"""Spreadsheets through a column map: the sheet and the header row named or found, images in cells taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mep3m.errors import FormatError, NotFoundError, did_you_mean
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import BATCH_ROWS, Batch, Part
from mep3m.sources.columns import ColumnMap
from mep3m.sources.delimited import Row
from mep3m.sources.spreadsheets.workbook import HEADER_ROWS, SheetRow, Workbook, find_header, header_names
from mep3m.sources.spreadsheets.workbook_xml import DISPIMG, CellImages, read_image

#: rows that travel together where their images do
IMAGE_ROWS = 200


@dataclass(frozen=True)
class SpreadsheetSource:
    """One sheet of a workbook; a product's line is the number of its row, as the spreadsheet shows it."""

    path: Path
    name: str
    columns: Columns = field(default_factory=Columns)
    sheet: str | None = None
    header_row: int | None = None
    image_bytes: int = 20 * 2**20
    missing: tuple[str, ...] = ()

    def files(self) -> list[Path]:
        """Return the workbook."""
        return [self.path]

    @cached_property
    def _place(self) -> tuple[str, SheetRow]:
        """The sheet and its header row.

        Raises:
            NotFoundError: there is no such sheet or row, or the columns of the map are in no header.
            FormatError: no sheet holds anything.
        """
        book = Workbook(self.path)
        names = [book.named(self.sheet)] if self.sheet else book.sheets
        wanted = self.columns.names()
        seen: list[tuple[str, SheetRow]] = []
        for name in names:
            rows = list(book.rows(name, max(HEADER_ROWS, self.header_row or 0)))
            if self.header_row is not None:
                rows = [row for row in rows if row.number == self.header_row]
            header = find_header(rows, wanted)
            if header is not None and set(wanted) <= set(header_names(header)):
                return name, header
            seen += [(name, header)] if header is not None else []
        if not seen:
            where = f" in row {self.header_row}" if self.header_row else ""
            raise FormatError(f"{self.path}: no sheet holds anything{where}")
        sheet, header = seen[0]
        missing = next(column for column in wanted if column not in header_names(header))
        raise NotFoundError(
            f"{self.path} has no column '{missing}' (sheet '{sheet}', header in row {header.number})"
            f"{did_you_mean(missing, header_names(header))}"
        )

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return header_names(self._place[1])

    @property
    def described(self) -> tuple[dict[str, str | int], tuple[str, ...]]:
        """What was chosen, as settings and in words."""
        sheet, header = self._place
        others = [name for name in Workbook(self.path).sheets if name != sheet]
        more = f"; not read: {', '.join(map(repr, others))}" if others else ""
        return {"sheet": sheet, "header_row": header.number}, (
            f"sheet '{sheet}', header in row {header.number}{more}",
        )

    def parts(self) -> list[Part]:
        """Return the sheet as one part: a workbook can only be read as a whole.

        Raises:
            FormatError: the header names a column of the map twice.
        """
        twice = next((name for name in self.columns.names() if self.header.count(name) > 1), None)
        if twice is not None:
            raise FormatError(f"{self.path}: the header names the column '{twice}' twice; rename one of them")
        return [Part(self.path.name)]

    def rows(self) -> Iterator[Row]:
        """Yield every row below the header."""
        sheet, header = self._place
        names = self.header
        taken = [names.index(name) for name in self.columns.names()]
        for row in Workbook(self.path).rows(sheet):
            if row.number > header.number:
                yield _table_row(row, names, taken)

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products, with the bytes of the images that stand in their rows."""
        mapping = ColumnMap(self.columns, self.name, part.file, self.missing)
        images = CellImages(self.path, self._place[0])
        rows = self.rows()
        if not images:
            while chunk := list(itertools.islice(rows, BATCH_ROWS)):
                yield mapping.batch(chunk, self.header)
            return
        with images.open() as bundle:
            while chunk := list(itertools.islice(rows, IMAGE_ROWS)):
                members = [self._images_of(row, images) for row in chunk]
                contents = [
                    read_image(bundle, of_row[0], self.image_bytes) if of_row else None for of_row in members
                ]
                yield mapping.batch(chunk, self.header, contents)

    def _images_of(self, row: Row, images: CellImages) -> list[str]:
        """Return the members of a row's images: those in the image column first."""
        own = self.header.index(self.columns.image) if self.columns.image else -1
        over = sorted(images.by_row.get(row.line - 1, ()), key=lambda image: (image[0] != own, image[0]))
        ids = [match["id"] for cell in row.cells if (match := DISPIMG.match(cell))]
        inside = [images.by_id[one] for one in ids if one in images.by_id]
        return inside + [member for _, member in over]


def _table_row(row: SheetRow, names: Sequence[str], taken: Sequence[int]) -> Row:
    """Return a row's cells under the header, or why it cannot be taken in."""
    cells = (row.cells + [""] * len(names))[: len(names)]
    if row.heading:
        return Row(
            row.number, [], "a heading merged over several columns, not a row of the table", row.cells[0]
        )
    problem = next((f"column '{names[i]}': {row.problems[i]}" for i in taken if i in row.problems), None)
    return Row(row.number, [] if problem else cells, problem, "\t".join(cells) if problem else None)


def open_spreadsheet(entry: SourceEntry, path: Path) -> SpreadsheetSource:
    """Return the sheet of a project's `[[sources]]` entry."""
    return SpreadsheetSource(
        path, entry.name, entry.columns, entry.sheet, entry.header_row, entry.limits.max_bytes, entry.missing
    )
