"""A review in many hands: decided here, saved by spreadsheets, undone, cut off in the middle of a write."""

import csv
import io
import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mep3m.alignment.review.contract import DECIDED, Signature
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_log import FileReviewLog
from mep3m.alignment.review.migrate import migrate_decisions
from mep3m.alignment.review.sssom import REQUIRED
from mep3m.alignment.sheet import read_sheet
from mep3m.store.append_log import read_lines
from tests.alignment.shops import decide, proposals

NOW = "2026-11-25T10:00:00"
ROWS = 5
VERDICTS = ["accept", "reject", "unsure", ""]
#: the same word as other people write it
SPELLINGS = {
    "accept": ["accept", "Accept", "接受", " YES "],
    "reject": ["REJECT", "否"],
    "unsure": ["?", "待定"],
    "": ["", "open"],
}


def spreadsheet(path: Path, seed: int) -> None:
    """Save the file as some program might: other separators, quotes, encodings, columns, empty rows."""
    draw = random.Random(seed)
    sheet = read_sheet(path, REQUIRED)
    columns = list(sheet.columns)
    draw.shuffle(columns)
    empty = [
        name for name in columns if name not in REQUIRED and not any(row.get(name) for row in sheet.rows)
    ]
    columns = [name for name in columns if name not in empty or draw.random() < 0.5]
    columns += ["mine"] * (draw.random() < 0.5 and "mine" not in columns)
    file = io.StringIO(newline="")
    writer = csv.writer(
        file,
        delimiter=draw.choice("\t,;"),
        lineterminator=draw.choice(["\n", "\r\n"]),
        quoting=draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    )
    for comment in sheet.comments:
        writer.writerow([comment] + [""] * draw.choice([0, len(columns) - 1]))
    writer.writerow(columns)
    for row in sheet.rows:
        cells = {**row, "predicate_id": draw.choice([str.upper, str.lower, str])(row["predicate_id"])}
        cells["mapping_date"] = row.get("mapping_date", "").replace("-", draw.choice("-/."))
        writer.writerow([cells.get(name, "") for name in columns] + [""] * draw.choice([0, 2]))
        if draw.random() < 0.3:
            writer.writerow([""] * len(columns))
    path.write_bytes(file.getvalue().encode(draw.choice(["utf-8", "utf-8-sig", "utf-16", "gb18030"])))


def verdicts(path: Path) -> dict[str, str]:
    """Return what the file says of each pair; '' where it is open."""
    return {
        f"{row.left.id} | {row.right.id}": "" if row.verdict == "open" else row.verdict
        for row in read_review(path)[1]
    }


class Desk(RuleBasedStateMachine):
    """The file must always say what a plain dictionary with a stack of its earlier states says."""

    @initialize()
    def propose(self) -> None:
        self.folder = Path(os.environ["REVIEWS_AT_RANDOM"])
        self.path = self.folder / f"{time.monotonic_ns()}.tsv"
        proposals(self.path)
        self.said = verdicts(self.path)
        self.before: list[dict[str, str]] = []

    @rule(place=st.integers(0, ROWS - 1), verdict=st.sampled_from(VERDICTS))
    def decide_here(self, place: int, verdict: str) -> None:
        log = FileReviewLog(self.path)
        assert log.read(NOW).taken_in == 0
        decide(log, {place: {"mep3m_decision": verdict}}, when=NOW)
        self.before.append(dict(self.said))
        self.said[list(self.said)[place]] = verdict

    @rule(seed=st.integers(0, 10**6))
    def save_elsewhere(self, seed: int) -> None:
        """Saving changes no decision, whatever the program does to the file."""
        spreadsheet(self.path, seed)
        assert FileReviewLog(self.path).read(NOW).taken_in == 0

    @rule(place=st.integers(0, ROWS - 1), verdict=st.sampled_from(VERDICTS), seed=st.integers(0, 10**6))
    def decide_by_hand(self, place: int, verdict: str, seed: int) -> None:
        sheet = read_sheet(self.path, REQUIRED)
        key = list(self.said)[place]
        row = next(row for row in sheet.rows if f"{row['subject_id']} | {row['object_id']}" == key)
        if "mep3m_decision" not in sheet.columns:
            sheet.columns.append("mep3m_decision")
        row["mep3m_decision"] = random.Random(seed).choice(SPELLINGS[verdict])
        sheet.write(self.path)
        spreadsheet(self.path, seed)
        if FileReviewLog(self.path).read(NOW).taken_in:
            self.before.append(dict(self.said))
        self.said[key] = verdict

    @precondition(lambda self: self.before)
    @rule()
    def take_back(self) -> None:
        FileReviewLog(self.path).undo(Signature("li", NOW, "undo"))
        self.said = self.before.pop()

    @precondition(lambda self: self.before)
    @rule(cut=st.integers(1, 40))
    def lose_power_while_logging(self, cut: int) -> None:
        """A line that was never finished is as if it had never been begun."""
        log = self.path.with_name(self.path.name + ".log.jsonl")
        whole = log.read_bytes()
        torn = b'{"time":"2026-11-25T10:00:00","how":"test","changes":[]}'
        log.write_bytes(whole + torn[:cut])
        assert len(read_lines(log)) == len(whole.splitlines())
        log.write_bytes(whole)

    @invariant()
    def the_file_says_so(self) -> None:
        if hasattr(self, "path"):
            written = verdicts(self.path)
            assert {key: written[key] for key in self.said} == self.said


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REVIEWS_AT_RANDOM", str(tmp_path))
    return tmp_path


def test_any_sequence_of_hands_is_kept_and_undone(folder: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    limits = settings(max_examples=25, stateful_step_count=12, deadline=None)
    run_state_machine_as_test(Desk, settings=limits)  # type: ignore[no-untyped-call]
    assert list(folder.glob("*.tsv"))


@pytest.mark.parametrize("seed", range(8))
def test_a_review_migrated_into_its_own_proposals_is_the_same(folder: Path, seed: int) -> None:
    """However it was saved, nothing is lost, nothing is listed, and migrating again changes nothing."""
    path = proposals(folder / "old.tsv")
    fresh = read_sheet(proposals(folder / "new.tsv"), REQUIRED)
    draw = random.Random(seed)
    words = {place: {"mep3m_decision": draw.choice(VERDICTS[:3])} for place in draw.sample(range(ROWS), 3)}
    decide(FileReviewLog(path), words, when=NOW)
    said = verdicts(path)
    spreadsheet(path, seed)
    once = migrate_decisions(read_sheet(path, REQUIRED), fresh)
    assert (once.kept, once.again) == (3, ())
    once.sheet.write(folder / "now.tsv")
    assert verdicts(folder / "now.tsv") == said
    twice = migrate_decisions(read_sheet(folder / "now.tsv", REQUIRED), fresh)
    assert [[row.get(column, "") for column in DECIDED] for row in twice.sheet.rows] == [
        [row.get(column, "") for column in DECIDED] for row in once.sheet.rows
    ]
