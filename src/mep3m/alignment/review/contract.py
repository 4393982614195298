"""The contract of a review: what every keeper of decisions (a file, a database) can do, and its records.

A decision is durable before it is acknowledged, and there is one door for all of them: `ReviewLog`.
What the batches of a history mean (which stand, what they left in each row) is said here once, so
that every implementation gives the same answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mep3m import __version__
from mep3m.alignment.review.decisions import WORDS, Decision, parse_decision
from mep3m.alignment.review.sssom import NOT, REVIEWED
from mep3m.alignment.sheet import Sheet
from mep3m.errors import UsageError

#: cells that a person fills in
DECIDED = ("mep3m_decision", "mep3m_new_name_zh", "mep3m_new_name_en", "reviewer_label")
#: cells that a decision may change; the history keeps them as they were before and after
EDITABLE = (*DECIDED, "predicate_id", "mapping_date", "mapping_tool_version", "mapping_justification")

#: which row: subject source and id, object source and id, and which row of that pair (from 1)
RowKey = tuple[str, str, str, str, int]
#: cells by column
Cells = Mapping[str, str]


class DecidedMeanwhileError(UsageError):
    """A row was decided by somebody else after it had been read; nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who changes something, when (ISO date and time), and how or why: 'command line', 'undo'."""

    by: str
    when: str
    how: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row in a batch, with its cells of `EDITABLE` before and after."""

    row: RowKey
    before: Cells
    after: Cells


@dataclass(frozen=True, slots=True)
class DecisionBatch:
    """Changes that were made at once, and are undone at once.

    `undoes` and `redoes` are the place in the history of the batch that this one takes back or
    repeats. `replaced` is what the sheet was (`file_log.stamp`) when a file's log recorded the batch.
    """

    signature: Signature
    changes: tuple[RowChange, ...]
    undoes: int | None = None
    redoes: int | None = None
    replaced: str | None = None


@dataclass(frozen=True)
class Review:
    """What a review says at one moment; `sheet.rows`, `decisions` and `keys` run in the same order.

    `revision` counts the batches recorded so far; `taken_in` the rows that were edited elsewhere (in a
    spreadsheet) and recorded by this reading.
    """

    name: str
    sheet: Sheet
    decisions: Sequence[Decision]
    keys: Sequence[RowKey]
    revision: int = 0
    taken_in: int = 0

    @classmethod
    def of(cls, name: str, sheet: Sheet, revision: int = 0, taken_in: int = 0) -> Review:
        """Return the review that a sheet is.

        Raises:
            ValueError: a row cannot be understood.
        """
        decisions = [parse_decision(row, line) for line, row in sheet]
        return cls(name, sheet, decisions, row_keys(sheet), revision, taken_in)

    def index(self, line: int) -> int:
        """Return the place of the row at a line of the sheet.

        Raises:
            UsageError: no row begins there.
        """
        try:
            return self.sheet.lines.index(line)
        except ValueError:
            first, last = (self.sheet.lines[0], self.sheet.lines[-1]) if self.sheet.lines else (0, 0)
            raise UsageError(
                f"no row begins at line {line} of {self.name}; rows are {first} to {last}"
            ) from None


class ReviewLog(Protocol):
    """A review with everything that was ever decided in it; several writers may use it at once.

    A change is on disk when a method returns. A writer that has to wait too long for another one is
    told so with a `StoreError`.
    """

    def read(self, when: str) -> Review:
        """Return the review as it is now; what was edited elsewhere is recorded with `when`."""

    def decide(
        self, wanted: Mapping[RowKey, Cells], signature: Signature, since: int | None = None
    ) -> DecisionBatch:
        """Change cells of rows as one batch and return it; where nothing is wanted, nothing is recorded.

        A row that gets a decision also gets the reviewer, the date and the version of the tool, unless
        its own cells say otherwise. `since` is the revision that the decisions were based on.

        Raises:
            UsageError: there is no such row, or a value cannot be understood; nothing is recorded.
            DecidedMeanwhileError: one of the rows has changed after revision `since`.
        """

    def undo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Take back the last batch that stands, and return it; with `own` the last of who signs.

        Raises:
            UsageError: there is none.
            DecidedMeanwhileError: somebody else has changed one of the rows of `own` since.
        """

    def redo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Repeat the batch that was undone last, and return it; with `own` the last of who signs.

        Raises:
            UsageError: nothing was undone, or something was decided since (with `own`: by who signs).
            DecidedMeanwhileError: somebody else has changed one of the rows of `own` since.
        """

    def replace(self, sheet: Sheet, signature: Signature) -> Review:
        """Put other rows in the place of the present ones: new proposals that hold earlier decisions."""

    def history(self) -> list[DecisionBatch]:
        """Return every batch, oldest first."""


