"""What is agreed on goes back into training, and nothing else does."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from mep3m.desk.intake.take import Draw
from mep3m.desk.outcome.training_rows import export
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import Reviewing, opened_reviewing
from mep3m.errors import UsageError
from tests.desk.filled import Filled, category, items

HOSTILE = ["苹果 手机\t特价 'x'", '=HYPERLINK("http://x") 手机 苹果', "<script>alert(1)</script> 苹果 手机"]


@pytest.fixture
def agreed(filled: Filled, tmp_path: Path) -> Reviewing:
    """Two agreed products, one of no category, one in conflict, one that waits."""
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(
            reviewing, ["苹果 手机 一", "苹果 手机 二", "苹果 手机 三", "苹果 手机 四", "苹果 手机 五"]
        )
        one, two, three, four, _ = items(reviewing)
        phone, fruit = (
            ItemVerdict("category", category(reviewing, *path)) for path in (("数码", "手机"), ("食品",))
        )
        said = {one: phone, two: fruit, three: ItemVerdict("none"), four: phone}
        reviewing.log.decide(said, Signed("anna", "b1"))
        reviewing.log.decide({four: fruit}, Signed("ben", "b2"))
    return Reviewing.of(reviewing.folder)


def test_only_what_is_agreed_is_written_in_the_columns_of_training(agreed: Reviewing, tmp_path: Path) -> None:
    out = tmp_path / "train.tsv"
    assert export(agreed, out) == 2
    header, *rows = [line.split("\t") for line in out.read_text(encoding="utf-8").splitlines()]
    assert header == ["id", "platform", "title", "image", "l1", "l2", "reviewer", "when"]
    assert [row[:7] for row in rows] == [
        ["N0", "", "苹果 手机 一", "", "数码", "手机", "anna"],
        ["N1", "", "苹果 手机 二", "", "食品", "", "anna"],
    ]


@pytest.mark.parametrize("kind", ["tsv", "csv"])
def test_a_category_with_an_id_is_written_by_its_names(agreed: Reviewing, tmp_path: Path, kind: str) -> None:
    """A model that learned from ids would call its categories by them."""
    with agreed.database.change() as change:
        for number, path in change.execute("SELECT id, path FROM categories").fetchall():
            ids = [f"c{number}.{place}" for place in range(len(json.loads(path)))]
            change.execute("UPDATE categories SET path = ? WHERE id = ?", (json.dumps(ids), number))
    export(Reviewing.of(agreed.folder), tmp_path / f"train.{kind}")
    text = (tmp_path / f"train.{kind}").read_text(encoding="utf-8")
    assert "数码" in text
    assert "手机" in text
    assert "c1." not in text
    assert "c2." not in text


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet", "jsonl"])
def test_every_kind_says_the_same(agreed: Reviewing, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"train.{kind}"
    export(agreed, out)
    if kind == "xlsx":
        cells = [list(row) for row in load_workbook(out).worksheets[0].iter_rows(values_only=True)]
        rows = [dict(zip(cells[0], row, strict=True)) for row in cells[1:]]
    elif kind == "parquet":
        rows = pq.read_table(out).to_pylist()
    elif kind == "jsonl":
        rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        import csv

        rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [(row["id"], row["l1"], row["l2"] or None) for row in rows] == [
        ("N0", "数码", "手机"),
        ("N1", "食品", None),
    ]


def test_label_studio_gets_tasks_with_annotations(agreed: Reviewing, tmp_path: Path) -> None:
    export(agreed, tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text(encoding="utf-8"))
    assert [task["annotations"][0]["result"][0]["value"]["taxonomy"] for task in tasks] == [
        [["数码", "手机"]],
        [["食品"]],
    ]
    assert tasks[0]["data"]["title"] == "苹果 手机 一"
    assert 0 < tasks[0]["predictions"][0]["score"] <= 1


def test_the_table_of_training_goes_before(agreed: Reviewing, tmp_path: Path) -> None:
    table = tmp_path / "items.tsv"
    table.write_text("l1\tl2\ttitle\tprice\n食品\t苹果\t红富士\t3\n", encoding="utf-8")
    export(agreed, tmp_path / "more.tsv", table)
    lines = (tmp_path / "more.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "l1\tl2\ttitle\tprice\treviewer\twhen"
    assert lines[1] == "食品\t苹果\t红富士\t3\t\t"
    assert lines[2].startswith("数码\t手机\t苹果 手机 一\t\tanna\t")


def test_another_table_is_refused(agreed: Reviewing, tmp_path: Path) -> None:
    table = tmp_path / "other.tsv"
    table.write_text("name\tshelf\n红富士\t苹果\n", encoding="utf-8")
    with pytest.raises(UsageError, match="has no column 'title', which the run reads"):
        export(agreed, tmp_path / "more.tsv", table)
    assert not (tmp_path / "more.tsv").exists()


def test_hostile_titles_stay_one_cell_each(filled: Filled, tmp_path: Path) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, [title.replace("\t", "  ") for title in HOSTILE])
        phone = ItemVerdict("category", category(reviewing, "数码", "手机"))
        reviewing.log.decide(dict.fromkeys(items(reviewing), phone), Signed("an\tna", "b1"))
        export(reviewing, tmp_path / "out.tsv")
        export(reviewing, tmp_path / "out.xlsx")
    lines = (tmp_path / "out.tsv").read_text(encoding="utf-8").splitlines()
    assert [len(line.split("\t")) for line in lines] == [8] * 4
    sheet = load_workbook(tmp_path / "out.xlsx").worksheets[0]
    assert {cell.data_type for row in sheet.iter_rows(min_row=2) for cell in row if cell.value} == {"s"}


def test_audited_products_are_kept_out_of_training(filled: Filled, tmp_path: Path) -> None:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, ["苹果 手机 一", "苹果 手机 二"], Draw(share=1, two=0))
        phone = ItemVerdict("category", category(reviewing, "数码", "手机"))
        reviewing.log.decide(dict.fromkeys(items(reviewing, "audit"), phone), Signed("anna", "b1"))
        with pytest.raises(UsageError, match="nothing is agreed on yet in the review"):
            export(reviewing, tmp_path / "train.tsv")
        assert export(reviewing, tmp_path / "audit.tsv", queue="audit") == 2


def test_an_unknown_kind_is_refused_before_any_work(agreed: Reviewing, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"end it in .tsv"):
        export(agreed, tmp_path / "train.docx")
