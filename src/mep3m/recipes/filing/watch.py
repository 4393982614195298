"""Watch what is filed: draw filings for audit, bet against the promise, take back branches that lost."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.assignment.watching.fallen import FallenBranches, write_fallen
from mep3m.assignment.watching.log import Key, WatchLog
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.evaluation.promises import drift
from mep3m.evaluation.promises.betting import at_least, at_most, fell
from mep3m.exports.rows import ending, row_file
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.recipes.filing.answered import Answered, read_answers, require_some
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import PATH_SEPARATOR

#: share of filings that are drawn for audit
SHARE = 0.02
#: levels whose branches are watched, beside the whole
WATCHED = 2
#: how people say whether a filing is right
YES, NO = {"yes", "y", "1", "true", "right", "是", "对"}, {"no", "n", "0", "false", "wrong", "否", "错"}
COLUMNS = ("id", "platform", "title", "category", "right")


@dataclass(frozen=True)
class Watch:
    """The watch over one promise: its file, and the tree that it was tested on."""

    file: Path
    promise: Promise
    tree: LabelTree

    @classmethod
    def open(cls, file: Path, run: Path | None = None) -> Watch:
        """Open the watch beside a promise; `run` is the run where it is not where it was.

        Raises:
            NotFoundError: there is no promise, or no run.
            ModelError: the promise was changed, or is of another run or tree.
        """
        promise = Promise.load(file)
        opened = Run.open(run or Path(promise.run))
        if opened.trained_tree.version != promise.taxonomy or opened.version != promise.model:
            raise UsageError(
                f"{file} was made for another model or category tree than {opened.folder}; name its own run "
                "with --run"
            )
        return cls(file, promise, opened.trained_tree)

    @property
    def log(self) -> WatchLog:
        """What was drawn, audited and taken back so far."""
        return WatchLog.of(self.file, self.promise.id)

    def draw(self, answers: Sequence[Path], out: Path, share: float = SHARE, seed: int = 0) -> dict[str, Any]:
        """Draw a share of the filings in files of answers into a table for people, and return the counts.

        Whether a filing is drawn depends on its id, the promise and the seed alone: not on the files, their
        order, or what was drawn before.

        Raises:
            UsageError: no file is named, none of the answers was filed under this promise, or `out` exists.
        """
        require_some(list(answers))
        ending(out, (".csv",))
        if out.exists():
            raise UsageError(f"{out} exists, and people may be filling it in; name another --out")
        before, filed = self.log.drawn(), 0
        drawn: list[tuple[Path, Answered]] = []
        for file in answers:
            for one in read_answers(file):
                if one.decision != "filed" or one.promise != self.promise.id:
                    continue
                filed += 1
                if one.key not in before and _chance(self.promise.id, seed, one.key) < share:
                    drawn.append((file, one))
        if not filed:
            raise UsageError(
                f"no answer was filed under {self.file} (promise {self.promise.id}); file with "
                "'mep3m assign --promise'"
            )
        write_todo(out, [one for _, one in drawn])
        for file in answers:
            mine = [_filing(one) for origin, one in drawn if origin == file]
            self.log.append("drawn", answers=str(file.resolve()), share=share, seed=seed, filings=mine)
        return {"filed": filed, "drawn": len(drawn), "drawn_before": len(before), "out": str(out)}

    def record(self, audited: Path) -> dict[str, Any]:
        """Take in what people said of drawn filings, and return the state after it.

        A branch whose bets have won falls back from now on, in every process that files under the promise.

        Raises:
            UsageError: a row was not drawn, or says neither yes nor no.
        """
        drawn, known = self.log.drawn(), self.log.audited()
        new = []
        for key, right in read_audited(audited, drawn):
            if key in known and known[key] != right:
                raise UsageError(
                    f"{audited}: '{key.id}' was recorded as {'right' if known[key] else 'wrong'} before; a "
                    "test that goes on while it is changed proves nothing. Leave the row out"
                )
            if key not in known:
                new.append({"id": key.id, "platform": key.platform, "right": right})
        if new:
            self.log.append("audited", filings=new)
        for branch, told in self._lost():
            if branch not in self.log.fallen():
                self.log.append("fallen", branch=list(branch), **told)
        return self.status() | {"recorded": len(new)}

    def status(self) -> dict[str, Any]:
        """Return the state of the watch, and write which branches fell where their file was lost."""
        fallen = self.log.fallen()
        if fallen:
            write_fallen(self.file, self.promise.id, FallenBranches(tuple(fallen)))
        return self.state()

    def state(self) -> dict[str, Any]:
        """Return the state of the watch as its log has it, and write nothing."""
        fallen = self.log.fallen()
        drawn, audited = self.log.drawn(), self.log.audited()
        return {
            "promise": self.promise.id,
            "precision": self.promise.precision,
            "drawn": len(drawn),
            "audited": len(audited),
            "open": len(drawn) - len(audited),
            "branches": [self._told(path, wrong, path in fallen) for path, wrong in self._outcomes().items()],
            "fallen": [list(path) for path in fallen],
        }

    def undo(self, out: Path) -> int:
        """List the filings below the branches that fell into a table, and return how many there are.

        Raises:
            NotFoundError: a file of answers that was drawn from is gone.
        """
        found = self.to_undo()
        write_undo(out, found)
        return len(found)

    def to_undo(self) -> list[Answered]:
        """Return the filings below the branches that fell, of every file that was drawn from.

        Raises:
            NotFoundError: such a file is gone.
        """
        fallen = self.log.fallen()
        return [
            one
            for file in self.log.answers()
            for one in read_answers(file)
            if one.decision == "filed"
            and one.promise == self.promise.id
            and any(one.path[: len(path)] == path for path in fallen)
        ]

    def drift(self, answers: Sequence[Path]) -> list[dict[str, Any]]:
        """Return by how much the products of each file of answers differ from the audited ones.

        Raises:
            UsageError: the promise was made before it kept what its audit was like.
        """
        require_some(list(answers))
        reference = self.promise.details.get("reference")
        if reference is None:
            raise UsageError(
                f"{self.file} does not say what its audit was like; make it again with 'mep3m guarantee'"
            )
        found = []
        for file in answers:
            rows = list(read_answers(file))
            batch = drift.counted(
                [one.title for one in rows], [one.key.platform for one in rows],
                [one.probability for one in rows], [one.picture for one in rows],
            )  # fmt: skip
            told = drift.effects(reference, batch)
            counts = {"n": len(rows), "pictures": sum(one.picture is not None for one in rows)}
            found.append({"answers": str(file), **counts, **told, "told": told["effect"] > drift.TOLD})
        return found

    def _outcomes(self) -> dict[LabelPath, NDArray[np.bool_]]:
        """Return for the whole and each branch which audited filings in it are wrong, in recorded order."""
        drawn = self.log.drawn()
        found: dict[LabelPath, list[bool]] = {(): []}
        for key, right in self.log.audited().items():
            path = drawn.get(key, ())
            for depth in range(min(len(path), WATCHED) + 1):
                found.setdefault(path[:depth], []).append(not right)
        return {path: np.array(wrong, dtype=bool) for path, wrong in sorted(found.items())}

    def _alpha(self, branch: LabelPath) -> float:
        """Return the chance of a false alarm that a branch may have: the whole has half of it all."""
        allowed = (1 - self.promise.confidence) / 2
        if not branch:
            return allowed
        level = self.tree.nodes(len(branch))
        return float(allowed / min(WATCHED, self.tree.depth) / (level.stop - level.start))

    def _promised(self, branch: LabelPath) -> float:
        """Return the precision that is promised in a branch."""
        own = {part.branch: part.precision for part in self.promise.parts}
        return own.get(branch[0], self.promise.precision) if branch else self.promise.precision

    def _lost(self) -> Iterable[tuple[LabelPath, dict[str, Any]]]:
        for branch, wrong in self._outcomes().items():
            after = fell(wrong, self._promised(branch), self._alpha(branch))
            if after is not None:
                yield branch, {"after": after, "errors": int(wrong[:after].sum())}

    def _told(self, branch: LabelPath, wrong: NDArray[np.bool_], fallen: bool) -> dict[str, Any]:
        alpha = self._alpha(branch)
        return {
            "branch": list(branch),
            "audited": len(wrong),
            "errors": int(wrong.sum()),
            "promised": self._promised(branch),
            "at_most": at_most(wrong, alpha),
            "at_least": at_least(wrong, alpha),
            "fallen": fallen,
        }


def _chance(promise: str, seed: int, key: Key) -> float:
    """Return a number from 0 to 1 that depends on a product, the promise and the seed alone."""
    text = f"{seed}|{promise}|{key.platform}|{key.id}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def _filing(one: Answered) -> dict[str, Any]:
    return {"id": one.key.id, "platform": one.key.platform, "path": list(one.path)}


def _cells(one: Answered) -> list[str | None]:
    return [one.key.id, one.key.platform, one.title, PATH_SEPARATOR.join(one.names)]


def write_todo(out: Path, drawn: Sequence[Answered]) -> None:
    """Write the table that people fill in: `right` is yes or no."""
    with row_file(out, pa.schema([(name, pa.string()) for name in COLUMNS])) as write:
        write([[*_cells(one), None] for one in drawn])


def write_undo(out: Path, found: Sequence[Answered]) -> None:
    """Write the table of filings that are to be taken back; it appears whole."""
    with atomic_write(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS[:-1])
        writer.writerows(_cells(one) for one in found)


def read_audited(file: Path, drawn: Mapping[Key, LabelPath]) -> Iterator[tuple[Key, bool]]:
    """Yield the drawn filings that people decided; rows without a word in `right` are left for later.

    Raises:
        NotFoundError: there is no such file.
        FormatError: a column is missing.
        UsageError: a row was not drawn, or says neither yes nor no.
    """
    if not file.exists():
        raise NotFoundError(f"{file} does not exist; 'mep3m watch draw' writes the table to fill in")
    with file.open(encoding="utf-8-sig", newline="") as table:
        rows = csv.DictReader(table)
        if not {"id", "right"} <= set(rows.fieldnames or ()):
            raise FormatError(
                f"{file} has no columns 'id' and 'right'; fill in the table of 'mep3m watch draw'"
            )
        for number, row in enumerate(rows, start=2):
            said = (row["right"] or "").strip().lower()
            if not said:
                continue
            key = Key(_plain(row["id"]), _plain(row.get("platform")) or None)
            if key not in drawn:
                raise UsageError(
                    f"{file}, line {number}: '{key.id}' was not drawn for audit; only what chance has drawn "
                    "may count"
                )
            if said not in YES | NO:
                raise UsageError(f"{file}, line {number}: right = '{said}' is not allowed: write yes or no")
            yield key, said in YES


def _plain(cell: str | None) -> str:
    """Return a cell without the apostrophe that keeps a spreadsheet from computing it."""
    text = cell or ""
    return text[1:] if text.startswith("'") and text[1:2] in ("=", "@", "+", "-", "\t", "\r") else text
