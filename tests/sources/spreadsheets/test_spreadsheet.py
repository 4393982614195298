"""Spreadsheets as people keep them."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from openpyxl import load_workbook

from mep3m.errors import FormatError, NotFoundError
from mep3m.settings.sources import SourceEntry
from mep3m.sources.catalogue import open_source
from mep3m.sources.spreadsheets.spreadsheet import SpreadsheetSource
from mep3m.store.rejects import Reject
from tests.cli.runner import ran
from tests.ingest.shop import write_images
from tests.sources.spreadsheets.workbooks import HEADER, add_images, add_wps_images, write_ods, write_xlsx

COLUMNS = {"id": "id", "title": "title", "labels": ["category"]}
ROWS = [("S1", "oak table", "Home"), ("S2", "pine rug", "Home")]


def source(path: Path, **more: Any) -> SpreadsheetSource:
    opened = open_source(
        SourceEntry.parse({"name": "s", "path": str(path), "columns": COLUMNS, **more}, "test")
    )
    assert isinstance(opened, SpreadsheetSource)
    return opened


def read(path: Path, **more: Any) -> tuple[pa.Table, list[Reject], list[bytes | None]]:
    opened = source(path, **more)
    batches = [batch for part in opened.parts() for batch in opened.read(part)]
    contents = [content for batch in batches for content in batch.contents or ()]
    return (
        pa.concat_tables([batch.products for batch in batches]),
        [reject for batch in batches for reject in batch.rejects],
        contents,
    )


def ids(path: Path, **more: Any) -> list[str]:
    return list(read(path, **more)[0]["source_id"].to_pylist())


@pytest.mark.parametrize("ending", ["xlsx", "xlsm"])
def test_a_table_with_its_header_in_the_first_row(tmp_path: Path, ending: str) -> None:
    table, rejects, _ = read(write_xlsx(tmp_path / f"a.{ending}", [HEADER, *ROWS]))
    assert table["source_id"].to_pylist() == ["S1", "S2"]
    assert table["source_path"].to_pylist() == [["Home"], ["Home"]]
    assert table["line"].to_pylist() == [2, 3]
    assert not rejects


def test_an_opendocument_sheet(tmp_path: Path) -> None:
    assert ids(write_ods(tmp_path / "a.ods", [HEADER, *ROWS])) == ["S1", "S2"]


@pytest.mark.parametrize(
    ("before", "row"),
    [([], 1), ([("Export of 2024",), ()], 3), ([(), (), ("price list", "", "")], 4), ([(1, 2, 3)], 2)],
)
def test_the_header_row_is_found_by_its_columns(tmp_path: Path, before: list[Any], row: int) -> None:
    opened = source(write_xlsx(tmp_path / "a.xlsx", [*before, HEADER, *ROWS]))
    assert opened.described[0] == {"sheet": "Products", "header_row": row}
    assert [one.line for one in opened.rows()] == [row + 1, row + 2]


def test_the_sheet_is_found_by_its_columns_and_the_others_are_named(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [("read me",)], "Notes", Data=[HEADER, *ROWS])
    opened = source(path)
    assert opened.described == (
        {"sheet": "Data", "header_row": 1},
        ("sheet 'Data', header in row 1; not read: 'Notes'",),
    )
    assert ids(path) == ["S1", "S2"]


@pytest.mark.parametrize("sheet", ["Data", "2"])
def test_a_sheet_can_be_named_by_name_or_number(tmp_path: Path, sheet: str) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("X", "x", "x")], Data=[HEADER, *ROWS])
    assert ids(path) == ["X"]
    assert ids(path, sheet=sheet) == ["S1", "S2"]
    with pytest.raises(NotFoundError, match=r"has no sheet 'Dat' \(did you mean 'Data'"):
        ids(path, sheet="Dat")


def test_a_hidden_sheet_is_read_only_when_it_is_named(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("X", "x", "x")], Data=[HEADER, *ROWS])
    book = load_workbook(path)
    book["Products"].sheet_state = "hidden"
    book.active = 1
    book.save(path)
    assert ids(path) == ["S1", "S2"]
    assert ids(path, sheet="Products") == ["X"]


def test_a_header_row_can_be_named(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("x", "y", "z"), HEADER, *ROWS])
    assert ids(path) == ["x", "id", "S1", "S2"]
    assert ids(path, header_row=3) == ["S1", "S2"]
    with pytest.raises(FormatError, match="no sheet holds anything in row 9"):
        ids(path, header_row=9)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0012", "0012"), (6901234567890, "6901234567890"), (12, "12"), (12.0, "12"), (1.5, "1.5"),
        (0.1 + 0.2, "0.3"), (True, "TRUE"), (date(2024, 1, 31), "2024-01-31"),
        (datetime(2024, 1, 31, 8, 5), "2024-01-31 08:05:00"), ("'0012", "0012"), ('="0012"', "0012"),
        (" a ", "a"),
    ],
)  # fmt: skip
def test_values_become_the_text_a_person_sees(tmp_path: Path, value: Any, text: str) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER])
    book = load_workbook(path)
    cell = book.worksheets[0].cell(2, 1)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # ="0012" is text here, not a formula
    book.worksheets[0].cell(2, 2).value = "oak"
    book.save(path)
    assert ids(path) == [text]


def test_leading_zeros_that_only_the_number_format_shows_are_kept(tmp_path: Path) -> None:
    path = write_xlsx(
        tmp_path / "a.xlsx", [HEADER, (12, "oak", "Home"), (12345, "pine", "Home"), (7, "lamp", "x")]
    )
    book = load_workbook(path)
    for cell in ("A2", "A3"):
        book.worksheets[0][cell].number_format = "0000"
    book.save(path)
    assert ids(path) == ["0012", "12345", "7"]


@pytest.mark.parametrize(
    ("value", "kind", "reason"),
    [
        (690123456789012345, None, "column 'id': the number 6.90123456789012e+17 has more than 15 digits"),
        ("#N/A", "e", "column 'id': the cell holds an error"),
        ("=B2", "f", "column 'id': the cell holds a formula that was never computed"),
    ],
)
def test_a_value_that_cannot_be_known_is_refused_with_its_row(
    tmp_path: Path, value: Any, kind: str | None, reason: str
) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ROWS[0], (value, "pine", "Home")])
    if kind is not None:
        book = load_workbook(path)
        book.worksheets[0]["A3"].data_type = kind
        book.save(path)
    table, rejects, _ = read(path)
    assert table["source_id"].to_pylist() == ["S1"]
    (reject,) = rejects
    assert reject.reason.startswith(reason)
    assert reject.line == 3


def test_an_unknown_value_in_a_column_that_is_not_taken_refuses_nothing(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [(*HEADER, "stock"), (*ROWS[0], 690123456789012345)])
    assert ids(path) == ["S1"]


def test_merged_cells_are_filled_downwards(tmp_path: Path) -> None:
    rows = [HEADER, ("S1", "oak", "Home"), ("S2", "pine", None), ("S3", "lamp", None), ("S4", "rug", "Floor")]
    path = write_xlsx(tmp_path / "a.xlsx", rows)
    book = load_workbook(path)
    book.worksheets[0].merge_cells("C2:C4")
    book.save(path)
    assert read(path)[0]["source_path"].to_pylist() == [["Home"], ["Home"], ["Home"], ["Floor"]]


def test_a_heading_merged_over_the_table_is_no_product(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, ("Spring",), ROWS[0]])
    book = load_workbook(path)
    book.worksheets[0].merge_cells("A2:C2")
    book.save(path)
    table, (reject,), _ = read(path)
    assert table["source_id"].to_pylist() == ["S1"]
    assert (reject.line, reject.value) == (2, "Spring")


def test_empty_rows_are_left_out_and_keep_their_numbers(tmp_path: Path) -> None:
    table, rejects, _ = read(write_xlsx(tmp_path / "a.xlsx", [(), HEADER, (), ROWS[0], (), (), ROWS[1]]))
    assert table["line"].to_pylist() == [4, 7]
    assert not rejects


def test_images_over_cells_are_the_products_images(tmp_path: Path) -> None:
    files = sorted(write_images(tmp_path / "images", range(3)).iterdir())
    path = write_xlsx(tmp_path / "a.xlsx", [(*HEADER, "photo"), *ROWS, ("S3", "lamp", "Light")])
    add_images(path, {"D2": files[0], "D4": files[1]})
    _, _, contents = read(path)
    assert [content is not None for content in contents] == [True, False, True]
    assert contents[0] != contents[2]


def test_of_several_images_in_a_row_that_in_the_image_column_comes_first(tmp_path: Path) -> None:
    files = sorted(write_images(tmp_path / "images", range(2)).iterdir())
    path = write_xlsx(tmp_path / "a.xlsx", [(*HEADER, "logo", "photo"), ROWS[0]])
    add_images(path, {"D2": files[0], "E2": files[1]})
    first = read(path)[2]
    own = read(path, columns={**COLUMNS, "image": "photo"})[2]
    assert first != own
    assert own[0] is not None


def test_images_in_cells_as_wps_keeps_them(tmp_path: Path) -> None:
    (file,) = write_images(tmp_path / "images", range(1)).iterdir()
    path = write_xlsx(tmp_path / "a.xlsx", [(*HEADER, "photo"), (*ROWS[0], "x"), ROWS[1]])
    book = load_workbook(path)
    cell = book.worksheets[0]["D2"]
    cell.value, cell.data_type = '=DISPIMG("ID_1",1)', "s"
    book.save(path)
    add_wps_images(path, {"ID_1": file})
    assert read(path)[2] == [file.read_bytes(), None]


def test_what_is_no_workbook_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("id,title\n")
    with pytest.raises(FormatError, match=r"a\.xlsx is not a spreadsheet"):
        ids(tmp_path / "a.xlsx")
    with pytest.raises(FormatError, match="no sheet holds anything"):
        ids(write_xlsx(tmp_path / "b.xlsx", []))


def test_a_missing_column_names_the_sheet_the_row_and_the_nearest(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [("Title", "id", "category"), ROWS[0]])
    with pytest.raises(
        NotFoundError, match=r"no column 'title' \(sheet 'Products', header in row 1\).*'Title'"
    ):
        ids(path)


def test_a_column_named_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="names the column 'title' twice"):
        ids(write_xlsx(tmp_path / "a.xlsx", [(*HEADER, "title"), ROWS[0]]))


def test_ingest_says_which_sheet_it_took(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "a.xlsx", [("Export",), HEADER, *ROWS], Other=[("x",)])
    found = ran(
        "ingest", path, "--id", "id", "--title", "title", "--labels", "category", "--store", tmp_path / "s",
        "--header-row", "2", "--sheet", "Products",
    )  # fmt: skip
    assert found.code == 0, found
    assert "sheet 'Products', header in row 2; not read: 'Other'" in found.err
    assert "2 products" in found.out


def test_inspect_says_what_would_be_refused_of_a_spreadsheet(tmp_path: Path) -> None:
    rows = [(f"S{i}", f"oak table {i}", "Home") for i in range(12)]
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, *rows, (690123456789012345, "pine shelf", "Home")])
    found = ran("inspect", path, "--json")
    assert found.code == 1
    assert found.json["settings"] == {"sheet": "Products", "header_row": 1}
    assert [one["line"] for one in found.json["refusals"]] == [14]
