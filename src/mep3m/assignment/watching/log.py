"""The log of a watch: filings that were drawn for audit, what people said of them, and branches that fell.

It lies beside a promise and is only appended to; what belongs to another promise is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mep3m.alignment.review.file_lock import file_lock
from mep3m.label_tree.tree import LabelPath
from mep3m.store.append_log import append_line, now, read_lines

#: a file of this name beside a promise holds the log
LOG = ".watch.jsonl"


class Key(NamedTuple):
    """A product by the user's own id, and its platform where the data tells shops apart."""

    id: str
    platform: str | None


@dataclass(frozen=True)
class WatchLog:
    """The log of the promise with this id."""

    file: Path
    promise: str

    @classmethod
    def of(cls, promise: Path, identity: str) -> WatchLog:
        """Return the log beside the file of a promise."""
        return cls(promise.with_name(promise.name + LOG), identity)

    def lines(self, event: str) -> Iterator[dict[str, Any]]:
        """Yield what the log says of one kind of event, in order."""
        for line in read_lines(self.file):
            if line.get("promise") == self.promise and line.get("event") == event:
                yield line

    def append(self, event: str, **facts: Any) -> None:
        """Add a line that is on disk when this returns."""
        with file_lock(self.file):
            append_line(self.file, {"event": event, "promise": self.promise, "at": now(), **facts})

    def drawn(self) -> dict[Key, LabelPath]:
        """Return the filings that were drawn for audit, with the path that each was filed at."""
        return {
            Key(one["id"], one["platform"]): tuple(one["path"])
            for line in self.lines("drawn")
            for one in line["filings"]
        }

    def audited(self) -> dict[Key, bool]:
        """Return what people said of drawn filings: whether each is right, in the order it was recorded."""
        return {
            Key(one["id"], one["platform"]): bool(one["right"])
            for line in self.lines("audited")
            for one in line["filings"]
        }

    def answers(self) -> list[Path]:
        """Return the files of answers that were drawn from."""
        return list(dict.fromkeys(Path(line["answers"]) for line in self.lines("drawn")))

    def fallen(self) -> list[LabelPath]:
        """Return the branches that fell, in order."""
        return list(dict.fromkeys(tuple(line["branch"]) for line in self.lines("fallen")))
