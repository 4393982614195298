"""What a reviewer sees first: sure but surprising links, then those with most rows at stake."""

import csv
from pathlib import Path

import pytest

from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.alignment.review.contract import Review
from mep3m.alignment.review.copies import blind
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.alignment.review.order import review_order
from mep3m.alignment.review.sssom import read_sssom, write_sssom
from mep3m.alignment.review.write import write_review

NOW = "2026-11-29T10:00:00"
LEFT = Side(
    "a",
    (
        Entry("1", ("家电", "电视"), titles=("曲面电视", "平板电视", "液晶电视", "第四"), count=50),
        Entry("2", ("家电", "空调"), titles=("挂机",), count=5),
        Entry("3", ("食品",), count=900),
    ),
)
RIGHT = Side(
    "b", (Entry("1", ("电器",), titles=("电视 || 机\n顶盒",), count=70), Entry("2", ("茶",), count=8))
)


def link(left: str, right: str, relation: str, probability: float, accept: bool = True) -> Proposal:
    ends = LEFT[left] if left in LEFT else Entry(left, tuple(left.split(" > "))), RIGHT[right]
    return Proposal(
        left, right, relation, probability, accept, {}, "", ends[0].label, ends[1].label, "a", "b"  # type: ignore[arg-type]
    )  # fmt: skip


LINKS = [
    link("3", "2", "exact", 0.04, accept=False),  # 908 rows, 36 at stake
    link("2", "1", "narrower", 0.9),  # 5 rows
    link("家电", "1", "narrower", 0.8),  # 55 rows, 44
    link("3", "1", "broader", 0.9),  # 70 rows, 63
]


def written(folder: Path) -> Path:
    write_review(folder / "links.tsv", [LEFT, RIGHT], LINKS, "t")
    return folder / "links.tsv"


def opened(path: Path) -> Review:
    return FileReviewLog(path).read(NOW)


def test_the_file_is_ordered_by_rows_at_stake_and_shows_both_sides(tmp_path: Path) -> None:
    sheet, decisions = read_review(written(tmp_path))
    assert [round(one.at_stake) for one in review_order(opened(tmp_path / "links.tsv"))] == [63, 44, 36, 4]
    assert [(row.left.source, row.right.source) for row in decisions] == [("a", "b")] * 4
    whole = sheet.rows[1]
    assert (whole["mep3m_subject_rows"], whole["mep3m_object_rows"]) == ("55", "70")
    assert whole["mep3m_subject_titles"] == "曲面电视 || 平板电视 || 液晶电视"
    assert whole["mep3m_object_titles"] == "电视 | 机 顶盒"


def test_a_link_that_the_self_test_contradicts_comes_first_if_it_is_sure(tmp_path: Path) -> None:
    sheet, _ = read_review(written(tmp_path))
    for row in sheet.rows:
        row["mep3m_self_test"] = "files most rows elsewhere" if row["confidence"] < "0.9" else ""
    sheet.write(tmp_path / "links.tsv")
    first, *others = review_order(opened(tmp_path / "links.tsv"))
    assert (first.surprising, first.decision.probability) == (True, 0.8)
    assert [one.decision.probability for one in others] == [0.9, 0.04, 0.9]


def test_a_blind_copy_hides_what_the_self_test_says(tmp_path: Path) -> None:
    sheet, _ = read_review(written(tmp_path))
    sheet.rows[0]["mep3m_self_test"] = "x"
    sheet.write(tmp_path / "links.tsv")
    assert not any(row["mep3m_self_test"] for row in blind(opened(tmp_path / "links.tsv"), 1).rows)


def test_without_counts_the_file_keeps_its_order_and_the_least_sure_comes_first(tmp_path: Path) -> None:
    sides = [Side(side.name, tuple(Entry(one.id, one.path) for one in side)) for side in (LEFT, RIGHT)]
    write_review(tmp_path / "links.tsv", sides, LINKS, "t")
    assert [row.probability for row in read_review(tmp_path / "links.tsv")[1]] == [0.04, 0.9, 0.8, 0.9]
    ordered = review_order(opened(tmp_path / "links.tsv"))
    assert [one.decision.probability for one in ordered] == [0.8, 0.9, 0.9, 0.04]
    assert ordered[0].rows == (None, None)


@pytest.mark.parametrize("cell", ["1,234", "1234.0", " 1 234"])
def test_counts_as_a_spreadsheet_writes_them_are_understood(tmp_path: Path, cell: str) -> None:
    sheet, _ = read_review(written(tmp_path))
    sheet.rows[0]["mep3m_subject_rows"] = cell
    sheet.write(tmp_path / "links.tsv")
    assert 1234 in {one.rows[0] for one in review_order(opened(tmp_path / "links.tsv"))}


@pytest.mark.parametrize("cell", ["²", "9" * 400, "9" * 5_000, "-3", "1e3", "many", "①"])
def test_what_is_no_count_is_not_known(tmp_path: Path, cell: str) -> None:
    sheet, _ = read_review(written(tmp_path))
    for row in sheet.rows:
        row["mep3m_subject_rows"] = cell
    sheet.write(tmp_path / "links.tsv")
    assert {one.rows[0] for one in review_order(opened(tmp_path / "links.tsv"))} == {None}


EVIL = ["=1+1", "+7 days", "-5", "@SUM(A1)", "'=quoted", "''-x", "＝１", "a\nb\tc"]


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula_for_a_spreadsheet_and_each_is_read_back(tmp_path: Path, text: str) -> None:
    one = Proposal(text, text, "exact", 0.5, False, {}, text, text, text, text, text)
    write_sssom(tmp_path / "a.tsv", [one])
    plain = " ".join(text.split())
    for _ in range(2):  # as proposed, and as a decision writes it again
        lines = [
            line for line in (tmp_path / "a.tsv").read_text(encoding="utf-8").split("\n") if line[:1] != "#"
        ]
        cells = [cell for row in csv.reader(lines, delimiter="\t") for cell in row]
        assert not any(cell[:1] in "=+-@＝＋－＠" for cell in cells if cell)
        assert len(lines) == 3  # the header, the row, and the end
        read = read_sssom(tmp_path / "a.tsv")[0].proposal
        assert {read.left_id, read.right_label, read.words, read.left_source} == {plain}
        read_review(tmp_path / "a.tsv")[0].write(tmp_path / "a.tsv")
