"""What every `ReviewLog` promises, whatever keeps the decisions; a new implementation adds its maker here."""

import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.keeping.database_log import DatabaseReviewLog
from mep3m.alignment.review.contract import (
    EDITABLE,
    DecidedMeanwhileError,
    ReviewLog,
    Signature,
    editable,
)
from mep3m.alignment.review.copies import blind, take
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.alignment.review.sssom import REQUIRED
from mep3m.alignment.sheet import read_sheet
from mep3m.errors import UsageError
from tests.alignment.review.memory_log import MemoryReviewLog
from tests.alignment.shops import NOW, decide, proposals

ROWS = 5
SIGNED = Signature("li", NOW, "test")
Maker = Callable[[Path], ReviewLog]


def in_memory(folder: Path) -> ReviewLog:
    sheet = read_sheet(proposals(folder / "links.tsv"), REQUIRED)
    (folder / "links.tsv").unlink()
    return MemoryReviewLog(sheet)


def in_file(folder: Path) -> ReviewLog:
    return FileReviewLog(proposals(folder / "links.tsv"))


def in_database(folder: Path) -> ReviewLog:
    return DatabaseReviewLog(proposals(folder / "links.tsv"))


MAKERS: dict[str, Maker] = {"file": in_file, "memory": in_memory, "database": in_database}
#: those that outlive their process
LASTING: dict[str, Callable[[Path], ReviewLog]] = {"file": FileReviewLog, "database": DatabaseReviewLog}


@pytest.fixture(params=MAKERS)
def maker(request: pytest.FixtureRequest) -> Maker:
    return MAKERS[request.param]


@pytest.fixture
def log(maker: Maker, tmp_path: Path) -> ReviewLog:
    return maker(tmp_path)


def verdicts(log: ReviewLog) -> list[str]:
    return [decision.verdict for decision in log.read(NOW).decisions]


def cells_of(log: ReviewLog) -> list[dict[str, str]]:
    return [editable(row) for row in log.read(NOW).sheet.rows]


def test_a_decision_is_signed_and_in_the_history(log: ReviewLog) -> None:
    review = decide(log, {1: {"mep3m_decision": "accept"}}, by="wang", when="2026-11-25T10:00:00")
    row = review.decisions[1]
    assert (row.verdict, row.reviewer, row.date) == ("accept", "wang", "2026-11-25")
    assert review.sheet.rows[1]["mapping_justification"] == "semapv:ManualMappingCuration"
    assert review.sheet.rows == log.read(NOW).sheet.rows
    (batch,) = log.history()
    assert batch.signature == Signature("wang", "2026-11-25T10:00:00", "test")
    (change,) = batch.changes
    assert (change.row, change.after) == (review.keys[1], editable(review.sheet.rows[1]))
    assert (change.before["mep3m_decision"], set(change.before)) == ("", {*EDITABLE, "predicate_modifier"})


def test_a_wrong_value_or_row_records_nothing(log: ReviewLog) -> None:
    before = cells_of(log)
    with pytest.raises(UsageError, match="line 8: predicate_id 'same'"):
        decide(log, {1: {"mep3m_decision": "accept"}, 0: {"predicate_id": "same"}})
    with pytest.raises(UsageError, match="has no row for a 'x' and b 'y'"):
        log.decide({("a", "x", "b", "y", 1): {"mep3m_decision": "accept"}}, SIGNED)
    assert (cells_of(log), log.history()) == (before, [])


def test_deciding_nothing_records_nothing(log: ReviewLog) -> None:
    log.decide({}, SIGNED)
    assert log.history() == []


def test_who_decides_on_an_old_state_is_told_and_nothing_is_lost(log: ReviewLog) -> None:
    seen = log.read(NOW)
    decide(log, {2: {"mep3m_decision": "reject"}}, by="wang")
    with pytest.raises(DecidedMeanwhileError, match=r"line 10 .* it is now reject by wang"):
        log.decide({seen.keys[n]: {"mep3m_decision": "accept"} for n in (1, 2)}, SIGNED, since=seen.revision)
    assert verdicts(log) == ["open", "open", "reject", "open", "open"]
    log.decide({seen.keys[1]: {"mep3m_decision": "accept"}}, SIGNED, since=seen.revision)  # another row
    assert verdicts(log) == ["open", "accept", "reject", "open", "open"]


def test_undo_and_redo_walk_back_and_forth(log: ReviewLog) -> None:
    states = [cells_of(log)]
    for place, word in enumerate(["accept", "reject", "unsure"]):
        decide(log, {place: {"mep3m_decision": word}})
        states.append(cells_of(log))
    for state in reversed(states[:-1]):
        log.undo(SIGNED)
        assert cells_of(log) == state
    with pytest.raises(UsageError, match="no decision is recorded that could be undone"):
        log.undo(SIGNED)
    for state in states[1:]:
        assert log.redo(SIGNED).changes
        assert cells_of(log) == state
    with pytest.raises(UsageError, match="nothing was undone since the last decision"):
        log.redo(SIGNED)
    assert len(log.history()) == 9


