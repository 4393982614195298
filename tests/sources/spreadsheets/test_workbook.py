"""Cells, header rows, merged ranges and the cells that values alone do not tell."""

import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from mep3m.errors import FormatError, NotFoundError
from mep3m.sources.spreadsheets.workbook import SheetRow, Workbook, cell_text, find_header, header_names, scan
from tests.sources.spreadsheets.workbooks import HEADER, write_ods, write_xlsx


def row(number: int, *cells: str, heading: bool = False) -> SheetRow:
    return SheetRow(number, list(cells), {}, heading)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (-3.0, "-3"),
        (1e14, "100000000000000"),
        (1234.5, "1234.5"),
        (1e-7, "1e-07"),
        (True, "TRUE"),
        (False, "FALSE"),
        (None, ""),
        ("", ""),
        ("  oak  ", "oak"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 23, 59, 1), "2024-02-29 23:59:01"),
        (time(8, 30), "08:30:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
    ],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert cell_text(value) == (text, None)


@pytest.mark.parametrize("value", [10**15, 1e15, -1e15, 6.901234567890124e17, 10**18])
def test_a_number_of_sixteen_digits_cannot_be_known(value: float) -> None:
    text, problem = cell_text(value)
    assert text
    assert problem is not None
    assert "more than 15 digits" in problem
    assert "format the column as text" in problem


def test_the_header_is_the_first_row_with_the_wanted_names() -> None:
    rows = [row(1, "Title", "sku"), row(3, "title", "sku", "x"), row(4, "title", "sku", "y")]
    found = find_header(rows, ["sku", "title"])
    assert found is not None
    assert found.number == 3


@pytest.mark.parametrize(
    ("rows", "number"),
    [
        ([row(1, "Export"), row(2, "id", "title", "price"), row(3, "1", "oak", "9")], 2),
        ([row(1, "id", "id", "id"), row(2, "id", "title", "price"), row(3, "1", "oak", "9")], 2),
        ([row(1, "2024", "1", "2"), row(2, "id", "title", "price")], 2),
        ([row(1, "price list", heading=True), row(2, "title"), row(3, "oak")], 2),
        ([row(5, "id", "title"), row(6, "1", "oak")], 5),
        ([row(1, "1", "2"), row(2, "3", "4")], 1),
    ],
)
def test_without_names_the_header_is_the_first_row_that_looks_so(rows: list[SheetRow], number: int) -> None:
    found = find_header(rows, [])
    assert found is not None
    assert found.number == number


def test_no_rows_have_no_header() -> None:
    assert find_header([], ["id"]) is None
    assert find_header([], []) is None


def test_names_stand_on_one_line_and_end_with_the_last() -> None:
    assert header_names(row(1, "Price\nin €", "", " id ", "", "")) == ["Price in €", "", "id"]


def test_rows_know_their_numbers_and_columns_keep_their_places(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [(), (), (None, "id", "title"), (), (None, "1", "oak")])
    rows = list(Workbook(path).rows("Products"))
    assert [(one.number, one.cells) for one in rows] == [(3, ["", "id", "title"]), (5, ["", "1", "oak"])]


def test_no_more_rows_than_asked_for(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [(n, "oak") for n in range(1, 100)])
    assert len(list(Workbook(path).rows("Products", 5))) == 5


def test_sheets_that_can_be_read_are_named_in_order(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER], "B", A=[HEADER], C=[HEADER])
    book = load_workbook(path)
    book["A"].sheet_state = "veryHidden"
    book.save(path)
    assert Workbook(path).sheets == ["B", "C"]
    assert Workbook(path).named("A") == "A"
    assert Workbook(path).named("3") == "C"
    for wrong in ("0", "4", "-1", "b", ""):
        with pytest.raises(NotFoundError, match="has no sheet"):
            Workbook(path).named(wrong)


def test_a_sheet_named_by_a_number_comes_before_the_number_of_a_sheet(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER], "2", Other=[HEADER])
    assert Workbook(path).named("2") == "2"
    assert Workbook(path).named("1") == "2"


@pytest.mark.parametrize("ranges", [["A2:A4"], ["A2:B4"], ["A2:A3", "A4:A4"]])
def test_a_merged_range_is_filled_down_its_first_column(tmp_path: Path, ranges: list[str]) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("Home", "x", "1"), (None, None, "2"), (None, None, "3")])
    book = load_workbook(path)
    for one in ranges:
        book.worksheets[0].merge_cells(one)
    book.save(path)
    cells = [one.cells[0] for one in Workbook(path).rows("Products")]
    assert cells == ["id", "Home", "Home", "Home" if ranges != ["A2:A3", "A4:A4"] else ""]


