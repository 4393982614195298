"""What the decisions on an item come to: who is still to be asked, and what is agreed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from mep3m.desk.reviewing.records import RESOLUTION

#: what each person said last of an item, an admin's word on a conflict apart
STANDING = """
    SELECT d.item, d.person, d.verdict, d.category, d.round, d.time, d.id FROM decisions d WHERE {where}
    AND d.id = (
        SELECT max(e.id) FROM decisions e
        WHERE e.item = d.item AND e.person = d.person AND (e.round = 3) = (d.round = 3)
    ) AND d.verdict <> 'withdrawn' ORDER BY d.item, d.id
"""
_ITEMS = 500


@dataclass(frozen=True, slots=True)
class ItemState:
    """Of an item: open, unsure (somebody else should say), conflict (an admin should), or decided."""

    state: str
    verdict: str | None = None
    category: int | None = None
    by: str | None = None
    time: str | None = None

    @property
    def waits(self) -> bool:
        """Whether it is offered to people."""
        return self.state in ("open", "unsure")


def state_of(standing: Sequence[sqlite3.Row], people: int) -> ItemState:
    """Return what the last words of some people come to, where `people` have to agree.

    An admin's word on a conflict counts alone. Who is unsure has been asked, and agrees with nobody.
    """
    resolved = [one for one in standing if one["round"] == RESOLUTION]
    said = [one for one in standing if one["verdict"] != "unsure"]
    verdicts = {(one["verdict"], one["category"]) for one in said}
    if resolved and resolved[-1]["verdict"] != "unsure":
        agreed, count = resolved[-1:], people
    elif len(verdicts) > 1:
        return ItemState("conflict")
    else:
        agreed, count = said, len(said)
    if agreed and count >= people:
        last = agreed[-1]
        by = ", ".join(dict.fromkeys(one["person"] for one in agreed))
        return ItemState("decided", last["verdict"], last["category"], by, last["time"])
    if len(standing) > people:
        return ItemState("conflict")
    return ItemState("unsure" if len(said) < len(standing) else "open")


def refresh(change: sqlite3.Connection, items: Iterable[int]) -> None:
    """Write into items what the decisions on them come to; control items only know that they are."""
    ordered = sorted(set(items))
    for start in range(0, len(ordered), _ITEMS):
        _refresh(change, ordered[start : start + _ITEMS])


def _refresh(change: sqlite3.Connection, items: Sequence[int]) -> None:
    places = ", ".join("?" * len(items))
    asked = change.execute(
        f"SELECT id, people FROM items WHERE id IN ({places}) AND queue <> 'control'", items
    ).fetchall()
    rows = change.execute(STANDING.format(where=f"d.item IN ({places})"), items).fetchall()
    standing = {item: list(said) for item, said in groupby(rows, key=lambda row: row["item"])}
    states = {row["id"]: state_of(standing.get(row["id"], []), row["people"]) for row in asked}
    change.executemany(
        "UPDATE items SET state = ?, waits = ?, verdict = ?, category = ?, said_by = ?, time = ? "
        "WHERE id = ?",
        [(s.state, s.waits, s.verdict, s.category, s.by, s.time, item) for item, s in states.items()],
    )