def row_keys(sheet: Sheet) -> list[RowKey]:
    """Return what identifies each row: its pair, and which row of that pair it is."""
    seen: Counter[tuple[str, ...]] = Counter()
    keys: list[RowKey] = []
    for row in sheet.rows:
        left = row.get("subject_source") or "left", row["subject_id"]
        right = row.get("object_source") or "right", row["object_id"]
        seen[(*left, *right)] += 1
        keys.append((*left, *right, seen[(*left, *right)]))
    return keys


def editable(row: Cells) -> dict[str, str]:
    """Return the cells that a decision may change."""
    denial = ("predicate_modifier",) if "predicate_modifier" in row else ()
    return {column: row.get(column, "") for column in (*EDITABLE, *denial)}


def with_columns(cells: Cells, other: Cells) -> dict[str, str]:
    """Return cells with the columns that only the other cells have, which are empty here."""
    return {**dict.fromkeys(other, ""), **cells}


def changes_for(
    review: Review,
    history: Sequence[DecisionBatch],
    wanted: Mapping[RowKey, Cells],
    signature: Signature,
    since: int | None,
) -> tuple[RowChange, ...]:
    """Return the signed changes that `ReviewLog.decide` records, or raise as it says."""
    places = {key: place for place, key in enumerate(review.keys)}
    later = {
        change.row
        for batch in history[len(history) if since is None else since :]
        for change in batch.changes
    }
    changes = []
    for key, cells in wanted.items():
        if key not in places:
            raise no_row(key, review.name)
        row, line = review.sheet.rows[places[key]], review.sheet.lines[places[key]]
        if key in later:
            raise decided_meanwhile(review.decisions[places[key]], review.name)
        changes.append(signed_change(key, row, cells, signature, line))
    return tuple(changes)


def signed_change(key: RowKey, row: Cells, cells: Cells, signature: Signature, line: int) -> RowChange:
    """Return what a decision makes of one row.

    Raises:
        UsageError: a value cannot be understood.
    """
    changed = {**row, **_signed(signature), **cells}
    if row.get("predicate_modifier"):  # the decision is said anew: a denial of before must not stand
        changed["predicate_modifier"] = ""
    try:
        verdict = parse_decision(changed, line).verdict
    except ValueError as error:
        raise UsageError(f"line {line}: {error}") from None
    if verdict == "reject":  # other tools know no other word for it
        changed["predicate_modifier"] = NOT
    after = editable(changed)
    return RowChange(key, with_columns(editable(row), after), after)


def no_row(key: RowKey, name: str) -> UsageError:
    """Return the error for a row that a review does not have."""
    return UsageError(f"{name} has no row for {key[0]} '{key[1]}' and {key[2]} '{key[3]}'")


def decided_meanwhile(now: Decision, name: str) -> DecidedMeanwhileError:
    """Return the error for a row that was changed meanwhile; `now` is what it says."""
    return DecidedMeanwhileError(
        f"line {now.line} of {name} was changed meanwhile: it is now "
        f"{now.verdict}{f' by {now.reviewer}' if now.reviewer else ''}; look at it and decide again"
    )


def as_meant(sheet: Sheet, history: Iterable[DecisionBatch]) -> Sheet:
    """Return an edited sheet without the denials that an earlier `reject` of this review wrote beside it.

    Who empties the word `reject`, or writes another, does not see the modifier in a column far to the right.
    A denial that no decision here has written is another tool's word, and stays.
    """
    denied = {place for place, row in enumerate(sheet.rows) if row.get("predicate_modifier")}
    denied = {place for place in denied if not _is_reject(sheet.rows[place])}
    if not denied:
        return sheet
    keys = row_keys(sheet)
    asked = {keys[place] for place in denied}
    changes = (change for batch in history for change in batch.changes)
    ours = {change.row for change in changes if change.row in asked and _is_reject(change.after)}
    rows = [
        {**row, "predicate_modifier": ""} if place in denied and keys[place] in ours else row
        for place, row in enumerate(sheet.rows)
    ]
    return replace(sheet, rows=rows)


def _is_reject(cells: Cells) -> bool:
    return WORDS.get(cells.get("mep3m_decision", "").strip().lower()) == "reject"


