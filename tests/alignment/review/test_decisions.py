"""A review file as people and spreadsheets leave it: read, or refused with the line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mep3m.alignment.review.decisions import (
    contradictions,
    links,
    parse_lines,
    progress,
    read_review,
    rename_sources,
    with_reviewer,
)
from mep3m.alignment.review.sssom import COLUMNS
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.settings.align import MergeSettings
from tests.alignment.shops import link, proposals


def changed(path: Path, row: int, **cells: str) -> Path:
    """Write cells into a row of the file (0 is the first), as an editor would."""
    lines = path.read_text(encoding="utf-8").split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("subject_id")) + 1 + row
    values = lines[at].split("\t")
    for column, value in cells.items():
        values[COLUMNS.index(column)] = value
    lines[at] = "\t".join(values)
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"mep3m_decision": "acept"}, r"line 9: mep3m_decision 'acept' .*did you mean 'accept'"),
        ({"predicate_id": "skos:sameAs"}, r"line 9: predicate_id 'skos:sameAs'"),
        ({"predicate_id": ""}, r"line 9: predicate_id is empty"),
        ({"subject_id": ""}, r"line 9: subject_id is empty"),
        ({"object_id": ""}, r"line 9: object_id is empty"),
        ({"confidence": "high"}, r"line 9: confidence 'high'"),
        ({"confidence": "120%"}, r"line 9: confidence"),
        ({"mapping_date": "11/12/26"}, r"line 9: mapping_date '11/12/26' is not a date; write YYYY-MM-DD"),
        ({"mapping_date": "2026-13-01"}, r"line 9: mapping_date"),
        ({"mep3m_accepted_by_method": "perhaps"}, r"line 9: mep3m_accepted_by_method"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(tmp_path: Path, cells: dict[str, str], message: str) -> None:
    path = changed(proposals(tmp_path / "p.tsv"), 1, **cells)
    text = path.read_text(encoding="utf-8").split("\n")
    assert text[8].startswith(cells.get("subject_id", "家电 > 空调"))
    with pytest.raises(FormatError, match=message):
        read_review(path)


def broken_header(text: str) -> str:
    return text.replace("predicate_id\t", "predicate\t", 1)


def extra_cells(text: str) -> str:
    return text.rstrip("\n") + "\tone more\n"


def open_quote(text: str) -> str:
    return text.replace("手机 > 充电宝", '"手机 > 充电宝', 1)


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [
        (broken_header, NotFoundError, "no column 'predicate_id'"),
        (extra_cells, FormatError, "line 12: 26 cells, but the header has 25"),
        (open_quote, FormatError, "line 11: a quote"),
        (lambda text: text.replace("\tsubject_label", "\tsubject_id", 1), FormatError, "twice"),
    ],
)
def test_a_broken_table_is_named(
    tmp_path: Path, edit: Callable[[str], str], error: type[Exception], message: str
) -> None:
    path = proposals(tmp_path / "p.tsv")
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(error, match=message):
        read_review(path)


@pytest.mark.parametrize(
    ("cells", "verdict"),
    [
        ({"mep3m_decision": " Accept ", "confidence": "0,97", "mapping_date": "2026/1/5"}, "accept"),
        ({"mep3m_decision": "接受", "confidence": "97%", "mapping_date": "2026年1月5日"}, "accept"),
        ({"mep3m_decision": "NO", "confidence": "", "mapping_date": "5.1.2026"}, "reject"),
        ({"mep3m_decision": "不确定", "mapping_date": "2026-01-05 00:00:00"}, "unsure"),
    ],
)
def test_what_spreadsheets_and_people_write_is_read(
    tmp_path: Path, cells: dict[str, str], verdict: str
) -> None:
    _, decisions = read_review(changed(proposals(tmp_path / "p.tsv"), 0, **cells))
    assert (decisions[0].verdict, decisions[0].date) == (verdict, "2026-01-05")
    if "97" in cells.get("confidence", ""):
        assert decisions[0].probability == pytest.approx(0.97)
    if cells.get("confidence") == "":
        assert decisions[0].probability is None


def test_progress_counts_the_verdicts(tmp_path: Path) -> None:
    path = changed(proposals(tmp_path / "p.tsv"), 2, mep3m_decision="accept")
    _, decisions = read_review(changed(path, 0, mep3m_decision="unsure"))
    assert progress(decisions) == {"accept": 1, "reject": 0, "unsure": 1, "open": 3}


def test_only_accepted_rows_are_links() -> None:
    rows = [link("x", "y", verdict=verdict) for verdict in ("accept", "reject", "unsure", "open")]
    assert links(rows, MergeSettings()) == rows[:1]


def test_opposite_relations_written_from_both_sides_agree() -> None:
    row = link("x", "y", 2, relation="narrower")
    turned = link("y", "x", 3, relation="broader")
    turned = rename_sources([turned], {"a": "b", "b": "a"})[0]
    assert contradictions([row, turned]) == []
    assert contradictions(
        [row, *rename_sources([link("y", "x", 3, relation="narrower")], {"a": "b", "b": "a"})]
    )


def test_a_missing_reviewer_is_filled_in_only_where_somebody_decided() -> None:
    rows = [link("x", "y", verdict=verdict, reviewer=None) for verdict in ("accept", "open")]
    assert [row.reviewer for row in with_reviewer(rows, "li")] == ["li", None]


def test_lines_as_people_write_them() -> None:
    assert parse_lines("12") == [12]
    assert parse_lines("3-5, 9") == [3, 4, 5, 9]
    for text in ("", "x", "3-", "-2", "1,,2", "9-3", "1-99999999"):
        with pytest.raises(UsageError, match="names no lines"):
            parse_lines(text)
