"""A review kept in a database beside its file: many decide at once, a decision takes milliseconds.

From the moment that the database is there it is the review, and every command asks it (`open_review`). The
file stays what people read, edit and send: it is written again, with its log, when the database is closed
(`written_form`), and what was edited in it meanwhile is taken in by whoever opens or decides next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from mep3m.alignment.keeping.tables import (
    SCHEMA,
    batch_of,
    batches_from,
    cells_of,
    key_text,
    put_batch,
    put_changes,
    put_rows,
    revision,
    said,
    say,
)
from mep3m.alignment.keeping.written_form import begin, take_in, write_form
from mep3m.alignment.review.contract import (
    Cells,
    DecisionBatch,
    Review,
    ReviewLog,
    RowChange,
    RowKey,
    Signature,
    decided_meanwhile,
    edited_rows,
    no_row,
    redoing,
    repeated,
    require_untouched,
    signed_change,
    taken_back,
    undoing,
)
from mep3m.alignment.review.decisions import parse_decision
from mep3m.alignment.review.file_log import FileReviewLog, stamp
from mep3m.alignment.sheet import Sheet
from mep3m.database import Database
from mep3m.store.append_log import now

#: where the database of a review lies, from the folder of its file: where a desk keeps what is its own
FOLDER = "desk"


def database_of(path: Path) -> Path:
    """Return where the database of a review file lies, whether there is one or not."""
    return path.parent / FOLDER / f"{path.name.removesuffix('.tsv').removesuffix('.sssom')}.sqlite"


@contextmanager
def open_review(path: Path) -> Iterator[ReviewLog]:
    """Open the review of a file: its database where a desk has made one, else the file itself.

    Raises:
        NotFoundError, FormatError: see `decisions.read_review`.
    """
    if not database_of(path).exists():
        yield FileReviewLog(path)
        return
    log = DatabaseReviewLog(path)
    try:
        yield log
    finally:
        log.close()


class DatabaseReviewLog:
    """A `ReviewLog` in a database; see the module."""

    def __init__(self, path: Path) -> None:
        """Open the database of a review file; where there is none, it begins with the file and its history.

        Raises:
            NotFoundError, FormatError: see `decisions.read_review`; the database is damaged.
            StoreError: another process is writing for too long.
        """
        self.path = path
        self.database = Database(database_of(path), SCHEMA)
        try:
            begin(self.database, path)
        except BaseException:
            self.database.close()
            raise

    @property
    def revision(self) -> int:
        """How many batches are recorded."""
        return revision(self.database.read)

    def read(self, when: str) -> Review:
        """Return the review as it is now; see `ReviewLog.read`."""
        taken_in = self._take_in(when)
        connection = self.database.read
        connection.execute("BEGIN")  # rows and revision of one moment
        try:
            return self._review(connection, taken_in)
        finally:
            connection.execute("COMMIT")

    def decide(
        self, wanted: Mapping[RowKey, Cells], signature: Signature, since: int | None = None
    ) -> DecisionBatch:
        """Change cells of rows as one batch; see `ReviewLog.decide`."""
        self._take_in(signature.when)
        with self.database.change() as change:
            changes = [self._change(change, key, cells, signature, since) for key, cells in wanted.items()]
            batch = DecisionBatch(signature, tuple(changes))
            if changes:
                put_batch(change, batch)
                put_changes(change, changes)
            return batch

    def undo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Take back the last batch that stands; see `ReviewLog.undo`."""
        self._take_in(signature.when)
        with self.database.change() as change:
            place = undoing(_outline(change), signature, str(self.path), own)
            [last] = batches_from(change, place, place + 1)
            return self._moved(change, last, taken_back(last, place, signature), own)

    def redo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Repeat the batch that was undone last; see `ReviewLog.redo`."""
        self._take_in(signature.when)
        with self.database.change() as change:
            place = redoing(_outline(change), signature, str(self.path), own)
            [last] = batches_from(change, place, place + 1)
            return self._moved(change, last, repeated(last, place, signature), own)

    def replace(self, sheet: Sheet, signature: Signature) -> Review:
        """Put other rows in the place of the present ones; see `ReviewLog`."""
        with self.database.change() as change:
            changes = edited_rows(sheet, [*batches_from(change)])
            if changes:
                put_batch(change, DecisionBatch(signature, changes))
            lines = [len(sheet.comments) + 2 + place for place in range(len(sheet.rows))]
            rows = Sheet(sheet.comments, sheet.columns, sheet.rows, lines)
            put_rows(change, Review.of(str(self.path), rows))
            # until it is written, the file says what the rows were before: nothing in it is an edit
            say(change, stamp=stamp(self.path) if self.path.exists() else None, other_rows=True)
        return self.read(signature.when)

    def history(self) -> list[DecisionBatch]:
        """Return every batch, oldest first."""
        return list(batches_from(self.database.read))

    def write(self) -> None:
        """Write the review file and its log again, if they lack anything."""
        write_form(self.database, self.path, now())

    def close(self) -> None:
        """Write the file, and close the database."""
        try:
            self.write()
        finally:
            self.database.close()

    def _take_in(self, when: str) -> int:
        return take_in(self.database, self.path, when)

    def _review(self, connection: Connection, taken_in: int) -> Review:
        rows = [cells_of(row) for row in connection.execute("SELECT fixed, own FROM cells ORDER BY place")]
        lines = [line for (line,) in connection.execute("SELECT line FROM links ORDER BY place")]
        comments, columns = (said(connection, name, []) for name in ("comments", "columns"))
        sheet = Sheet(comments, columns, rows, lines)
        return Review.of(str(self.path), sheet, revision(connection), taken_in)

    def _change(
        self, change: Connection, key: RowKey, cells: Cells, signature: Signature, since: int | None
    ) -> RowChange:
        found = _row(change, key)
        if found is None:
            raise no_row(key, str(self.path))
        line, row = found
        if since is not None and _changed_since(change, key, since):
            raise decided_meanwhile(parse_decision(row, line), str(self.path))
        return signed_change(key, row, cells, signature, line)

    def _moved(
        self, change: Connection, last: DecisionBatch, batch: DecisionBatch, own: bool
    ) -> DecisionBatch:
        if own:
            rows = {one.row: found for one in batch.changes if (found := _row(change, one.row)) is not None}
            require_untouched(rows, batch, str(self.path))
        put_batch(change, batch)
        put_changes(change, batch.changes)
        return last


def _row(connection: Connection, key: RowKey) -> tuple[int, dict[str, str]] | None:
    """Return the line and the cells of a row, if it is there."""
    found = connection.execute(
        "SELECT line, fixed, own FROM links JOIN cells USING (place) WHERE key = ?", (key_text(key),)
    ).fetchone()
    return None if found is None else (found["line"], cells_of(found))


def _changed_since(connection: Connection, key: RowKey, since: int) -> bool:
    found = connection.execute(
        "SELECT 1 FROM changes WHERE key = ? AND batch >= ? LIMIT 1", (key_text(key), since)
    )
    return found.fetchone() is not None


def _outline(connection: Connection) -> Sequence[DecisionBatch]:
    """Return the batches without their changes: what says which of them stand."""
    return [batch_of(row) for row in connection.execute("SELECT * FROM batches ORDER BY place")]
