"""Decisions in a review file, with an append-only log beside it that remembers and undoes them.

The file is what counts: a person may edit it in any editor, a web desk may edit it through `decide`.
The log (`FILE.log.jsonl`) holds one line a batch of changes, with the cells before and after.
Changes that were made by hand are found by comparing the file with the log, and recorded too, so
that they can be undone like the others.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mep3m import __version__
from mep3m.alignment.review.decisions import Decision, parse_decision, read_review
from mep3m.alignment.review.sssom import REVIEWED
from mep3m.alignment.sheet import Sheet
from mep3m.errors import Mep3mError, UsageError
from mep3m.store.append_log import append_line, read_lines

DECIDED = ("mep3m_decision", "mep3m_new_name_zh", "mep3m_new_name_en", "reviewer_label")
EDITABLE = (*DECIDED, "predicate_id", "mapping_date", "mapping_tool_version", "mapping_justification")
HIDDEN = ("confidence", "mep3m_accepted_by_method", "mep3m_evidence", "comment")

#: rows that one range of lines may name
MOST_LINES = 1_000_000

#: which row: subject source and id, object source and id, and the how-manieth row of that pair
Key = tuple[str, str, str, str, int]


@dataclass
class Review:
    """An open review file; `sheet.rows` and `decisions` run in the same order."""

    path: Path
    sheet: Sheet
    decisions: list[Decision]

    @property
    def log(self) -> Path:
        """The log beside the file."""
        return self.path.with_name(self.path.name + ".log.jsonl")

    def index(self, line: int) -> int:
        """Return the place of the row at a line of the file.

        Raises:
            UsageError: no row begins there.
        """
        try:
            return self.sheet.lines.index(line)
        except ValueError:
            first, last = (self.sheet.lines[0], self.sheet.lines[-1]) if self.sheet.lines else (0, 0)
            raise UsageError(
                f"no row begins at line {line} of {self.path}; rows are {first} to {last}"
            ) from None


def open_review(path: Path, when: str) -> tuple[Review, int]:
    """Open a review file and record what was decided in it by hand; return how many rows that was.

    `when` is the date and time for the log.

    Raises:
        NotFoundError, FormatError: see `decisions.read_review`; nothing is recorded then.
    """
    sheet, decisions = read_review(path)
    review = Review(path, sheet, decisions)
    known = _replay(review.log)
    changes = []
    for key, row in zip(row_keys(sheet), sheet.rows, strict=True):
        before = known.get(key) or _undecided(row)
        after = _editable(row)
        if before != after and (key in known or any(row.get(column) for column in DECIDED)):
            changes.append({"row": key, "before": before, "after": after})
    if changes:
        append_line(review.log, {"time": when, "how": "by hand", "changes": changes})
    return review, len(changes)


def require_replaceable(path: Path) -> None:
    """Refuse a place for a table of proposals where something would be lost.

    Raises:
        UsageError: a file stands there that is no table of proposals, or in which people have decided.
    """
    if not path.exists():
        return
    try:
        decisions = read_review(path)[1]
    except Mep3mError as error:
        raise UsageError(
            f"{path} exists and is no table of proposals; name another file, or delete it ({error})"
        ) from None
    if decided := sum(decision.verdict != "open" for decision in decisions):
        raise UsageError(
            f"{path} holds {decided:,} decisions of people, which would be lost; name another file "
            f"(afterwards 'mep3m align migrate {path} OTHER' brings the decisions into new proposals)"
        )


def decide(
    review: Review, changes: Mapping[int, Mapping[str, str]], reviewer: str, when: str, how: str
) -> None:
    """Change cells of rows (by place), record them in the log, and write the file.

    A row that gets a decision also gets the reviewer, the date and the version of the tool. The log
    is written first: after a crash between the two, nothing is lost and the log says what was meant.

    Raises:
        UsageError: a value would make the file unreadable.
    """
    keys = row_keys(review.sheet)
    batch = []
    for place, cells in changes.items():
        row = review.sheet.rows[place]
        before = _editable(row)
        signed = {
            "reviewer_label": reviewer,
            "mapping_date": when[:10],
            "mapping_tool_version": __version__,
            "mapping_justification": REVIEWED,
        }
        changed = {**row, **signed, **cells}
        try:
            review.decisions[place] = parse_decision(changed, review.sheet.lines[place])
        except ValueError as error:
            raise UsageError(f"line {review.sheet.lines[place]}: {error}") from None
        batch.append({"row": keys[place], "before": before, "after": _editable(changed)})
    _commit(review, {"time": when, "how": how, "by": reviewer, "changes": batch})


def undo(path: Path, when: str) -> dict[str, Any]:
    """Take back the last batch of decisions that stands, and return it.

    Raises:
        UsageError: there is none.
    """
    review, _ = open_review(path, when)
    standing: list[int] = []
    batches = read_lines(review.log)
    for number, batch in enumerate(batches):
        if "undoes" in batch:
            standing.remove(batch["undoes"])
        else:
            standing.append(number)
    if not standing:
        raise UsageError(f"{path}: no decision is recorded that could be undone")
    last = batches[standing[-1]]
    keys = {key: place for place, key in enumerate(row_keys(review.sheet))}
    back = [
        {"row": change["row"], "before": change["after"], "after": change["before"]}
        for change in last["changes"]
        if tuple(change["row"]) in keys
    ]
    _commit(review, {"time": when, "how": "undo", "undoes": standing[-1], "changes": back})
    return last


def blind(review: Review, seed: int) -> Sheet:
    """Return the open rows without score, evidence and the method's decision, in an order of `seed`."""
    rows = [
        {column: "" if column in HIDDEN else cell for column, cell in row.items()}
        for row, decision in zip(review.sheet.rows, review.decisions, strict=True)
        if decision.verdict in ("open", "unsure")
    ]
    random.Random(seed).shuffle(rows)
    return Sheet([*review.sheet.comments, f"#mep3m_blind: seed {seed}"], list(review.sheet.columns), rows)


