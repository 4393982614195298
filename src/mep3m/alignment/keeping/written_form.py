"""The review file of a database: how the database begins with it, takes in its edits, and writes it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection

from mep3m.alignment.keeping.tables import (
    batches_from,
    cells_of,
    key_of,
    put_batch,
    put_rows,
    revision,
    said,
    say,
)
from mep3m.alignment.review.contract import (
    DECIDED,
    Cells,
    DecisionBatch,
    Review,
    RowChange,
    RowKey,
    Signature,
    as_meant,
    editable,
    row_keys,
    with_changes,
    with_columns,
)
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_lock import file_lock
from mep3m.alignment.review.file_log import BY_HAND, FileReviewLog, line_of, stamp
from mep3m.alignment.sheet import Sheet
from mep3m.database import Database
from mep3m.store.append_log import append_line, now, read_lines

#: how the batch is called that puts a decision of the desk back where the file was edited without knowing it
KEPT = "decided before the file was edited"


def begin(database: Database, path: Path) -> None:
    """Fill an empty database with a review file and its history; one that is filled stays as it is.

    Raises:
        NotFoundError, FormatError: see `decisions.read_review`.
    """
    if said(database.read, "written", None) is not None:
        return
    log = FileReviewLog(path)
    review = log.read(now())
    state, history = stamp(path), log.history()
    with database.change() as change:
        if said(change, "written", None) is not None:
            return
        for batch in history:
            put_batch(change, batch)
        put_rows(change, review)
        say(change, stamp=state, written=len(history), other_rows=False)


def take_in(database: Database, path: Path, when: str) -> int:
    """Record what was edited in the file since it was written, and return how many rows that are.

    The file's rows and columns are those of the review from then on. A row that was decided in the database
    after the file had been written keeps that decision; what the file said stands in the history before it.

    Raises:
        FormatError: the file cannot be understood any more; nothing is recorded.
    """
    if not path.exists() or said(database.read, "stamp", None) == stamp(path):
        return 0
    with database.change() as change:
        state = stamp(path)
        if said(change, "stamp", None) == state:
            return 0
        read, _ = read_review(path)
        sheet = as_meant(read, batches_from(change, 0))
        present = _present(change)
        states = _states(change)
        edits, kept = _edits(sheet, present, states)
        for how, changes in ((BY_HAND, edits), (KEPT, kept)):
            if changes:
                put_batch(change, DecisionBatch(Signature("", when, how), tuple(changes)))
        edited = {one.row for one in edits} - {one.row for one in kept}
        stands = [key for key in states if key in present and key not in edited]
        decided = [RowChange(key, present[key], present[key]) for key in stands]
        put_rows(change, Review.of(str(path), with_changes(sheet, decided)))
        say(change, stamp=state, other_rows=said(change, "other_rows", False) or sheet is not read)
        return len(edits)


def write_form(database: Database, path: Path, when: str) -> None:
    """Write the file and its log again if they lack anything; what was edited in it is taken in first."""
    if not _stale(database.read, path):
        return
    with file_lock(path):
        take_in(database, path, when)
        with database.change() as change:
            if not _stale(change, path):
                return
            rows = [cells_of(row) for row in change.execute("SELECT fixed, own FROM cells ORDER BY place")]
            sheet = Sheet(said(change, "comments", []), said(change, "columns", []), rows)
            _write_history(change, FileReviewLog(path).log)
            sheet.write(path)
            change.executemany("UPDATE links SET line = ? WHERE place = ? AND line <> ?",
                               ((line, place, line) for place, line in enumerate(sheet.lines)))  # fmt: skip
            say(change, stamp=stamp(path), written=revision(change), other_rows=False)


def _stale(connection: Connection, path: Path) -> bool:
    return (
        not path.exists()
        or said(connection, "stamp", None) != stamp(path)
        or said(connection, "written", -1) != revision(connection)
        or said(connection, "other_rows", False)
    )


def _write_history(change: Connection, log: Path) -> None:
    """Append the batches that the log lacks; one that other programs wrote into is written anew."""
    present, written = len(read_lines(log)), said(change, "written", 0)
    if present not in (written, revision(change)):
        log.unlink()
        present = 0
    for batch in batches_from(change, present):
        append_line(log, line_of(batch))


def _edits(
    sheet: Sheet, present: Mapping[RowKey, Cells], states: Mapping[RowKey, Sequence[Cells]]
) -> tuple[list[RowChange], list[RowChange]]:
    """Return what was edited in the file, and what counts again after it: decisions that it did not know."""
    edits, kept = [], []
    for key, row in zip(row_keys(sheet), sheet.rows, strict=True):
        new = editable(row)
        now = present.get(key) or {column: "" if column in DECIDED else new[column] for column in new}
        known = states.get(key, ())
        if any(_same(new, state) for state in (now, *known)):
            continue
        edits.append(RowChange(key, with_columns(now, new), with_columns(new, now)))
        if known and not _same(known[0], now):
            kept.append(RowChange(key, with_columns(new, now), with_columns(now, new)))
    return edits, kept


def _same(one: Cells, other: Cells) -> bool:
    return with_columns(one, other) == with_columns(other, one)


def _present(change: Connection) -> dict[RowKey, Cells]:
    """Return the cells of every row that decisions change."""
    found = change.execute("SELECT key, fixed, own FROM links JOIN cells USING (place)")
    return {key_of(row["key"]): editable(cells_of(row)) for row in found}


def _states(change: Connection) -> dict[RowKey, list[Cells]]:
    """Return what each row that was decided since the file was written has been; first what the file says.

    A killed process may have written the file without recording so: none of these states is an edit.
    """
    states: dict[RowKey, list[Cells]] = {}
    for batch in batches_from(change, said(change, "written", 0)):
        for one in batch.changes:
            if batch.signature.how == BY_HAND:
                states[one.row] = [one.after]
            else:
                states.setdefault(one.row, [one.before]).append(one.after)
    return states
