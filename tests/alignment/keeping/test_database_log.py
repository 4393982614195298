"""A review in a database beside its file: what goes over from one into the other, and damage."""

import shutil
from pathlib import Path

import pytest

from mep3m.alignment.keeping.database_log import FOLDER, DatabaseReviewLog, database_of, open_review
from mep3m.alignment.keeping.written_form import KEPT
from mep3m.alignment.review.contract import Signature
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_log import BY_HAND, FileReviewLog
from mep3m.alignment.sheet import Sheet
from mep3m.desk.folder import OWN
from mep3m.errors import FormatError, NotFoundError
from mep3m.store.append_log import read_lines
from tests.alignment.shops import NOW, decide, proposals

LI = Signature("li", NOW, "test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return proposals(tmp_path / "review.sssom.tsv")


def verdicts(path: Path) -> list[str]:
    """Return what the file itself says."""
    return [row.verdict for row in read_review(path)[1]]


def edit(path: Path, place: int, **cells: str) -> None:
    """Edit a row of the file as a person does in a spreadsheet."""
    sheet = read_review(path)[0]
    sheet.rows[place].update(cells)
    sheet.write(path)


def test_it_lies_where_a_desk_keeps_what_is_its_own(path: Path) -> None:
    assert FOLDER == OWN
    assert database_of(path) == path.parent / "desk" / "review.sqlite"


def test_without_a_database_the_file_is_the_review(path: Path) -> None:
    with open_review(path) as log:
        assert isinstance(log, FileReviewLog)
    assert not database_of(path).exists()


def test_it_begins_with_the_history_of_the_file_and_gives_all_of_it_back(path: Path) -> None:
    decide(FileReviewLog(path), {0: {"mep3m_decision": "accept"}})
    log = DatabaseReviewLog(path)
    decide(log, {1: {"mep3m_decision": "reject"}}, by="wang")
    assert verdicts(path)[:2] == ["accept", "open"]  # a decision does not write the file
    log.close()
    assert verdicts(path)[:2] == ["accept", "reject"]
    assert [batch.signature.by for batch in FileReviewLog(path).history()] == ["li", "wang"]
    shutil.rmtree(path.parent / FOLDER)  # nothing is lost with the database once it is closed
    with open_review(path) as again:
        assert isinstance(again, FileReviewLog)
        assert again.read(NOW).taken_in == 0
        again.undo(LI)
    assert verdicts(path)[:2] == ["accept", "open"]


def test_every_command_asks_the_database_and_leaves_the_file_complete(path: Path) -> None:
    killed = DatabaseReviewLog(path)
    decide(killed, {2: {"mep3m_decision": "accept"}})  # and its desk is killed: nothing was written
    with open_review(path) as log:
        assert log.read(NOW).decisions[2].verdict == "accept"
        decide(log, {3: {"mep3m_decision": "reject"}})
    assert verdicts(path) == ["open", "open", "accept", "reject", "open"]
    assert killed.read(NOW).decisions[3].verdict == "reject"
    killed.close()


def test_the_file_is_written_once_and_then_left_alone(path: Path) -> None:
    log = DatabaseReviewLog(path)
    decide(log, {0: {"mep3m_decision": "accept"}})
    log.write()
    before = path.stat().st_mtime_ns, len(read_lines(FileReviewLog(path).log))
    log.write()
    assert (path.stat().st_mtime_ns, len(read_lines(FileReviewLog(path).log))) == before
    log.close()


def test_edits_of_the_file_are_taken_in_with_rows_and_columns(path: Path) -> None:
    log = DatabaseReviewLog(path)
    sheet = read_review(path)[0]
    sheet.rows[1]["mep3m_decision"] = "accept"
    sheet.columns.append("mine")
    sheet.rows[4]["mine"] = "look here"
    sheet.rows.append({**sheet.rows[4], "object_id": "电器", "mep3m_decision": "reject"})
    del sheet.rows[3]
    sheet.write(path)
    review = log.read(NOW)
    assert review.taken_in == 2
    assert [row.verdict for row in review.decisions] == ["open", "accept", "open", "open", "reject"]
    assert review.sheet.rows[3]["mine"] == "look here"
    assert log.read(NOW).taken_in == 0
    assert log.undo(LI).signature == Signature("", NOW, BY_HAND)
    assert log.read(NOW).decisions[1].verdict == "open"
    log.close()


def test_an_edit_back_and_forth_counts_each_time(path: Path) -> None:
    log = DatabaseReviewLog(path)
    for word in ("accept", "", "accept"):
        edit(path, 0, mep3m_decision=word)
        assert log.read(NOW).taken_in == 1
        assert log.read(NOW).sheet.rows[0]["mep3m_decision"] == word
    log.close()


def test_a_decision_of_the_desk_stands_against_an_edit_that_did_not_know_it(path: Path) -> None:
    log = DatabaseReviewLog(path)
    decide(log, {0: {"mep3m_decision": "accept"}}, by="anna")
    edit(path, 0, mep3m_decision="reject")
    edit(path, 1, mep3m_decision="unsure")
    review = log.read(NOW)
    assert [row.verdict for row in review.decisions][:2] == ["accept", "unsure"]
    assert review.decisions[0].reviewer == "anna"
    assert [batch.signature.how for batch in log.history()] == ["test", BY_HAND, KEPT]
    log.undo(LI)  # the edit is not lost: taking back what was kept lets it count
    assert log.read(NOW).decisions[0].verdict == "reject"
    log.close()
    assert verdicts(path)[:2] == ["reject", "unsure"]


def test_an_edit_that_says_the_same_is_none(path: Path) -> None:
    log = DatabaseReviewLog(path)
    review = decide(log, {0: {"mep3m_decision": "accept"}})
    edit(path, 0, **review.sheet.rows[0])
    assert (log.read(NOW).taken_in, len(log.history())) == (0, 1)
    log.close()


def test_a_kill_after_the_file_was_written_leaves_no_edit(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = DatabaseReviewLog(path)
    decide(log, {0: {"mep3m_decision": "accept"}})

    def fail(sheet: Sheet, to: Path) -> None:
        written(sheet, to)
        raise OSError("power cut")

    written = Sheet.write
    with monkeypatch.context() as patch:
        patch.setattr(Sheet, "write", fail)
        with pytest.raises(OSError, match="power cut"):
            log.write()
    decide(log, {0: {"mep3m_decision": "reject"}})
    assert [batch.signature.how for batch in log.history()] == ["test", "test"]
    log.close()
    assert verdicts(path)[0] == "reject"
    assert len(read_lines(FileReviewLog(path).log)) == 2


def test_a_log_that_another_program_wrote_into_is_written_anew(path: Path) -> None:
    log = DatabaseReviewLog(path)
    decide(log, {0: {"mep3m_decision": "accept"}})
    log.write()
    for place in (1, 2):
        decide(FileReviewLog(path), {place: {"mep3m_decision": "reject"}})  # an earlier version of mep3m
    assert [row.verdict for row in log.read(NOW).decisions[1:3]] == ["reject", "reject"]
    log.close()
    assert [batch.signature.how for batch in FileReviewLog(path).history()] == ["test", BY_HAND]


def test_new_proposals_of_a_build_are_written_when_it_ends(path: Path) -> None:
    DatabaseReviewLog(path).close()
    other = read_review(path)[0]
    with open_review(path) as log:
        log.replace(Sheet(other.comments, other.columns, other.rows[:2]), Signature("", NOW, "a build"))
        assert len(log.read(NOW).keys) == 2
    assert verdicts(path) == ["open", "open"]


def test_a_file_that_is_gone_is_written_again(path: Path) -> None:
    log = DatabaseReviewLog(path)
    decide(log, {0: {"mep3m_decision": "accept"}})
    path.unlink()
    log.close()
    assert verdicts(path)[0] == "accept"


def test_a_copied_folder_is_a_review_of_its_own(path: Path, tmp_path: Path) -> None:
    folder = path.parent
    (tmp_path / "one").mkdir()
    DatabaseReviewLog(Path(shutil.move(path, tmp_path / "one"))).close()
    copied = Path(shutil.copytree(tmp_path / "one", folder / "two")) / path.name
    with open_review(copied) as log:
        assert log.read(NOW).taken_in == 0
        decide(log, {0: {"mep3m_decision": "accept"}})
    assert verdicts(tmp_path / "one" / path.name)[0] == "open"


def test_damage_is_told_and_leaves_what_was_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("skos:exactMatch", "skos:same", 1), encoding="utf-8")
    with pytest.raises(FormatError, match="line 8: predicate_id 'skos:same' is not allowed"):
        DatabaseReviewLog(path)
    path.write_text(text, encoding="utf-8")
    log = DatabaseReviewLog(path)
    path.write_text("no table", encoding="utf-8")
    with pytest.raises(NotFoundError, match="no column 'subject_id'"):
        log.decide({log.read(NOW).keys[0]: {"mep3m_decision": "accept"}}, LI)
    path.write_text(text, encoding="utf-8")
    assert len(log.read(NOW).keys) == 5
    log.close()


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_database_is_named(path: Path, damage: bytes) -> None:
    database_of(path).parent.mkdir()
    database_of(path).write_bytes(damage)
    with pytest.raises(FormatError, match=r"review\.sqlite is no database of mep3m"):
        DatabaseReviewLog(path)


def test_an_empty_review_is_one(tmp_path: Path) -> None:
    path = proposals(tmp_path / "review.sssom.tsv")
    sheet = read_review(path)[0]
    Sheet(sheet.comments, sheet.columns, []).write(path)
    log = DatabaseReviewLog(path)
    assert log.read(NOW).keys == []
    log.close()
    assert path.stat().st_size