def take(review: Review, other: Sheet, when: str) -> int:
    """Bring the decisions of another copy (a blind one) into the review; return how many rows changed.

    Raises:
        UsageError: the copy decides a row that the review does not have, or decides it otherwise.
    """
    places = {key: place for place, key in enumerate(row_keys(review.sheet))}
    by_reviewer: dict[str, dict[int, dict[str, str]]] = {}
    problems: list[str] = []
    for key, (line, row) in zip(row_keys(other), other, strict=True):
        decision = parse_decision(row, line)
        place = places.get(key)
        if decision.verdict == "open":
            continue
        if place is None:
            problems.append(f"line {line}: the review has no such row: {decision.link}")
            continue
        mine = review.decisions[place].verdict
        if mine not in ("open", "unsure", decision.verdict):
            at = review.sheet.lines[place]
            problems.append(f"line {line}: '{decision.verdict}', but line {at} of the review says '{mine}'")
        elif _editable(row) != _editable(review.sheet.rows[place]):
            cells = {column: row[column] for column in EDITABLE if row.get(column)}
            by_reviewer.setdefault(decision.reviewer or "", {})[place] = cells
    if problems:
        raise UsageError("nothing was taken over:\n  " + "\n  ".join(problems[:20]))
    for reviewer, changes in by_reviewer.items():
        decide(review, changes, reviewer, when, "taken from a copy")
    return sum(len(changes) for changes in by_reviewer.values())


def parse_lines(text: str) -> list[int]:
    """Return the line numbers of '12', '12,15' or '12-20'.

    Raises:
        UsageError: the text is none of these.
    """
    lines: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + MOST_LINES:
            raise UsageError(f"'{text}' names no lines; write for example 12 or 12,15 or 12-20")
        lines += range(first, last + 1)
    return lines


def row_keys(sheet: Sheet) -> list[Key]:
    """Return what identifies each row: its pair, and which row of that pair it is."""
    seen: Counter[tuple[str, ...]] = Counter()
    keys: list[Key] = []
    for row in sheet.rows:
        left = row.get("subject_source") or "left", row["subject_id"]
        right = row.get("object_source") or "right", row["object_id"]
        seen[(*left, *right)] += 1
        keys.append((*left, *right, seen[(*left, *right)]))
    return keys


def _editable(row: Mapping[str, str]) -> dict[str, str]:
    return {column: row.get(column, "") for column in EDITABLE}


def _undecided(row: Mapping[str, str]) -> dict[str, str]:
    return {column: "" if column in DECIDED else row.get(column, "") for column in EDITABLE}


def _replay(log: Path) -> dict[Key, dict[str, str]]:
    """Return the cells of every row that the log knows, as it last left them."""
    state: dict[Key, dict[str, str]] = {}
    for batch in read_lines(log):
        for change in batch["changes"]:
            state[tuple(change["row"])] = change["after"]
    return state


def _commit(review: Review, batch: Mapping[str, Any]) -> None:
    append_line(review.log, batch)
    places = {key: place for place, key in enumerate(row_keys(review.sheet))}
    changes: Sequence[Mapping[str, Any]] = batch["changes"]
    _add_columns(review.sheet, (column for change in changes for column in change["after"]))
    for change in changes:
        review.sheet.rows[places[tuple(change["row"])]].update(change["after"])
    review.sheet.write(review.path)
    review.decisions = [parse_decision(row, line) for line, row in review.sheet]


def _add_columns(sheet: Sheet, columns: Iterable[str]) -> None:
    """Add the columns that a spreadsheet or another tool left out."""
    sheet.columns += [column for column in dict.fromkeys(columns) if column not in sheet.columns]