def edited_rows(sheet: Sheet, history: Sequence[DecisionBatch]) -> tuple[RowChange, ...]:
    """Return what the sheet says otherwise than the history: the edits that no batch has recorded."""
    known = {change.row: change.after for batch in history for change in batch.changes}
    changes = []
    for key, row in zip(row_keys(sheet), sheet.rows, strict=True):
        after = editable(row)
        before = known.get(key) or {c: "" if c in DECIDED else row.get(c, "") for c in EDITABLE}
        # a saved table may lack empty columns
        before, after = with_columns(before, after), with_columns(after, before)
        if before != after and (key in known or any(row.get(column) for column in DECIDED)):
            changes.append(RowChange(key, before, after))
    return tuple(changes)


def with_changes(sheet: Sheet, changes: Sequence[RowChange]) -> Sheet:
    """Return the sheet with the changes; rows that it does not have are passed over.

    Columns that a spreadsheet or another tool left out are added.
    """
    after = {change.row: change.after for change in changes}
    new = dict.fromkeys(column for cells in after.values() for column in cells)
    columns = [*sheet.columns, *(column for column in new if column not in sheet.columns)]
    rows = [{**row, **after.get(key, {})} for key, row in zip(row_keys(sheet), sheet.rows, strict=True)]
    return Sheet(sheet.comments, columns, rows, sheet.lines)


def undoing(history: Sequence[DecisionBatch], signature: Signature, name: str, own: bool = False) -> int:
    """Return the place of the last batch that stands; with `own` of the last that who signs recorded.

    Raises:
        UsageError: there is none.
    """
    standing, _ = _stacks(history, signature.by if own else None)
    if not standing:
        raise UsageError(f"{name}: no decision is recorded that could be undone")
    return standing[-1]


def redoing(history: Sequence[DecisionBatch], signature: Signature, name: str, own: bool = False) -> int:
    """Return the place of the batch that was undone last; with `own` of those that who signs recorded.

    Raises:
        UsageError: nothing was undone, or something was decided since.
    """
    _, undone = _stacks(history, signature.by if own else None)
    if not undone:
        raise UsageError(f"{name}: nothing was undone since the last decision, so nothing can be redone")
    return undone[-1]


def taken_back(last: DecisionBatch, place: int, signature: Signature) -> DecisionBatch:
    """Return the batch that takes back the one at a place of the history."""
    back = tuple(RowChange(change.row, change.after, change.before) for change in last.changes)
    return DecisionBatch(signature, back, undoes=place)


def repeated(last: DecisionBatch, place: int, signature: Signature) -> DecisionBatch:
    """Return the batch that repeats the one at a place of the history."""
    return DecisionBatch(signature, last.changes, redoes=place)


def require_untouched(rows: Mapping[RowKey, tuple[int, Cells]], batch: DecisionBatch, name: str) -> None:
    """See that rows (with their lines) are as a batch found them: nothing decided since is swept away.

    Raises:
        DecidedMeanwhileError: one of the rows is not; rows that are gone are passed over.
    """
    for change in batch.changes:
        line, row = rows.get(change.row, (0, None))
        if row is None:
            continue
        now = editable(row)
        if with_columns(now, change.before) != with_columns(change.before, now):
            raise decided_meanwhile(parse_decision(row, line), name)


def rows_by_key(review: Review) -> dict[RowKey, tuple[int, Cells]]:
    """Return the line and the cells of every row of a review."""
    return dict(zip(review.keys, review.sheet, strict=True))


def _stacks(history: Sequence[DecisionBatch], by: str | None) -> tuple[list[int], list[int]]:
    """Return the places of the batches that stand, and of those that were undone and can be redone.

    With `by` only that person's batches are looked at, whoever undid them.
    """
    standing: list[int] = []
    undone: list[int] = []
    for place, batch in enumerate(history):
        of = batch.undoes if batch.undoes is not None else batch.redoes
        if by is not None and history[place if of is None else of].signature.by != by:
            continue
        if of is None:
            standing.append(place)
            undone.clear()
        elif batch.undoes is not None:
            _move(of, standing, undone)
        else:
            _move(of, undone, standing)
    return standing, undone


def _move(place: int, there: list[int], here: list[int]) -> None:
    if place in there[-1:]:
        there.pop()
    elif place in there:
        there.remove(place)
    here.append(place)


def _signed(signature: Signature) -> dict[str, str]:
    return {
        "reviewer_label": signature.by,
        "mapping_date": signature.when[:10],
        "mapping_tool_version": __version__,
        "mapping_justification": REVIEWED,
    }
