"""A spreadsheet to decide in: titles, small pictures, the choices as a list; and what was filled in, read."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mep3m.desk.outcome.training_rows import table_file
from mep3m.desk.reviewing.categories import Categories, plain
from mep3m.desk.reviewing.pictures import thumbnail
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.exports.rows import ending
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import PATH_SEPARATOR

COLUMNS = ("id", "platform", "title", "picture", "text in the picture", "suggestions", "category")
#: what a sheet may end in
KINDS = (".xlsx", ".csv", ".tsv")
NONE, UNSURE = "none of these", "unsure"
#: what people read and write for a verdict that names no category
WORDS = {"none": NONE, "unsure": UNSURE}
#: rows of one sheet for people, and the height of a picture in it, in pixels
MOST, HEIGHT = 5000, 72
_WIDTHS = (14, 12, 60, 14, 30, 50, 40)
_ITEMS = (
    "SELECT id, own_id, platform, title, ocr, answer FROM items WHERE queue = 'review' AND waits = 1 "
    "ORDER BY cluster, id LIMIT ?"
)


def write_sheet(reviewing: Reviewing, to: Path, limit: int = MOST) -> int:
    """Write what waits for review, similar products beside each other; return how many rows.

    A workbook has pictures and a list of the categories to choose from, a .csv or .tsv texts alone.

    Raises:
        UsageError: nothing waits, or the name ends in something else than `KINDS`.
    """
    kind = ending(to, KINDS)
    rows = reviewing.database.read.execute(_ITEMS, (limit,)).fetchall()
    if not rows:
        raise UsageError(f"nothing waits for review in {reviewing.folder.path}")
    if kind == ".xlsx":
        _write_workbook(reviewing, to, rows)
        return len(rows)
    with table_file(to, COLUMNS) as write:
        for row in rows:
            write([[*_texts(row), None]])
    return len(rows)


def _texts(row: Any) -> tuple[str | None, ...]:
    """Return the cells of a product before the one to fill in."""
    return row["own_id"], row["platform"], row["title"], None, row["ocr"], _suggestions(row["answer"])


def _write_workbook(reviewing: Reviewing, to: Path, rows: Sequence[Any]) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet, lists = book.worksheets[0], book.create_sheet("categories")
    sheet.title, sheet.freeze_panes = "review", "A2"
    sheet.append(COLUMNS)
    for place, width in enumerate(_WIDTHS):
        sheet.cell(1, place + 1).font = Font(bold=True)
        sheet.column_dimensions[_letter(place)].width = width
    texts = [NONE, UNSURE, *(one.shown for one in reviewing.categories.choices)]
    for number, text in enumerate(texts, start=1):
        _set(lists, number, 1, text)
    allowed = DataValidation("list", formula1=f"categories!$A$1:$A${len(texts)}", allow_blank=True)
    allowed.error = "Take one of the list"
    sheet.add_data_validation(allowed)
    for number, row in enumerate(rows, start=2):
        for column, told in enumerate(_texts(row), start=1):
            _set(sheet, number, column, told)
            sheet.cell(number, column).alignment = Alignment(wrap_text=True, vertical="top")
        if _picture(sheet, f"D{number}", thumbnail(reviewing, row["id"], HEIGHT)):
            sheet.row_dimensions[number].height = HEIGHT * 0.8
    allowed.add(f"G2:G{len(rows) + 1}")
    with atomic_write(to) as temporary:
        book.save(temporary)


def _set(sheet: Any, row: int, column: int, text: str | None) -> None:
    """Write a text that stays one: no formula, no letter that a workbook cannot hold."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if text:
        cell = sheet.cell(row, column)
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)[:32_000]
        cell.data_type = "s"


def _picture(sheet: Any, place: str, content: bytes | None) -> bool:
    from openpyxl.drawing.image import Image

    if content is None:
        return False
    sheet.add_image(Image(io.BytesIO(content)), place)
    return True


