"""A review in memory: the smallest `ReviewLog` there can be, and the second that passes its suite."""

import threading
from collections.abc import Mapping, Sequence

from mep3m.alignment.review.contract import (
    Cells,
    DecisionBatch,
    Review,
    RowKey,
    Signature,
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
from mep3m.alignment.sheet import Sheet


class MemoryReviewLog:
    """Rows and batches in two attributes, and a lock around every change."""

    def __init__(self, sheet: Sheet) -> None:
        """Begin with these rows."""
        self._sheet, self._batches = sheet, list[DecisionBatch]()
        self._lock = threading.Lock()

    def read(self, when: str) -> Review:
        """Return the review; nobody can edit it elsewhere."""
        return Review.of("memory", self._sheet, len(self._batches))

    def decide(
        self, wanted: Mapping[RowKey, Cells], signature: Signature, since: int | None = None
    ) -> DecisionBatch:
        """Change cells of rows as one batch."""
        with self._lock:
            changes = changes_for(self.read(signature.when), self._batches, wanted, signature, since)
            batch = DecisionBatch(signature, changes)
            self._add([batch] if changes else [])
            return batch

    def undo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Take back the last batch that stands."""
        with self._lock:
            place = undoing(self._batches, signature, "memory", own)
            return self._moved(place, taken_back(self._batches[place], place, signature), own)

    def redo(self, signature: Signature, own: bool = False) -> DecisionBatch:
        """Repeat the batch that was undone last."""
        with self._lock:
            place = redoing(self._batches, signature, "memory", own)
            return self._moved(place, repeated(self._batches[place], place, signature), own)

    def replace(self, sheet: Sheet, signature: Signature) -> Review:
        """Put other rows in the place of the present ones."""
        with self._lock:
            self._sheet = sheet
            changes = edited_rows(sheet, self._batches)
            self._add([DecisionBatch(signature, changes)] if changes else [])
            return self.read(signature.when)

    def history(self) -> list[DecisionBatch]:
        """Return every batch, oldest first."""
        return list(self._batches)

    def _moved(self, place: int, batch: DecisionBatch, own: bool) -> DecisionBatch:
        if own:
            require_untouched(rows_by_key(self.read("")), batch, "memory")
        self._add([batch])
        return self._batches[place]

    def _add(self, batches: Sequence[DecisionBatch]) -> None:
        for batch in batches:
            self._batches.append(batch)
            self._sheet = with_changes(self._sheet, batch.changes)
