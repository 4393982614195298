"""The section "Where your categories went" and its lines for a terminal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from mep3m.alignment.merging.places import CategoryPlace
from mep3m.evaluation.self_test import Elsewhere, HeldOutLevel, HeldOutPlatform, SelfTest
from mep3m.product import Product, to_table
from mep3m.report.page import Section
from mep3m.report.where_report import Where, unlabelled_lines, where_lines, where_sections
from mep3m.store import Plan, Store, StoreWriter
from tests.report.test_page import Cells

TEA = CategoryPlace(
    "a", ("食品", "茶"), ("食品", "茶"), "exact", "b '茶'", 0.987, 1200, "is the same as b '茶'"
)
BAGS = CategoryPlace("b", ("包",), (), "unmapped", "", None, 3, "its <b>reason</b>", ("<i>包</i>",))
WAITING = {"line": 9, "link": "a '包' exact b '包'", "probability": 0.4, "rows": 1234, "why": "too small"}
LEVELS = (HeldOutLevel(1, 90, 10, 0.75), HeldOutLevel(2, 0, 100, None))
TESTED = SelfTest(
    (HeldOutPlatform("a", 500, LEVELS), HeldOutPlatform("b", 1, (), "no titles")),
    (Elsewhere("a", ("食品", "茶"), ("x",), 0.8),),
)


def where(*places: CategoryPlace, **values: Any) -> Where:
    return Where(Path("out/where.tsv"), places, **{"waiting": (WAITING,), "unlabelled": {}, **values})


def store(folder: Path) -> Store:
    writer = StoreWriter.begin(folder, Plan("ingest", {}, ("p",)))
    writer.write(0, to_table([Product("1", "a", "1")]))
    return writer.finish()


def cells(section: Section) -> list[list[str]]:
    return Cells(section.html).rows


def test_the_table_has_every_category_and_what_waits(tmp_path: Path) -> None:
    (section,) = where_sections(where(TEA, BAGS), store(tmp_path / "s"), None)
    assert section.title == "Where your categories went"
    rows = cells(section)
    assert rows[0] == ["category", "rows", "placed", "relation", "probability", "why", "samples"]
    assert rows[1][:5] == ["食品 > 茶a", "1,200", "食品 > 茶", "exact", "0.99"]
    assert rows[1][5].strip() == TEA.why
    assert rows[2][:5] == ["包b", "3", "–", "unmapped", "–"]
    assert ["9", WAITING["link"], "0.40", "1,234", "too small"] in rows
    assert "<b>reason</b>" not in section.html
    assert "<i>包</i>" not in section.html


def test_the_short_sentence_comes_first_and_the_evidence_opens(tmp_path: Path) -> None:
    place = replace(BAGS, short="short <i>reason</i>")
    (section,) = where_sections(where(place), store(tmp_path / "s"), None)
    (cell,) = [row[5] for row in cells(section) if row[0] == "包b"]
    assert [line for line in cell.split("\n") if line] == ["short <i>reason</i>", "evidenceits <b>reason</b>"]
    assert "<details><summary>evidence</summary><div>its &lt;b&gt;" in section.html
    assert "<i>" not in section.html


def test_pictures_are_shown_where_the_store_has_them(tmp_path: Path) -> None:
    made = store(tmp_path / "s")
    file = tmp_path / "p.png"
    Image.new("RGB", (90, 40), "red").save(file)
    key = made.images.put(file.read_bytes())
    place = CategoryPlace("a", ("包",), ("包",), "kept apart", "", None, 3, "why", ("包",), (key, "0" * 64))
    (section,) = where_sections(where(place), made, None)
    assert section.html.count("<img") == 1
    assert "data:image/jpeg;base64," in section.html


def test_the_self_test_stands_beside_the_usual_score(tmp_path: Path) -> None:
    scores = {"levels": [{"level": 1, "platforms": [{"platform": "a", "top1": 0.98, "n": 9}]}]}
    _, section = where_sections(where(TEA, self_test=TESTED), store(tmp_path / "s"), scores)
    rows = cells(section)
    assert rows[1] == ["a", "500", "1", "90", "10", "0.750", "0.980", ""]
    assert rows[2] == ["a", "500", "2", "0", "100", "–", "–", ""]
    assert rows[3] == ["b", "1", "–", "–", "–", "–", "–", "no titles"]
    assert "Categories that only one platform has cannot be predicted" in section.note
    assert ["a", "食品 > 茶", "食品 > 茶", "1,200", TEA.why] in rows


def test_a_terminal_gets_the_largest_ten_and_how_many_wait() -> None:
    many = [
        CategoryPlace("a", (f"k{n}",), (f"k{n}",), "kept apart", "", None, 99 - n, "why") for n in range(12)
    ]
    lines = where_lines(where(*many, self_test=TESTED))
    assert len([line for line in lines if line.startswith("  a 'k")]) == 10
    assert lines[1] == "  a 'k0' (99): why"
    assert "  … and 2 more; out/where.tsv has all, with the evidence at length" in lines
    assert "links that wait for a person: 1 (1,234 rows at stake)" in lines
    assert lines[-1] == "categories that a model of the other platforms files elsewhere: 1"
    assert where_lines(where(BAGS))[1].endswith("-> (no place): its <b>reason</b>")
    moved = replace(TEA, placed=("饮料", "茶"), short="is the same as b '茶' (same name)")
    assert (
        where_lines(where(moved))[1]
        == "  a '食品 > 茶' (1,200) -> 饮料 > 茶: is the same as b '茶' (same name)"
    )


def test_rows_without_a_label_are_named_most_first() -> None:
    assert unlabelled_lines(where(TEA)) == []
    rows = {("b", ()): 7, **{("a", ("食品", str(n))): 1 for n in range(12)}}
    lines = unlabelled_lines(where(BAGS, unlabelled=rows))
    assert lines[0] == "19 rows of 13 categories have no label:"
    assert lines[1:3] == ["  b '(no category)': 7", "  a '食品 > 0': 1"]
    assert lines[-1] == "  … and 3 more; out/where.tsv lists all"