def _suggestions(answer: str | None) -> str:
    told = json.loads(answer or "{}").get("top") or ()
    return "\n".join(f"{PATH_SEPARATOR.join(one['names'])} ({one['probability']:.0%})" for one in told)


def read_filled(path: Path, reviewing: Reviewing) -> tuple[dict[int, ItemVerdict], list[str]]:
    """Return what a filled-in sheet (.xlsx, or its rows as .csv or .tsv) says of items, and what was refused.

    Empty cells are left for later. What is refused is named with its cell.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is no such sheet.
    """
    kind = ending(path, KINDS)
    if not path.exists():
        raise NotFoundError(f"{path} does not exist; 'mep3m review export' writes a sheet to fill in")
    refused: list[str] = []
    rows = _workbook(path) if kind == ".xlsx" else _text(path, refused)
    header = [str(cell or "").strip() for cell in next(rows, [])]
    if missing := [name for name in ("id", "category") if name not in header]:
        raise FormatError(f"{path} has no column '{missing[0]}'; fill in what 'mep3m review export' wrote")
    places = {name: header.index(name) for name in ("id", "platform", "category") if name in header}
    items = {
        (row["platform"], row["own_id"]): row["id"]
        for row in reviewing.database.read.execute(
            "SELECT id, platform, own_id FROM items WHERE queue = 'review'"
        )
    }
    said: dict[int, ItemVerdict] = {}
    categories = reviewing.categories
    for number, row in enumerate(rows, start=2):
        cells = {name: _cell(row, place) for name, place in places.items()}
        if not cells["category"]:
            continue
        where = f"{path.name}, {_letter(places['category'])}{number}"
        keys = [(cells.get("platform", ""), one) for one in (cells["id"], _unquoted(cells["id"]))]
        item = next((items[key] for key in keys if key in items), None)
        one = said_by(cells["category"], categories)
        if item is None:
            refused.append(
                f"{path.name}, {_letter(places['id'])}{number}: no product '{cells['id']}' waits here"
            )
        elif one is None:
            near = categories.find(cells["category"].split(PATH_SEPARATOR)[-1], 1)
            hint = f"; did you mean '{near[0].shown}'?" if near else ""
            refused.append(f"{where}: '{cells['category']}' is no category, '{NONE}' or '{UNSURE}'{hint}")
        elif said.get(item, one) != one:
            refused.append(f"{where}: '{cells['id']}' occurs twice, with another category before")
        else:
            said[item] = one
    return said, refused


def said_by(text: str, categories: Categories) -> ItemVerdict | None:
    """Return what a cell says: a whole path, a name that only one category has, or one of the two words."""
    word = plain(text)
    if word in (NONE, UNSURE):
        return ItemVerdict("none" if word == NONE else "unsure")
    found = categories.by_text.get(word)
    return None if found is None else ItemVerdict("category", found.id)


def _cell(row: Sequence[Any], place: int) -> str:
    value = row[place] if place < len(row) else None
    if isinstance(value, float) and value.is_integer():  # a spreadsheet makes numbers of ids
        value = int(value)
    return "" if value is None else str(value).strip()


def _unquoted(text: str) -> str:
    """Return an id without the quote that a spreadsheet sets before what looks like a formula."""
    return text.removeprefix("'") if text[:2] in ("'=", "'@", "'+", "'-") else text


def _workbook(path: Path) -> Iterator[list[Any]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        yield from book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        raise FormatError(f"{path} is no workbook ({error}); save it as .xlsx") from None


def _text(path: Path, refused: list[str]) -> Iterator[list[Any]]:
    from mep3m.settings.sources import TableSettings
    from mep3m.sources.tables import TableSource

    # a spreadsheet quotes the cells of its .tsv that hold line ends, as those of the suggestions do
    source = TableSource(path, TableSettings(delimiter="\t" if path.suffix.lower() == ".tsv" else None))
    yield source.header
    for row in source.rows():
        if row.problem is not None:
            refused.append(f"{path.name}, line {row.line}: {row.problem}")
        yield list(row.cells)


def _letter(place: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(place + 1)
