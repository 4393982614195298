"""Decisions are logged, survive hand edits and crashes, and are undone to the same bytes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.review.log import blind, decide, open_review, parse_lines, take, undo
from mep3m.errors import UsageError
from mep3m.store.append_log import append_line, read_lines
from tests.alignment.shops import proposals

NOW = "2026-11-22T10:00:00"


def accept(path: Path, *places: int, word: str = "accept") -> None:
    opened, _ = open_review(path, NOW)
    decide(opened, {place: {"mep3m_decision": word} for place in places}, "li", NOW, "test")


def verdicts(path: Path) -> list[str]:
    return [row.verdict for row in open_review(path, NOW)[0].decisions]


def test_a_decision_is_signed_and_logged(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 1)
    opened, by_hand = open_review(path, NOW)
    row = opened.decisions[1]
    assert (row.verdict, row.reviewer, row.date, by_hand) == ("accept", "li", "2026-11-22", 0)
    assert opened.sheet.rows[1]["mapping_justification"] == "semapv:ManualMappingCuration"
    assert len(read_lines(opened.log)) == 1


def test_hand_edits_are_recorded_once_and_can_be_undone(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    before = path.read_bytes()
    opened, _ = open_review(path, NOW)
    opened.sheet.rows[3]["mep3m_decision"] = "accept"
    opened.sheet.rows[3]["mep3m_new_name_zh"] = "移动电源"
    opened.sheet.write(path)
    assert open_review(path, NOW)[1] == 1
    assert open_review(path, NOW)[1] == 0
    assert undo(path, NOW)["how"] == "by hand"
    assert path.read_bytes() == before


def test_a_hand_edit_that_was_saved_over_again_counts(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 0)
    opened, _ = open_review(path, NOW)
    opened.sheet.rows[0]["mep3m_decision"] = ""
    opened.sheet.write(path)
    assert open_review(path, NOW)[1] == 1
    undo(path, NOW)
    assert verdicts(path)[0] == "accept"


@settings(deadline=None, max_examples=30)
@given(
    steps=st.lists(
        st.tuples(st.sets(st.integers(0, 4), min_size=1), st.sampled_from(["accept", "reject"])), max_size=5
    )
)
def test_undoing_everything_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[set[int], str]]
) -> None:
    path = proposals(tmp_path_factory.mktemp("undo") / "p.tsv")
    states = [path.read_bytes()]
    for places, word in steps:
        accept(path, *places, word=word)
        states.append(path.read_bytes())
    for state in reversed(states[:-1]):
        undo(path, NOW)
        assert path.read_bytes() == state
    with pytest.raises(UsageError, match="no decision is recorded"):
        undo(path, NOW)


def test_undo_then_decide_then_undo(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 0)
    accept(path, 1)
    undo(path, NOW)
    accept(path, 2)
    undo(path, NOW)
    assert verdicts(path) == ["accept", "open", "open", "open", "open"]


def test_a_crash_between_log_and_file_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = proposals(tmp_path / "p.tsv")
    opened, _ = open_review(path, NOW)
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("mep3m.alignment.sheet.Sheet.write", lambda *_: (_ for _ in ()).throw(OSError()))
        with pytest.raises(OSError):  # noqa: PT011
            decide(opened, {0: {"mep3m_decision": "accept"}}, "li", NOW, "test")
    assert path.read_bytes() == before
    assert verdicts(path)[0] == "open"
    accept(path, 0)
    assert verdicts(path)[0] == "accept"


def test_a_torn_last_line_of_the_log_is_passed_over(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 0)
    log = path.with_name("p.tsv.log.jsonl")
    log.write_bytes(log.read_bytes() + b'{"time":"2026')
    assert len(read_lines(log)) == 1
    append_line(log, {"changes": []})
    assert len(read_lines(log)) == 2


def test_columns_that_somebody_added_or_removed(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(
        "subject_id\tpredicate_id\tobject_id\tmine\n1\tskos:exactMatch\t2\tkeep\n", encoding="utf-8"
    )
    accept(path, 0)
    (row,) = open_review(path, NOW)[0].sheet.rows
    assert (row["mine"], row["mep3m_decision"]) == ("keep", "accept")


def test_a_blind_copy_hides_the_score_and_comes_back(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 0)
    opened, _ = open_review(path, NOW)
    copy = blind(opened, seed=3)
    assert [row["subject_id"] for row in copy.rows] != [row["subject_id"] for row in opened.sheet.rows[1:]]
    assert all(
        not row["confidence"] and not row["comment"] and not row["mep3m_evidence"] for row in copy.rows
    )
    assert copy.rows == blind(opened, seed=3).rows
    for row in copy.rows:
        row.update(mep3m_decision="reject", reviewer_label="wang")
    copy.write(tmp_path / "blind.tsv")
    other, _ = open_review(tmp_path / "blind.tsv", NOW)
    assert take(opened, other.sheet, NOW) == 4
    again, _ = open_review(path, NOW)
    assert [row.verdict for row in again.decisions] == ["accept"] + ["reject"] * 4
    assert {row.reviewer for row in again.decisions} == {"li", "wang"}
    assert again.decisions[1].probability == 0.99
    assert take(again, other.sheet, NOW) == 0


def test_a_copy_that_disagrees_changes_nothing(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    copy = open_review(proposals(tmp_path / "copy.tsv"), NOW)[0].sheet
    for row in copy.rows:
        row["mep3m_decision"] = "reject"
    accept(path, 4)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"line 12: 'reject', but line 12 of the review says 'accept'"):
        take(open_review(path, NOW)[0], copy, NOW)
    assert path.read_bytes() == before


def test_lines_as_people_write_them() -> None:
    assert parse_lines("12") == [12]
    assert parse_lines("3-5, 9") == [3, 4, 5, 9]
    for text in ("", "x", "3-", "-2", "1,,2", "9-3", "1-99999999"):
        with pytest.raises(UsageError, match="names no lines"):
            parse_lines(text)


def test_a_line_without_a_row(tmp_path: Path) -> None:
    opened, _ = open_review(proposals(tmp_path / "p.tsv"), NOW)
    assert opened.index(8) == 0
    with pytest.raises(UsageError, match="rows are"):
        opened.index(1)
