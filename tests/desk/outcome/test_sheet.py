"""Deciding in a spreadsheet: a list to choose from, pictures, cells that are refused, two people merged."""

from pathlib import Path

import pytest
from openpyxl import load_workbook
from PIL import Image

from mep3m.desk.intake.incoming import ProductTable
from mep3m.desk.intake.take import Arrival, Draw, take
from mep3m.desk.outcome.sheet import NONE, UNSURE, read_filled, write_sheet
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from mep3m.errors import FormatError, NotFoundError, UsageError
from tests.cli.runner import ran
from tests.desk.filled import UNSURE as TITLES
from tests.desk.filled import Filled, items


def fill(sheet: Path, out: Path, values: dict[int, str]) -> Path:
    """Write values into the column 'category' of rows (2 is the first) and save as another file."""
    book = load_workbook(sheet)
    for row, value in values.items():
        book.worksheets[0].cell(row, 7).value = value
    book.save(out)
    return out


@pytest.fixture
def sheet(reviewing: Reviewing, tmp_path: Path) -> Path:
    write_sheet(reviewing, tmp_path / "todo.xlsx")
    return tmp_path / "todo.xlsx"


def test_a_sheet_has_every_waiting_product_and_a_list_of_all_categories(sheet: Path) -> None:
    book = load_workbook(sheet)
    review, lists = book.worksheets
    assert [cell.value for cell in review[1]][-1] == "category"
    assert review.max_row == len(TITLES) + 1
    assert {cell.value for cell in review["C"][1:]} == set(TITLES)
    allowed = [cell.value for cell in lists["A"]]
    assert allowed[:2] == [NONE, UNSURE]
    assert "数码 > 手机" in allowed
    [rule] = review.data_validations.dataValidation
    assert rule.formula1 == f"categories!$A$1:$A${len(allowed)}"
    assert str(rule.sqref) == f"G2:G{len(TITLES) + 1}"
    assert "%" in review["F2"].value


def test_pictures_lie_in_their_cells(filled: Filled, tmp_path: Path) -> None:
    Image.new("RGB", (400, 300), "red").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    path = tmp_path / "shop.tsv"
    rows = ["N1\t苹果 手机 一\ta.png", "N2\t苹果 手机 二\tb.png", "N3\t苹果 手机 三\t../../../etc/passwd"]
    path.write_text("sku\ttitle\tphoto\n" + "\n".join(rows) + "\n", encoding="utf-8")
    table = ProductTable(path, {"id": "sku", "title": "title", "image": "photo"})
    with opened_reviewing(filled.folder) as reviewing:
        batch = Arrival.of_answers(filled.answers(table), filled.run, table)
        take(reviewing, batch, Draw(share=0), filled.run.classifier.tree, None)
        assert write_sheet(reviewing, tmp_path / "todo.xlsx") == 3
    images = load_workbook(tmp_path / "todo.xlsx").worksheets[0]._images
    assert len(images) == 1
    assert images[0].width <= 72


def test_what_is_filled_in_is_recorded_once(filled: Filled, reviewing: Reviewing, sheet: Path) -> None:
    anna = fill(sheet, sheet.with_name("anna.xlsx"), {2: "数码 > 手机", 3: "手机壳", 4: NONE, 5: " Unsure "})
    told = ran("review", "import", filled.folder, anna, "--json")
    assert (told.code, told.json["recorded"]) == (0, {"anna": 4})
    assert ran("review", "import", filled.folder, anna, "--json").json["recorded"] == {"anna": 0}
    history = reviewing.log.history()
    assert {one["how"] for one in history} == {"sheet anna.xlsx"}
    assert sorted(one["verdict"] for one in history) == ["category", "category", "none", "unsure"]


def test_a_value_that_is_no_category_is_refused_with_its_cell(filled: Filled, sheet: Path) -> None:
    anna = fill(sheet, sheet.with_name("anna.xlsx"), {2: "手机", 3: "手鸡", 5: "=1+1"})
    told = ran("review", "import", filled.folder, anna, "--person", "li")
    assert told.code == 1
    assert "li: 1 new decision\n" in told.out
    assert "anna.xlsx, G3: '手鸡' is no category, 'none of these' or 'unsure'" in told.err


def test_two_people_are_merged_and_where_they_disagree_is_listed(filled: Filled, sheet: Path) -> None:
    anna = fill(sheet, sheet.with_name("anna.xlsx"), {2: "手机", 3: "手机", 4: "手机"})
    ben = fill(sheet, sheet.with_name("ben.xlsx"), {2: "手机", 3: "苹果", 4: NONE})
    told = ran("review", "import", filled.folder, anna, ben)
    assert told.code == 1
    assert "anna: 3 new decisions\nben: 3 new decisions" in told.out
    assert "on 2 products people disagree" in told.err
    assert "anna says 数码 > 手机, ben says 食品 > 苹果" in told.err


def test_rows_of_another_file_and_of_no_product_are_refused(reviewing: Reviewing, tmp_path: Path) -> None:
    path = tmp_path / "li.csv"
    path.write_text("id,category\nN0,手机\nN999,手机\nN0,苹果\n", encoding="utf-8")
    said, refused = read_filled(path, reviewing)
    assert len(said) == 1
    assert refused == [
        "li.csv, A3: no product 'N999' waits here",
        "li.csv, B4: 'N0' occurs twice, with another category before",
    ]


def test_ids_that_a_spreadsheet_made_numbers_of_are_found(filled: Filled, tmp_path: Path) -> None:
    path = tmp_path / "numbers.tsv"
    path.write_text("sku\ttitle\n12\t苹果 手机\n", encoding="utf-8")
    table = ProductTable(path, {"id": "sku", "title": "title"})
    with opened_reviewing(filled.folder) as reviewing:
        batch = Arrival.of_answers(filled.answers(table), filled.run, table)
        take(reviewing, batch, Draw(share=0), filled.run.classifier.tree, None)
        write_sheet(reviewing, tmp_path / "todo.xlsx")
        book = load_workbook(tmp_path / "todo.xlsx")
        book.worksheets[0]["A2"].value, book.worksheets[0]["G2"].value = 12, "手机"
        book.save(tmp_path / "li.xlsx")
        assert list(read_filled(tmp_path / "li.xlsx", reviewing)[0]) == items(reviewing)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("gone.xlsx", None, NotFoundError),
        ("text.xlsx", "id,category\n", FormatError),
        ("other.csv", "sku,shelf\n1,2\n", FormatError),
        ("li.docx", "", UsageError),
    ],
)
def test_what_is_no_sheet_is_named(
    reviewing: Reviewing, tmp_path: Path, name: str, content: str | None, error: type[Exception]
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(error, match=name):
        read_filled(tmp_path / name, reviewing)
