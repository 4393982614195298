"""The log of decisions: each is on disk before it is acknowledged, none is ever changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mep3m.database import Database
from mep3m.desk.reviewing.records import FIRST, RESOLUTION, SECOND, ItemVerdict
from mep3m.desk.reviewing.states import refresh
from mep3m.errors import NotFoundError, UsageError
from mep3m.store.append_log import now

_ADD = (
    "INSERT INTO decisions (item, person, verdict, category, time, round, batch, undoes, how) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
#: what one person said last of an item, before the first of some batch
_LAST = (
    "SELECT verdict, category FROM decisions WHERE item = ? AND person = ? AND (round = 3) = ? AND id < ? "
    "ORDER BY id DESC LIMIT 1"
)
_END = 2**62


@dataclass(frozen=True, slots=True)
class Signed:
    """Who decides, in which batch (decided and undone at once, and never recorded twice), and where."""

    person: str
    batch: str
    how: str = "desk"
    resolves: bool = False


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch: items that were recorded, and those that others had decided on as well."""

    items: tuple[int, ...]
    others: tuple[str, ...] = ()
    repeated: bool = False


class DecisionLog:
    """The decisions of one desk; several processes and people may decide at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(self, said: dict[int, ItemVerdict], signed: Signed) -> Recorded:
        """Record what a person says of items, as one batch that is on disk when this returns.

        A batch that was recorded already is acknowledged again, and recorded once.

        Raises:
            NotFoundError: there is no such item or category.
            UsageError: nothing is decided, or the batch has no name, or that of an undo.
        """
        if not said or not signed.batch:
            raise UsageError("nothing was decided; tick at least one product")
        with self._database.change() as change:
            if before := _recorded(change, signed.person, signed.batch, undo=False):
                return Recorded(before, repeated=True)
            _require_known(change, said)
            others = _others(change, said, signed.person)
            when = now()
            change.executemany(_ADD, [_row(item, one, signed, others, when) for item, one in said.items()])
            refresh(change, said)
        names = dict.fromkeys(name for people in others.values() for name in people)
        return Recorded(tuple(said), tuple(names))

    def undo(self, person: str, batch: str) -> Recorded:
        """Take back the last batch of a person that stands: what they had said before it stands again.

        Raises:
            UsageError: nothing of theirs is left to undo, or a decision of theirs has this name.
        """
        with self._database.change() as change:
            if done := _recorded(change, person, batch, undo=True):
                return Recorded(done, repeated=True)
            last = _last_batch(change, person)
            rows = change.execute(
                "SELECT id, item, round FROM decisions WHERE batch = ? AND person = ?", (last, person)
            ).fetchall()
            when = now()
            for row in rows:
                key = (row["item"], person, row["round"] == RESOLUTION, row["id"])
                was = change.execute(_LAST, key).fetchone() or ("withdrawn", None)
                new = (row["item"], person, *was, when, row["round"], batch, last, "undo")
                change.execute(_ADD, new)
            refresh(change, (row["item"] for row in rows))
        return Recorded(tuple(row["item"] for row in rows))

    def record_new(self, said: dict[int, ItemVerdict], signed: Signed) -> int:
        """Record what differs from what the person said last, as one batch, and return how many do."""
        read = self._database.read
        new = {}
        for item, one in said.items():
            was = read.execute(_LAST, (item, signed.person, signed.resolves, _END)).fetchone()
            if was is None or tuple(was) != (one.verdict, one.category):
                new[item] = one
        return len(self.decide(new, signed).items) if new else 0

    def history(self, person: str | None = None, limit: int = 200) -> list[dict[str, Any]]:
        """Return the last decisions, the newest first: who decided what, when."""
        where, values = ("WHERE d.person = ?", [person]) if person else ("", [])
        rows = self._database.read.execute(
            "SELECT d.*, i.own_id, i.platform, i.title, i.queue FROM decisions d "
            f"JOIN items i ON i.id = d.item {where} ORDER BY d.id DESC LIMIT ?",
            (*values, limit),
        )
        return [dict(row) for row in rows]

    def of_person(self, person: str) -> int:
        """Return how many decisions of a person were recorded."""
        counted = "SELECT count(*) FROM decisions WHERE person = ?"
        [(count,)] = self._database.read.execute(counted, (person,)).fetchall()
        return int(count)


def _row(
    item: int, said: ItemVerdict, signed: Signed, others: dict[int, list[str]], when: str
) -> tuple[int, str, str, int | None, str, int, str, None, str]:
    later = SECOND if others.get(item) else FIRST
    turn = RESOLUTION if signed.resolves else later
    return item, signed.person, said.verdict, said.category, when, turn, signed.batch, None, signed.how


def _recorded(change: sqlite3.Connection, person: str, batch: str, undo: bool) -> tuple[int, ...]:
    """Return the items of a batch of a person that was recorded before, if there is one."""
    rows = change.execute(
        "SELECT item, undoes FROM decisions WHERE batch = ? AND person = ?", (batch, person)
    ).fetchall()
    if any((row["undoes"] is not None) != undo for row in rows):
        what = "a decision" if undo else "an undo"
        raise UsageError(f"'{batch}' is the name of {what} of yours; give each batch a name of its own")
    return tuple(row["item"] for row in rows)


def _last_batch(change: sqlite3.Connection, person: str) -> str:
    row = change.execute(
        "SELECT batch FROM decisions d WHERE person = ? AND undoes IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM decisions u WHERE u.undoes = d.batch AND u.person = d.person) "
        "ORDER BY id DESC LIMIT 1",
        (person,),
    ).fetchone()
    if row is None:
        raise UsageError("nothing of yours is left to undo")
    return str(row["batch"])


def _require_known(change: sqlite3.Connection, said: dict[int, ItemVerdict]) -> None:
    known = _present(change, "items", said)
    if unknown := sorted(said.keys() - known):
        raise NotFoundError(f"there is no item {unknown[0]} here; load the page again")
    wanted = {one.category for one in said.values() if one.verdict == "category"}
    if gone := wanted - _present(change, "categories", [one for one in wanted if one is not None]):
        raise NotFoundError(f"there is no category {gone.pop()} here; load the page again")


def _present(change: sqlite3.Connection, table: str, ids: Iterable[int]) -> set[int | None]:
    found: set[int | None] = set()
    for some in chunks(list(ids)):
        places = ", ".join("?" * len(some))
        found |= {row["id"] for row in change.execute(f"SELECT id FROM {table} WHERE id IN ({places})", some)}
    return found


def _others(change: sqlite3.Connection, said: dict[int, ItemVerdict], person: str) -> dict[int, list[str]]:
    """Return who else has decided on items of which somebody else has."""
    found: dict[int, list[str]] = {}
    for some in chunks(list(said)):
        places = ", ".join("?" * len(some))
        rows = change.execute(
            f"SELECT DISTINCT item, person FROM decisions WHERE item IN ({places}) AND person <> ?",
            (*some, person),
        )
        for row in rows:
            found.setdefault(row["item"], []).append(row["person"])
    return found


def chunks(values: Sequence[int], size: int = 500) -> Iterable[Sequence[int]]:
    """Cut a list into lists that one question can name."""
    return (values[start : start + size] for start in range(0, len(values), size))