def test_a_new_decision_ends_what_could_be_redone(log: ReviewLog) -> None:
    decide(log, {0: {"mep3m_decision": "accept"}})
    log.undo(SIGNED)
    decide(log, {1: {"mep3m_decision": "accept"}})
    with pytest.raises(UsageError, match="nothing was undone since"):
        log.redo(SIGNED)


def test_new_proposals_keep_the_history_and_say_what_they_changed(log: ReviewLog) -> None:
    decide(log, {0: {"mep3m_decision": "accept"}, 4: {"mep3m_decision": "reject"}})
    sheet = log.read(NOW).sheet
    rows = [dict(row) for row in sheet.rows[:4]]
    rows[0]["mep3m_decision"] = ""
    review = log.replace(type(sheet)(sheet.comments, sheet.columns, rows, sheet.lines[:4]), SIGNED)
    assert [row.verdict for row in review.decisions] == ["open"] * 4
    assert len(log.history()) == 2
    assert log.read(NOW).taken_in == 0
    log.undo(SIGNED)
    assert verdicts(log) == ["accept", "open", "open", "open"]


def test_a_copy_of_several_reviewers_is_one_batch(log: ReviewLog) -> None:
    copy = blind(log.read(NOW), seed=1)
    for n, row in enumerate(copy.rows):
        row.update(mep3m_decision="accept", reviewer_label=("li", "wang")[n % 2])
    before = cells_of(log)
    copy.lines = list(range(8, 13))
    assert take(log, copy, NOW) == ROWS
    assert {row.reviewer for row in log.read(NOW).decisions} == {"li", "wang"}
    assert log.history()[-1].signature.by == "li, wang"
    log.undo(SIGNED)
    assert cells_of(log) == before


def test_a_person_undoes_what_is_their_own(log: ReviewLog) -> None:
    decide(log, {0: {"mep3m_decision": "accept"}}, by="li")
    decide(log, {1: {"mep3m_decision": "accept"}}, by="wang")
    assert log.undo(SIGNED, own=True).signature.by == "li"
    assert verdicts(log)[:2] == ["open", "accept"]
    with pytest.raises(UsageError, match="no decision is recorded"):
        log.undo(SIGNED, own=True)
    decide(log, {2: {"mep3m_decision": "reject"}}, by="wang")  # ends what could be redone by all, not by li
    log.redo(SIGNED, own=True)
    assert verdicts(log)[:3] == ["accept", "accept", "reject"]
    log.undo(SIGNED)
    assert verdicts(log)[:3] == ["open", "accept", "reject"]


def test_nobody_undoes_what_somebody_else_decided_since(log: ReviewLog) -> None:
    decide(log, {0: {"mep3m_decision": "accept"}}, by="li")
    decide(log, {0: {"mep3m_decision": "reject"}}, by="wang")
    with pytest.raises(DecidedMeanwhileError, match="it is now reject by wang"):
        log.undo(SIGNED, own=True)
    log.undo(Signature("wang", NOW, "undo"), own=True)
    log.undo(SIGNED, own=True)
    decide(log, {0: {"mep3m_decision": "unsure"}}, by="wang")
    with pytest.raises(DecidedMeanwhileError, match="it is now unsure by wang"):
        log.redo(SIGNED, own=True)


