"""A review kept in a file: the sheet that people read and edit, and the log beside it (`FILE.log.jsonl`).

A change takes the file's lock, goes into the log first (one JSON line a batch, on disk when written)
and then into the sheet, which is replaced as a whole. A log line says which sheet it was written for:
where a process was killed between the two, the sheet is still that one, and whoever opens the review
next completes it. A sheet that anybody edited is another one: it counts as it is, and what it says
otherwise than the log is recorded as decided by hand.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mep3m.alignment.review.contract import (
    Cells,
    DecisionBatch,
    Review,
    RowChange,
    RowKey,
    Signature,
    as_meant,
    changes_for,
    edited_rows,
    redoing,
    repeated,
    require_untouched,
    rows_by_key,
    taken_back,
    undoing,
    with_changes,
)
from mep3m.alignment.review.decisions import read_review
from mep3m.alignment.review.file_lock import file_lock
from mep3m.alignment.sheet import Sheet
from mep3m.errors import FormatError, Mep3mError, UsageError
from mep3m.store.append_log import append_line, read_lines

BY_HAND = "by hand"
#: errors of a folder that cannot be written
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class FileReviewLog:
    """A `ReviewLog` in a review file and the log beside it; see the module."""

    def __init__(self, path: Path) -> None:
        """Name the review file; nothing is read yet."""
        self.path = path
        self.log = path.with_name(path.name + ".log.jsonl")

    def read(self, when: str) -> Review:
        """Return the review; complete what a killed process left, record what was edited by hand.

        In a folder that cannot be written, the review is returned all the same.

        Raises:
            NotFoundError, FormatError: see `decisions.read_review`; nothing is recorded then.
        """
        review, _, written, by_hand = self._state()
        if written and not by_hand:
            return review
        try:
            with file_lock(self.path):
                return self._opened(when)[0]
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            return replace(review, taken_in=len(by_hand))

    def decide(
        self, wanted: Mapping[RowKey, Cells], signature: Signature, since: int | None = None
    ) -> DecisionBatch:
        """Change cells of rows as one batch; see `ReviewLog.decide`."""
        with file_lock(self.path):
            review, history = self._opened(signature.when)
            changes = changes_for(review, history, wanted, signature, since)
            batch = DecisionBatch(signature, changes)
            if changes:
                self._commit(review, batch)
            return batch

    def undo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Take back the last batch that stands; see `ReviewLog.undo`."""
        with file_lock(self.path):
            review, history = self._opened(signature.when)
            place = undoing(history, signature, str(self.path), own)
            return self._moved(review, history[place], taken_back(history[place], place, signature), own)

    def redo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Repeat the batch that was undone last; see `ReviewLog.redo`."""
        with file_lock(self.path):
            review, history = self._opened(signature.when)
            place = redoing(history, signature, str(self.path), own)
            return self._moved(review, history[place], repeated(history[place], place, signature), own)

    def replace(self, sheet: Sheet, signature: Signature) -> Review:
        """Write other rows, and then record where they say otherwise than the log; see `ReviewLog`.

        The sheet comes first here, because the log alone could not complete it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with file_lock(self.path):
            sheet.write(self.path)
            history = self.history()
            changes = edited_rows(sheet, history)
            if changes:
                append_line(self.log, line_of(DecisionBatch(signature, changes)))
            return Review.of(str(self.path), sheet, len(history) + bool(changes))

    def history(self) -> list[DecisionBatch]:
        """Return every batch, oldest first.

        Raises:
            FormatError: a line of the log is not a batch.
        """
        batches = []
        for number, line in enumerate(read_lines(self.log), start=1):
            try:
                batches.append(_batch(line))
            except (KeyError, TypeError, ValueError) as error:
                raise FormatError(
                    f"{self.log}: record {number} is not a batch of decisions: {error!r}"
                ) from None
        return batches

    def _state(self) -> tuple[Review, list[DecisionBatch], bool, tuple[RowChange, ...]]:
        """Return review and history, whether the file says all of the review, and the edits the log lacks."""
        history = self.history()
        read, _ = read_review(self.path)
        sheet = as_meant(read, history)
        if history and history[-1].replaced == stamp(self.path):
            sheet = with_changes(sheet, history[-1].changes)
        by_hand = edited_rows(sheet, history)
        return Review.of(str(self.path), sheet, len(history)), history, sheet is read, by_hand

    def _opened(self, when: str) -> tuple[Review, list[DecisionBatch]]:
        """Return review and history, both complete; the lock is held."""
        review, history, written, by_hand = self._state()
        if not written:
            review.sheet.write(self.path)
        if by_hand:
            history.append(DecisionBatch(Signature("", when, BY_HAND), by_hand))
            append_line(self.log, line_of(history[-1]))
        return replace(review, revision=len(history), taken_in=len(by_hand)), history

    def _moved(self, review: Review, last: DecisionBatch, batch: DecisionBatch, own: bool) -> DecisionBatch:
        if own:
            require_untouched(rows_by_key(review), batch, str(self.path))
        self._commit(review, batch)
        return last

    def _commit(self, review: Review, batch: DecisionBatch) -> None:
        append_line(self.log, line_of(replace(batch, replaced=stamp(self.path))))
        with_changes(review.sheet, batch.changes).write(self.path)


def stamp(path: Path) -> str:
    """Return what tells one state of a file from another: its number, its time in ns and its size."""
    state = path.stat()
    return f"{state.st_ino}-{state.st_mtime_ns}-{state.st_size}"


def require_replaceable(path: Path) -> None:
    """Refuse a place for a table of proposals where something would be lost.

    Raises:
        UsageError: a file stands there that is no table of proposals, or in which people have decided.
    """
    if not path.exists():
        return
    try:
        sheet, decisions = read_review(path)
    except Mep3mError as error:
        raise UsageError(
            f"{path} exists and is no table of proposals; name another file, or delete it ({error})"
        ) from None
    said = zip(sheet.rows, decisions, strict=True)  # an exported set says its decisions in SSSOM's own words
    if decided := sum(bool(row.get("mep3m_decision")) and one.verdict != "open" for row, one in said):
        raise UsageError(
            f"{path} holds {decided:,} decisions of people, which would be lost; name another file "
            f"(afterwards 'mep3m align migrate {path} OTHER' brings the decisions into new proposals)"
        )


def line_of(batch: DecisionBatch) -> dict[str, Any]:
    """Return a batch as its line in the log; what it does not have is left out."""
    said = batch.signature
    line: dict[str, Any] = {"time": said.when, "how": said.how}
    optional = {
        "by": said.by or None, "undoes": batch.undoes, "redoes": batch.redoes, "sheet": batch.replaced
    }  # fmt: skip
    line |= {key: value for key, value in optional.items() if value is not None}
    changes = [{"row": c.row, "before": dict(c.before), "after": dict(c.after)} for c in batch.changes]
    return line | {"changes": changes}


def _batch(line: Mapping[str, Any]) -> DecisionBatch:
    changes = tuple(RowChange(_key(c["row"]), c["before"], c["after"]) for c in line["changes"])
    signature = Signature(line.get("by", ""), line["time"], line["how"])
    return DecisionBatch(signature, changes, line.get("undoes"), line.get("redoes"), line.get("sheet"))


def _key(row: Any) -> RowKey:
    source, category, other_source, other, number = row
    return source, category, other_source, other, int(number)
