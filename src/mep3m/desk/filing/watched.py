"""What became of filings: the state of the watch, what each file of answers holds, what is taken back."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mep3m.desk.folder import PROMISE, DeskFolder
from mep3m.errors import Mep3mError, UsageError
from mep3m.recipes.filing.answered import Answered, read_answers
from mep3m.recipes.filing.watch import Watch, write_undo
from mep3m.service.service import Service
from mep3m.service.versions import facts_of

#: the table of what is taken back lies beside the promise under its name and this
UNDO = ".undo.csv"
#: seconds that a page waits for all files of answers together to be counted; then it says that they are
PATIENCE = 0.5


@dataclass(frozen=True)
class AnswerFile:
    """One file of answers: rows by decision, when it was written, and how unlike the audit it is."""

    file: Path
    rows: int
    decisions: dict[str, int]
    written: str
    drift: dict[str, Any] | None

    @property
    def filed(self) -> float | None:
        """The share of rows that is filed."""
        return self.decisions.get("filed", 0) / self.rows if self.rows else None


class WatchBoard:
    """The watch over the promise of a folder, and the files of answers beside it.

    Files are counted once, beside the requests, and again when they change.
    """

    def __init__(
        self, folder: DeskFolder, promise: Path | None, answers: Sequence[Path], service: Service | None
    ) -> None:
        self._folder, self._given, self._service = folder, tuple(answers), service
        self._named = promise
        self._opened: tuple[Any, Watch] | None = None
        self._counted: dict[Path, tuple[Any, Future[AnswerFile]]] = {}
        self._turn = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "answers")

    @property
    def promise(self) -> Path | None:
        """The promise that was named, else the first that lay in the folder: one that goes is missed."""
        self._named = self._named or self._folder.promise
        return self._named

    def watch(self) -> Watch | None:
        """Return the watch; `None` without a promise.

        Raises:
            Mep3mError: the promise is damaged, or is not of the run in the folder.
        """
        promise = self.promise
        if promise is None:
            return None
        seen = facts_of(promise)
        if self._opened is None or self._opened[0] != seen:
            self._opened = (seen, self._open(promise))
        return self._opened[1]

    def batches(self) -> tuple[list[AnswerFile], list[str]]:
        """Return what the files of answers hold, and what keeps others from being told.

        Raises:
            Mep3mError: see `watch`.
        """
        watch = self.watch()
        drawn = watch.log.answers() if watch is not None else []
        files = dict.fromkeys([*self._folder.answers, *(one.resolve() for one in self._given), *drawn])
        counted = {file: self._count(file, watch) for file in files}
        wait(counted.values(), PATIENCE)
        found, lacking = [], []
        for file, batch in counted.items():
            try:
                found.append(batch.result(0))
            except TimeoutError:
                lacking.append(f"{file.name}: …")
            except Mep3mError as error:
                lacking.append(str(error))
        return sorted(found, key=lambda one: one.written, reverse=True), lacking

    def to_undo(self) -> tuple[list[Answered], str]:
        """Return the filings below branches that fell back, and a mark that changes when they do.

        Raises:
            UsageError: there is no promise, or nothing to take back.
            NotFoundError: a file that was drawn from is gone.
        """
        watch = self.watch()
        found = watch.to_undo() if watch is not None else []
        if watch is None or not watch.log.fallen():
            raise UsageError("no branch has fallen back: there is nothing to undo")
        keys = repr([(one.key, one.path) for one in found])
        return found, hashlib.blake2b(keys.encode(), digest_size=16).hexdigest()

    def undo(self, mark: str) -> int:
        """Write the table of what is taken back, if that is still what `mark` was shown for.

        Raises:
            UsageError: it has changed since, or see `to_undo`.
        """
        found, now = self.to_undo()
        if mark != now:
            raise UsageError("what is to be undone has changed since it was shown; look at it again")
        write_undo(self.table, found)
        return len(found)

    @property
    def run(self) -> Path:
        """The run that a promise is to be made for."""
        return self._folder.run or Path("RUN")

    @property
    def suggested(self) -> Path:
        """Where a promise is found."""
        return self._folder.path / PROMISE

    @property
    def table(self) -> Path:
        """The table of what is taken back."""
        promise = self.promise or self._folder.path
        return promise.with_name(promise.name + UNDO)

    def _open(self, promise: Path) -> Watch:
        policy = self._service.version.policy if self._service is not None else None
        if self._service is not None and policy is not None and policy.file == promise:
            return Watch(promise, policy.promise, self._service.version.run.trained_tree)
        return Watch.open(promise, self._folder.run)

    def _count(self, file: Path, watch: Watch | None) -> Future[AnswerFile]:
        seen = (facts_of(file), watch.promise.id if watch is not None else None)
        with self._turn:
            known = self._counted.get(file)
            if known is None or known[0] != seen:
                known = self._counted[file] = (seen, self._thread.submit(_read, file, watch))
        return known[1]


def _read(file: Path, watch: Watch | None) -> AnswerFile:
    decisions = Counter(one.decision for one in read_answers(file))
    written = (
        datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(" ", "minutes").removesuffix("+00:00")
    )
    try:
        drift = watch.drift([file])[0] if watch is not None else None
    except UsageError:
        drift = None  # a promise that does not say what its audit was like
    return AnswerFile(file, decisions.total(), dict(decisions), written, drift)