def test_a_merged_range_ends_where_it_ends(tmp_path: Path) -> None:
    rows = [HEADER, ("A", "1", "x"), (None, "2", "x"), (None, "3", "x"), ("B", "4", "x"), (None, "5", "x")]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    book = load_workbook(path)
    book.worksheets[0].merge_cells("A2:A3")
    book.worksheets[0].merge_cells("A5:A6")
    book.save(path)
    assert [one.cells[0] for one in Workbook(path).rows("Products")][1:] == ["A", "A", "", "B", "B"]


def test_only_a_row_of_nothing_else_is_a_heading(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("Spring", None, None), ("S1", None, "x")])
    book = load_workbook(path)
    book.worksheets[0].merge_cells("A2:C2")
    book.worksheets[0].merge_cells("A3:B3")
    book.save(path)
    assert [one.heading for one in Workbook(path).rows("Products")] == [False, True, False]


def sheet_xml(folder: Path, cells: str, styles: str = "") -> tuple[zipfile.ZipFile, str]:
    with zipfile.ZipFile(folder / "a.zip", "w") as bundle:
        bundle.writestr("sheet.xml", f"<sheetData>{cells}</sheetData>")
        if styles:
            bundle.writestr("xl/styles.xml", styles)
    return zipfile.ZipFile(folder / "a.zip"), "sheet.xml"


STYLES = (
    "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='00000'/>"
    "<numFmt numFmtId='165' formatCode='0.00'/></numFmts><cellXfs>"
    "<xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>"
)


@pytest.mark.parametrize(
    ("cell", "place", "problem"),
    [
        ('<c r="A1" t="e"><v>#N/A</v></c>', (0, 0), "error"),
        ('<c r="AB12" s="3" t="e"><v>#REF!</v></c>', (11, 27), "error"),
        ('<c r="C3"><f>A1+B1</f></c>', (2, 2), "never computed"),
        ('<c r="C3"><f>A1+B1</f><v></v></c>', (2, 2), "never computed"),
        ('<c r="C3"><f>A1+B1</f><v/></c>', (2, 2), "never computed"),
        ('<c r="C3" t="str"><f t="shared" si="1"/></c>', (2, 2), "never computed"),
    ],
)
def test_cells_that_cannot_be_known_are_found_in_the_xml(
    tmp_path: Path, cell: str, place: tuple[int, int], problem: str
) -> None:
    bundle, member = sheet_xml(tmp_path, f"<row>{cell}</row>")
    ((found, words),) = scan(bundle, member).problems.items()
    assert found == place
    assert problem in words


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A1"><v>1</v></c>',
        '<c r="A1" t="s"><v>0</v></c>',
        '<c r="C3"><f>A1+B1</f><v>3</v></c>',
        '<c r="C3" t="str"><f>A1</f><v>oak</v></c>',
        '<c r="A1" t="inlineStr"><is><t>t="e"</t></is></c>',
    ],
)
def test_cells_with_a_value_are_no_problem(tmp_path: Path, cell: str) -> None:
    bundle, member = sheet_xml(tmp_path, f"<row>{cell}</row>")
    assert not scan(bundle, member).problems


def test_formats_of_zeros_alone_show_digits(tmp_path: Path) -> None:
    cells = "".join(
        f'<c r="{name}1" s="{style}"><v>12</v></c>' for name, style in zip("ABC", (0, 1, 2), strict=True)
    )
    bundle, member = sheet_xml(tmp_path, f"<row>{cells}</row>", STYLES)
    assert scan(bundle, member).digits == {(0, 1): 5}


def test_a_sheet_is_scanned_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mep3m.sources.spreadsheets.workbook._CHUNK", 50)
    rows = "".join(f'<row><c r="A{n}" t="e"><v>#N/A</v></c></row>' for n in range(1, 40))
    bundle, member = sheet_xml(tmp_path, rows)
    assert list(scan(bundle, member).problems) == [(n, 0) for n in range(39)]


def test_what_is_no_workbook(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 cut off")
    for content in (b"PK\x03\x04 cut off", b"\xd0\xcf\x11\xe0" + bytes(600), b"id,title"):
        (tmp_path / "a.xlsx").write_bytes(content)
        with pytest.raises(FormatError, match="is not a spreadsheet"):
            Workbook(tmp_path / "a.xlsx")
    (tmp_path / "b.xlsx").write_bytes(b"")
    with pytest.raises(FormatError, match="is empty"):
        Workbook(tmp_path / "b.xlsx")
    with pytest.raises(NotFoundError, match="does not exist"):
        Workbook(tmp_path / "c.xlsx")
    with pytest.raises(NotFoundError, match="does not exist"):
        Workbook(tmp_path)


def test_opendocument_rows(tmp_path: Path) -> None:
    path = write_ods(tmp_path / "a.ods", [HEADER, ("0012", "oak", "Home")])
    assert [one.cells for one in Workbook(path).rows("Sheet1")] == [list(HEADER), ["0012", "oak", "Home"]]
