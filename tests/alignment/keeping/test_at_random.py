"""A review in a database and its file in many hands: desks, spreadsheets, kills, and what the tables say."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mep3m.alignment.keeping.database_log import DatabaseReviewLog
from mep3m.alignment.keeping.queue import SHOWN, LinkFilter, Queue, Shown
from mep3m.alignment.review.contract import Cells, RowKey, Signature, editable
from mep3m.alignment.review.decisions import Decision, read_review
from mep3m.alignment.review.file_log import BY_HAND, FileReviewLog
from mep3m.alignment.review.order import review_order
from mep3m.alignment.review.sssom import PREDICATES
from tests.alignment.review.test_reviews_at_random import spreadsheet
from tests.alignment.shops import NOW, decide, proposals

ROWS = 5
VERDICTS = ["accept", "reject", "unsure", ""]
PLACES, WORDS, SEEDS = st.integers(0, ROWS - 1), st.sampled_from(VERDICTS), st.integers(0, 10**6)


def words(rows: list[Decision]) -> list[str]:
    return ["" if row.verdict == "open" else row.verdict for row in rows]


class Desks(RuleBasedStateMachine):
    """The review must say what two lists say: what it says now, and what its file was written with."""

    folder: Path

    @initialize()
    def propose(self) -> None:
        self.path = self.folder / f"{time.monotonic_ns()}" / "review.sssom.tsv"
        self.path.parent.mkdir()
        proposals(self.path)
        self.log = DatabaseReviewLog(self.path)
        self.now, self.written = [""] * ROWS, [""] * ROWS
        #: rows that were decided after the file had been written: it does not know them
        self.unknown: set[int] = set()
        #: the same before the last decision, unless the file was written since
        self.unknown_before: set[int] | None = None

    @rule(place=PLACES, word=WORDS)
    def decide_here(self, place: int, word: str) -> None:
        decide(self.log, {place: {"mep3m_decision": word}})
        self.now[place] = word
        self.unknown_before = set(self.unknown)
        self.unknown.add(place)

    @rule()
    def write(self) -> None:
        self.log.write()
        self.written, self.unknown, self.unknown_before = list(self.now), set(), None
        assert words(list(read_review(self.path)[1])) == self.now

    @rule(seed=SEEDS)
    def save_elsewhere(self, seed: int) -> None:
        """A spreadsheet that saves the file edits nothing, however old the file is."""
        self.written_is_so()
        spreadsheet(self.path, seed)
        assert self.log.read(NOW).taken_in == 0

    @rule(place=PLACES, word=WORDS)
    def edit_the_file(self, place: int, word: str) -> None:
        sheet = read_review(self.path)[0]
        if "mep3m_decision" not in sheet.columns:
            sheet.columns.append("mep3m_decision")
        before = self.written[place]
        sheet.rows[place]["mep3m_decision"] = word
        sheet.write(self.path)
        self.log.read(NOW)
        self.written[place] = word
        if place not in self.unknown and word != before:
            self.now[place] = word

    @rule()
    def be_killed(self) -> None:
        """Whoever comes next has all that was acknowledged, though nobody wrote the file."""
        self.log.database.close()
        self.log = DatabaseReviewLog(self.path)

    @precondition(lambda self: not self.unknown)
    @rule()
    def lose_the_database(self) -> None:
        """Once the file is written, it holds everything: the database is made again from it."""
        self.log.close()
        history = [(batch.signature, batch.undoes) for batch in self.log_of_file().history()]
        for file in self.log.database.path.parent.iterdir():
            file.unlink()
        self.log = DatabaseReviewLog(self.path)
        assert [(batch.signature, batch.undoes) for batch in self.log.history()] == history
        self.written = list(self.now)

    @precondition(lambda self: self.log.history() and self.log.history()[-1].signature.how == "test")
    @rule()
    def take_back(self) -> None:
        last = self.log.undo(Signature("li", NOW, "undo"))
        keys = self.log.read(NOW).keys
        for change in last.changes:
            self.now[keys.index(change.row)] = change.before["mep3m_decision"]
            self.unknown.add(keys.index(change.row))
        if self.unknown_before is not None:  # the row is what it was, and so is what the file knows of it
            self.unknown = self.unknown_before

    def log_of_file(self) -> FileReviewLog:
        return FileReviewLog(self.path)

    def written_is_so(self) -> None:
        rows = read_review(self.path)[0].rows
        assert [row.get("mep3m_decision", "") for row in rows] == self.written

    @invariant()
    def it_says_so(self) -> None:
        if hasattr(self, "log"):
            assert words(list(self.log.read(NOW).decisions)) == self.now
            assert Queue(self.log.database.read).progress() == {
                verdict or "open": self.now.count(verdict) for verdict in VERDICTS
            }

    def teardown(self) -> None:
        if hasattr(self, "log"):
            self.log.close()
            assert words(list(read_review(self.path)[1])) == self.now


def test_an_edit_after_a_decision_was_taken_back_counts(tmp_path: Path) -> None:
    """Nobody's decision stands in that row: there is nothing that the file could have failed to know."""
    log = DatabaseReviewLog(proposals(tmp_path / "review.sssom.tsv"))
    decide(log, {2: {"mep3m_decision": "accept"}})
    log.undo(Signature("li", NOW, "undo"))
    sheet = read_review(log.path)[0]
    sheet.rows[2]["mep3m_decision"] = "accept"
    sheet.write(log.path)
    assert words(list(log.read(NOW).decisions)) == ["", "", "accept", "", ""]
    log.close()


