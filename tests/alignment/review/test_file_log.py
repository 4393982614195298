"""A review in a file: hand edits, spreadsheets' columns, crashes between log and sheet, old logs, locks."""

import os
import stat
from pathlib import Path

import pytest

from mep3m.alignment.review.contract import Signature
from mep3m.alignment.review.file_lock import file_lock
from mep3m.alignment.review.file_log import FileReviewLog, require_replaceable, stamp
from mep3m.alignment.sheet import Sheet
from mep3m.errors import FormatError, StoreError, UsageError
from mep3m.store.append_log import append_line, read_lines
from tests.alignment.shops import NOW, decide, proposals

UNDO = Signature("li", NOW, "undo")


def accept(path: Path, *places: int, word: str = "accept") -> None:
    decide(FileReviewLog(path), {place: {"mep3m_decision": word} for place in places})


def verdicts(path: Path) -> list[str]:
    return [row.verdict for row in FileReviewLog(path).read(NOW).decisions]


def test_hand_edits_are_recorded_once_and_can_be_undone(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    before = path.read_bytes()
    log = FileReviewLog(path)
    sheet = log.read(NOW).sheet
    sheet.rows[3].update(mep3m_decision="accept", mep3m_new_name_zh="移动电源")
    sheet.write(path)
    assert log.read(NOW).taken_in == 1
    assert log.read(NOW).taken_in == 0
    assert log.undo(UNDO).signature == Signature("", NOW, "by hand")
    assert path.read_bytes() == before


def test_a_hand_edit_that_was_saved_over_again_counts(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 0)
    sheet = FileReviewLog(path).read(NOW).sheet
    sheet.rows[0]["mep3m_decision"] = ""
    sheet.write(path)
    assert FileReviewLog(path).read(NOW).taken_in == 1
    FileReviewLog(path).undo(UNDO)
    assert verdicts(path)[0] == "accept"


@pytest.mark.parametrize(("word", "verdict"), [("", "open"), ("accept", "accept"), ("?", "unsure")])
def test_who_takes_the_word_reject_away_takes_the_denial_away(
    tmp_path: Path, word: str, verdict: str
) -> None:
    """The modifier `Not`, which is written for other tools, is not seen by who edits the word."""
    path = proposals(tmp_path / "p.tsv")
    accept(path, 3, word="reject")
    old = FileReviewLog(path).read(NOW).sheet
    for _ in range(2):  # a spreadsheet that stays open saves what it read again
        old.rows[3]["mep3m_decision"] = word
        old.write(path)
        assert verdicts(path)[3] == verdict
        assert "Not" not in path.read_text(encoding="utf-8")
    FileReviewLog(path).undo(UNDO)
    assert verdicts(path)[3] == "reject"


def test_a_denial_that_another_tool_wrote_stays(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 0)
    sheet = FileReviewLog(path).read(NOW).sheet
    for place in (0, 3):
        sheet.rows[place].update(mep3m_decision="", predicate_modifier="Not")
    with_column = Sheet(sheet.comments, [*sheet.columns, "predicate_modifier"], sheet.rows)
    with_column.columns = list(dict.fromkeys(with_column.columns))
    with_column.write(path)
    assert [verdicts(path)[place] for place in (0, 3)] == ["reject", "reject"]


def test_undoing_everything_gives_the_same_bytes(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    states = [path.read_bytes()]
    for places, word in (((0, 3), "accept"), ((3,), "reject"), ((1, 2, 3, 4), "accept")):
        accept(path, *places, word=word)
        states.append(path.read_bytes())
    for state in reversed(states[:-1]):
        FileReviewLog(path).undo(UNDO)
        assert path.read_bytes() == state
    for state in states[1:]:
        FileReviewLog(path).redo(UNDO)
        assert path.read_bytes() == state


def crash(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept the first row, and fail after the log was written and before the sheet is."""

    def fail(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Sheet, "write", fail)
        with pytest.raises(OSError, match="power cut"):
            accept(path, 0)


def test_a_decision_in_the_log_is_completed_in_the_sheet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = proposals(tmp_path / "p.tsv")
    before = path.read_bytes()
    crash(path, monkeypatch)
    assert path.read_bytes() == before
    review = FileReviewLog(path).read(NOW)
    assert (review.decisions[0].verdict, review.taken_in, review.revision) == ("accept", 0, 1)
    assert b"accept" in path.read_bytes()
    FileReviewLog(path).undo(UNDO)
    assert path.read_bytes() == before


def test_a_sheet_that_a_person_saved_after_the_crash_counts_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = proposals(tmp_path / "p.tsv")
    crash(path, monkeypatch)
    os.utime(path, ns=(0, 0))  # saved by an editor, without a change
    assert FileReviewLog(path).read(NOW).taken_in == 1
    assert verdicts(path)[0] == "open"
    FileReviewLog(path).undo(UNDO)  # of what was found in the sheet: the decision of the log comes back
    assert verdicts(path)[0] == "accept"


def test_the_stamp_tells_one_state_of_a_file_from_the_next(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a")
    first = stamp(path)
    assert stamp(path) == first
    os.utime(path, ns=(1, 1))
    assert stamp(path) != first


def test_a_review_in_a_folder_that_cannot_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = proposals(tmp_path / "p.tsv")
    sheet = FileReviewLog(path).read(NOW).sheet
    sheet.rows[3]["mep3m_decision"] = "accept"
    sheet.write(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mep3m.alignment.review.file_lock.os.open", refuse)
    review = FileReviewLog(path).read(NOW)
    assert (review.decisions[3].verdict, review.taken_in) == ("accept", 1)
    assert not FileReviewLog(path).log.exists()
    with pytest.raises(PermissionError):
        accept(path, 0)


def test_a_log_of_an_earlier_version_is_read_and_undone(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    before = path.read_bytes()
    accept(path, 1)
    log = FileReviewLog(path)
    lines = read_lines(log.log)
    log.log.unlink()
    for line in lines:
        append_line(log.log, {key: line[key] for key in ("time", "how", "by", "changes")})
    assert log.read(NOW).taken_in == 0
    log.undo(UNDO)
    assert path.read_bytes() == before


def test_a_log_of_something_else_is_refused(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    append_line(FileReviewLog(path).log, {"undo": True, "by": "li"})
    with pytest.raises(FormatError, match=r"record 1 is not a batch of decisions"):
        FileReviewLog(path).read(NOW)


def test_a_torn_last_line_of_the_log_is_passed_over(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    accept(path, 0)
    log = FileReviewLog(path)
    log.log.write_bytes(log.log.read_bytes() + b'{"time":"2026')
    assert len(log.history()) == 1
    accept(path, 1)
    assert len(log.history()) == 2


def test_columns_that_somebody_added_or_removed(tmp_path: Path) -> None:
    path = tmp_path / "p.tsv"
    path.write_text(
        "subject_id\tpredicate_id\tobject_id\tmine\n1\tskos:exactMatch\t2\tkeep\n", encoding="utf-8"
    )
    accept(path, 0)
    (row,) = FileReviewLog(path).read(NOW).sheet.rows
    assert (row["mine"], row["mep3m_decision"]) == ("keep", "accept")


def test_a_line_without_a_row(tmp_path: Path) -> None:
    review = FileReviewLog(proposals(tmp_path / "p.tsv")).read(NOW)
    assert review.index(8) == 0
    with pytest.raises(UsageError, match="rows are 8 to 12"):
        review.index(1)


def test_a_writer_that_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = proposals(tmp_path / "p.tsv")
    with (
        file_lock(path),
        pytest.raises(StoreError, match=r"more than 0\.05 seconds; nothing was recorded"),
        file_lock(path, patience=0.05),
    ):
        pass
    accept(path, 0)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["p.tsv", "p.tsv.log.jsonl"]


def test_a_lock_that_a_killed_process_left_behind_is_taken(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    left = tmp_path / ".p.tsv.lock"
    left.touch()
    accept(path, 0)
    assert not left.exists()
    assert stat.S_ISREG(path.stat().st_mode)


def test_a_new_review_is_written_with_what_it_decides_in_its_log(tmp_path: Path) -> None:
    old = proposals(tmp_path / "old.tsv")
    accept(old, 0)
    log = FileReviewLog(tmp_path / "new" / "p.tsv")
    log.replace(FileReviewLog(old).read(NOW).sheet, Signature("li", NOW, "migrated from old.tsv"))
    assert log.path.read_bytes() == old.read_bytes()
    assert [batch.signature.how for batch in log.history()] == ["migrated from old.tsv"]
    log.undo(UNDO)
    assert verdicts(log.path) == ["open"] * 5


def test_only_a_table_without_decisions_may_be_replaced(tmp_path: Path) -> None:
    path = proposals(tmp_path / "p.tsv")
    require_replaceable(path)
    require_replaceable(tmp_path / "none")
    accept(path, 0)
    with pytest.raises(UsageError, match="holds 1 decisions of people"):
        require_replaceable(path)
    (tmp_path / "x").write_text("notes")
    with pytest.raises(UsageError, match="is no table of proposals"):
        require_replaceable(tmp_path / "x")