places = st.integers(0, ROWS - 1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("decide"), places, st.sampled_from(["accept", "reject", "unsure", ""])),
        st.tuples(st.just("take"), places, st.sampled_from(["accept", "reject"])),
        st.tuples(st.sampled_from(["undo", "redo"]), st.just(0), st.just("")),
    ),
    max_size=14,
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(steps=steps)
@pytest.mark.parametrize("name", MAKERS)
def test_any_sequence_of_steps_leaves_what_two_stacks_say(
    name: str, steps: list[tuple[str, int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    log = MAKERS[name](tmp_path_factory.mktemp("steps"))
    past: list[list[dict[str, str]]] = []
    future: list[list[dict[str, str]]] = []
    for step, place, word in steps:
        now = cells_of(log)
        if step in ("undo", "redo"):
            source, other = (past, future) if step == "undo" else (future, past)
            if not source:
                with pytest.raises(UsageError):
                    getattr(log, step)(SIGNED)
                continue
            getattr(log, step)(SIGNED)
            other.append(now)
            assert cells_of(log) == source.pop()
            continue
        if step == "decide":
            decide(log, {place: {"mep3m_decision": word}})
        elif not _taken(log, place, word):
            assert cells_of(log) == now
            continue
        past.append(now)
        future.clear()
        expected = [*now]
        expected[place] = cells_of(log)[place]
        assert cells_of(log) == expected
        assert expected[place]["mep3m_decision"] == word


def _taken(log: ReviewLog, place: int, word: str) -> bool:
    """Take a copy that decides one row; say whether that changed anything."""
    sheet = log.read(NOW).sheet
    undecided = {"mep3m_decision": "", "reviewer_label": "", "predicate_modifier": ""}
    rows = [{**row, **undecided} for row in sheet.rows]
    rows[place].update(mep3m_decision=word, reviewer_label="wang")
    copy = type(sheet)(sheet.comments, sheet.columns, rows, sheet.lines)
    if verdicts(log)[place] in ("open", "unsure", word):
        return bool(take(log, copy, NOW))
    with pytest.raises(UsageError, match="of the review says"):
        take(log, copy, NOW)
    return False


def test_threads_that_decide_at_once_lose_nothing(log: ReviewLog) -> None:
    keys = log.read(NOW).keys

    def work(place: int) -> None:
        for word in ("accept", "reject") * 3:
            log.decide({keys[place]: {"mep3m_decision": word}}, Signature(str(place), NOW, "test"))

    threads = [threading.Thread(target=work, args=(place,)) for place in range(ROWS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts(log) == ["reject"] * ROWS
    assert len(log.history()) == 6 * ROWS


# --- what only an implementation that outlives its process can show ---

#: decides its own rows again and again, and says each time that it is done
DECIDES = """
import sys
from pathlib import Path
from mep3m.alignment.review.contract import Signature
from tests.alignment.review.test_conformance import LASTING
kind, path, name, turns, *places = sys.argv[1:]
turns, places = int(turns), list(map(int, places))
log = LASTING[kind](Path(path))
keys = log.read("2026-11-25T10:00:00").keys
print("ready", flush=True)
for turn in range(turns):
    cells = {"mep3m_decision": ("accept", "reject")[turn % 2], "mep3m_new_name_en": str(turn)}
    log.decide({keys[place]: cells for place in places}, Signature(name, "2026-11-25T10:00:00", "test"))
    print(turn, flush=True)
"""


def process(kind: str, path: Path, name: str, turns: int, *places: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", DECIDES, kind, str(path), name, str(turns), *map(str, places)]
    started = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return started


@pytest.mark.parametrize("kind", LASTING)
def test_two_processes_that_decide_at_once_lose_nothing(tmp_path: Path, kind: str) -> None:
    path = proposals(tmp_path / "links.tsv")
    both = [process(kind, path, "li", 20, 0, 1), process(kind, path, "wang", 20, 2, 3)]
    assert [one.wait(60) for one in both] == [0, 0]
    for one in both:
        assert one.stdout is not None
        one.stdout.close()
    log = LASTING[kind](path)
    review = log.read(NOW)
    assert review.taken_in == 0
    assert [row.verdict for row in review.decisions] == ["reject"] * 4 + ["open"]
    assert [row.reviewer for row in review.decisions] == ["li", "li", "wang", "wang", None]
    assert sorted(batch.signature.by for batch in log.history()) == ["li"] * 20 + ["wang"] * 20
    assert [file.name for file in tmp_path.iterdir() if "lock" in file.name or "tmp" in file.name] == []


@pytest.mark.parametrize("kind", LASTING)
@pytest.mark.parametrize("seed", range(6))
def test_what_was_acknowledged_before_a_kill_is_in_log_and_sheet(
    tmp_path: Path, kind: str, seed: int
) -> None:
    path, draw = proposals(tmp_path / "links.tsv"), random.Random(seed)
    killed = process(kind, path, "li", 10_000, *range(ROWS))
    time.sleep(draw.uniform(0.0, 0.2))
    killed.send_signal(signal.SIGKILL)
    assert killed.stdout is not None
    acknowledged = len(killed.stdout.read().splitlines())  # complete lines but perhaps the last
    killed.stdout.close()
    killed.wait()
    log = LASTING[kind](path)
    review = log.read(NOW)
    recorded = log.history()
    assert acknowledged <= len(recorded) <= acknowledged + 1
    assert [batch.signature.how for batch in recorded] == ["test"] * len(recorded)  # nothing "by hand"
    if recorded:
        expected = [("accept", "reject")[(len(recorded) - 1) % 2]] * ROWS
        assert [row.verdict for row in review.decisions] == expected
        assert [row.name_en for row in review.decisions] == [str(len(recorded) - 1)] * ROWS
        log.undo(SIGNED)  # the lock went with the process