@pytest.mark.parametrize("word", ["", "accept", "unsure"])
def test_who_takes_the_word_reject_away_takes_the_denial_away(tmp_path: Path, word: str) -> None:
    log = DatabaseReviewLog(proposals(tmp_path / "review.sssom.tsv"))
    decide(log, {2: {"mep3m_decision": "reject"}})
    log.write()
    sheet = read_review(log.path)[0]
    for _ in range(2):  # a spreadsheet that stays open saves what it read again
        sheet.rows[2]["mep3m_decision"] = word
        sheet.write(log.path)
        assert words(list(log.read(NOW).decisions)) == ["", "", word, "", ""]
    log.write()
    assert words(list(read_review(log.path)[1])) == ["", "", word, "", ""]
    log.close()


def test_any_sequence_of_desks_and_spreadsheets(tmp_path: Path) -> None:
    machine = type("DesksHere", (Desks,), {"folder": tmp_path})
    limits = settings(max_examples=15, stateful_step_count=10, deadline=None)
    run_state_machine_as_test(machine, settings=limits)  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> DatabaseReviewLog:
    """A review that a hundred steps were made in, some of them taken back."""
    log = DatabaseReviewLog(proposals(tmp_path_factory.mktemp("review") / "review.sssom.tsv"))
    draw = random.Random(5)
    for _ in range(100):
        step = draw.random()
        if step < 0.2 and log.history():
            log.undo(Signature("li", NOW, "undo"))
            continue
        cells = {"mep3m_decision": draw.choice(VERDICTS), "predicate_id": draw.choice([*PREDICATES.values()])}
        if cells["predicate_id"] == PREDICATES["overlaps"]:
            cells["mep3m_decision"] = draw.choice(["reject", "unsure", ""])
        decide(log, {draw.randrange(ROWS): cells})
    return log


@settings(max_examples=100, deadline=None)
@given(
    shown=st.sampled_from(SHOWN),
    relation=st.sampled_from(["", *PREDICATES]),
    bounds=st.tuples(*[st.none() | st.sampled_from([0, 0.1, 0.4, 0.9, 0.99, 1])] * 2),
    name=st.sampled_from(["", "手机", "家电", "电 > 空", "移动电源", "none"]),
)
def test_a_filter_finds_what_a_loop_finds(
    decided: DatabaseReviewLog,
    shown: Shown,
    relation: Any,
    bounds: tuple[float | None, float | None],
    name: str,
) -> None:
    wanted = LinkFilter(shown, "", relation, *bounds, name)
    review = decided.read(NOW)
    verdicts = {"waiting": ("open", "unsure"), "all": ("open", "unsure", "accept", "reject")}
    found = [
        key
        for key, row in zip(review.keys, review.decisions, strict=True)
        if row.verdict in verdicts.get(shown, (shown,))
        and relation in ("", row.relation)
        and (row.probability or 0) >= (bounds[0] or 0)
        and (row.probability or 0) <= (1 if bounds[1] is None else bounds[1])
        and any(name in text for text in (row.left.id, row.right.id))
    ]
    queue = Queue(decided.database.read)
    assert queue.keys(wanted) == found
    assert queue.count(wanted) == len(found)


def test_the_columns_that_are_searched_say_what_the_rows_say(decided: DatabaseReviewLog) -> None:
    review = decided.read(NOW)
    queue = Queue(decided.database.read)
    waiting = [one.decision.line for one in review_order(review)]
    assert [one.waits.decision.line for one in queue.examples(LinkFilter())] == waiting
    for place, (key, decision) in enumerate(zip(review.keys, review.decisions, strict=True)):
        asked = queue.link(place)
        assert asked is not None
        assert (asked.key, asked.waits.decision, queue.place_of(key)) == (key, decision, place)


def test_a_history_played_again_in_a_file_ends_in_the_same_rows(
    decided: DatabaseReviewLog, tmp_path: Path
) -> None:
    """What the database kept of each row before and after is a chain without gaps, and the file's too."""
    states: dict[RowKey, Cells | None] = dict.fromkeys(decided.read(NOW).keys)
    for batch in decided.history():
        assert batch.signature.how != BY_HAND
        for change in batch.changes:
            before = states[change.row]
            assert before is None or _filled(before) == _filled(change.before)
            states[change.row] = change.after
    review = decided.read(NOW)
    for key, row in zip(review.keys, review.sheet.rows, strict=True):
        after = states[key]
        assert after is None or _filled(after) == _filled(editable(row))


def _filled(cells: Cells) -> dict[str, str]:
    return {column: cell for column, cell in cells.items() if cell}
