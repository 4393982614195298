"""Sheets as they come back: through .xlsx, .csv and .tsv, with odd ids, from two people of one name."""

import csv
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from mep3m.desk.outcome.sheet import NONE, UNSURE, read_filled, write_sheet
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.errors import FormatError
from tests.cli.runner import ran
from tests.desk.bare import bare
from tests.desk.filled import UNSURE as TITLES
from tests.desk.filled import Filled, category, items


def printable(text: str) -> bool:
    return text == text.strip() and all(unicodedata.category(one)[0] not in "CZ" for one in text)


IDS = st.lists(st.text(min_size=1, max_size=8).filter(printable), min_size=1, max_size=6, unique=True)


def filled_in(sheet: Path, out: Path, values: list[str]) -> Path:
    """Write values into the column 'category', and save as the name says."""
    book = load_workbook(sheet)
    for row, value in enumerate(values, start=2):
        book.worksheets[0].cell(row, 7).value = value
    if out.suffix == ".xlsx":
        book.save(out)
        return out
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if out.suffix == ".tsv" else ",")
        writer.writerows(book.worksheets[0].iter_rows(values_only=True))
    return out


@settings(max_examples=25, deadline=None)
@given(IDS)
@example(["007", "7", "1e5", "1.0", "=1+1", "@x", "-5", "+5", "TRUE", "#N/A", "'a"])
@example(["'=1", "'@x", "'+5", "'-5", "=1"])
def test_ids_come_back_from_a_workbook_as_they_were(ids: list[str]) -> None:
    with bare(ids) as reviewing:
        sheet = reviewing.folder.path / "todo.xlsx"
        assert write_sheet(reviewing, sheet) == len(ids)
        said, refused = read_filled(
            filled_in(sheet, sheet.with_name("li.xlsx"), [NONE] * len(ids)), reviewing
        )
        assert refused == []
        assert said == dict.fromkeys(items(reviewing), ItemVerdict("none"))


@pytest.mark.parametrize("ending", [".xlsx", ".csv", ".tsv"])
def test_every_kind_of_sheet_says_the_same(reviewing: Reviewing, tmp_path: Path, ending: str) -> None:
    write_sheet(reviewing, tmp_path / "todo.xlsx")
    phone, shown = category(reviewing, "数码", "手机"), "数码 > 手机"
    values = [shown, shown.upper(), f" {shown} ", "手机", NONE.title(), UNSURE, "", "数码>手机"]
    said, refused = read_filled(
        filled_in(tmp_path / "todo.xlsx", tmp_path / f"li{ending}", values), reviewing
    )
    assert list(said.values()) == [
        *[ItemVerdict("category", phone)] * 4,
        ItemVerdict("none"),
        ItemVerdict("unsure"),
    ]
    assert len(refused) == 1
    assert f"li{ending}, G9: '数码>手机' is no category" in refused[0]


def test_a_row_that_was_sorted_or_cut_out_of_a_sheet_is_still_its_product(
    reviewing: Reviewing, tmp_path: Path
) -> None:
    write_sheet(reviewing, tmp_path / "todo.xlsx")
    rows = list(load_workbook(tmp_path / "todo.xlsx").worksheets[0].iter_rows(min_row=2, values_only=True))
    lines = [f"{row[0]},{'手机壳' if number % 2 else '香蕉'}\n" for number, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text("id,category\n" + "".join(lines), encoding="utf-8")
    (tmp_path / "b.csv").write_text("id,category\n" + "".join(reversed(lines[3:])), encoding="utf-8")
    whole, part = (read_filled(tmp_path / name, reviewing)[0] for name in ("a.csv", "b.csv"))
    assert part.items() <= whole.items()
    assert len(part) == len(whole) - 3


@pytest.mark.parametrize(
    "content", ["", "\n", "\ufeff", "id\n", ",,\n", "\x00\x00", "id,category\n\x00,\x00\n"]
)
def test_a_sheet_with_nothing_in_it_is_refused_or_says_nothing(
    reviewing: Reviewing, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(content, encoding="utf-8")
    told = ran("review", "import", reviewing.folder.path, path, "--json")
    assert "empty.csv" in told.err or told.json["recorded"] == {"empty": 0}
    assert reviewing.log.history() == []


def test_a_row_that_cannot_be_read_is_named_and_the_others_are_taken(
    reviewing: Reviewing, tmp_path: Path
) -> None:
    path = tmp_path / "li.csv"
    path.write_bytes('id,category\nN0,手机\nN1,"手机\nN2,手机\n'.encode())
    said, refused = read_filled(path, reviewing)
    assert len(said) == 2
    assert len(refused) == 1
    assert "li.csv, line 3: a quote is opened and never closed" in refused[0]


def test_an_empty_workbook_is_refused(reviewing: Reviewing, tmp_path: Path) -> None:
    Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(FormatError, match=r"empty.xlsx has no column 'id'"):
        read_filled(tmp_path / "empty.xlsx", reviewing)


def test_the_limit_leaves_whole_rows_out(reviewing: Reviewing, tmp_path: Path) -> None:
    assert write_sheet(reviewing, tmp_path / "todo.xlsx", limit=5) == 5
    assert load_workbook(tmp_path / "todo.xlsx").worksheets[0].max_row == 6
    assert write_sheet(reviewing, tmp_path / "all.xlsx", limit=99) == len(TITLES)


def test_two_files_of_one_person_are_counted_together(
    filled: Filled, reviewing: Reviewing, tmp_path: Path
) -> None:
    files = []
    for number, folder in enumerate(("monday", "tuesday")):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / "anna.csv")
        rows = "".join(f"N{number * 5 + n},手机\n" for n in range(3 + number))
        files[-1].write_text(f"id,category\n{rows}", encoding="utf-8")
    told = ran("review", "import", filled.folder, *files, "--json")
    assert told.json["recorded"] == {"anna": 7}
    assert reviewing.log.of_person("anna") == 7


def test_what_was_corrected_in_a_sheet_replaces_what_it_said(filled: Filled, reviewing: Reviewing) -> None:
    path = filled.folder.parent / "anna.csv"
    for value, new in (("手机", 1), ("苹果", 1), ("苹果", 0), ("手机", 1)):
        path.write_text(f"id,category\nN0,{value}\n", encoding="utf-8")
        told = ran("review", "import", filled.folder, path, "--json")
        assert (told.code, told.json["recorded"]) == (0, {"anna": new})
    assert json.loads(json.dumps(reviewing.log.history()))[0]["category"] == category(
        reviewing, "数码", "手机"
    )
    assert len(reviewing.log.history()) == 3
