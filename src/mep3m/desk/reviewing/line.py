"""Who is asked what next: similar products together, each person their own, control items among them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence

from mep3m.database import Database
from mep3m.desk.reviewing.categories import Categories
from mep3m.desk.reviewing.records import ItemGroup, Queue, ReviewItem

#: seconds that a group is kept for the person who looks at it
CLAIM = 300.0
#: categories that have a number key
KEYS = 9
#: products that are shown at once
TOGETHER = 12
#: decisions of a person in which control items are counted
_LATELY = 400
#: what this person said last of an item is nothing
_UNSAID = (
    "coalesce((SELECT d.verdict FROM decisions d WHERE d.item = items.id AND d.person = :person "
    "AND d.round < 3 ORDER BY d.id DESC LIMIT 1), 'withdrawn') = 'withdrawn'"
)
_FREE = (
    "NOT EXISTS (SELECT 1 FROM claims c WHERE c.cluster = items.cluster AND c.person <> :person "
    "AND c.until > :now)"
)
_WAITING = f"queue = :queue AND waits = 1 AND cluster > :after AND {_UNSAID} AND {_FREE}"
_COLUMNS = "id, own_id, platform, title, ocr, picture, answer"


class WaitingLine:
    """The queues of one desk."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def next(
        self, person: str, queue: Queue, categories: Categories, after: int = 0, skipped: bool = False
    ) -> ItemGroup | None:
        """Return the group that a person is asked about next, and keep it for them for a while.

        `after` is the group that they skipped; after the last one it begins again. Of every so many groups of
        the review one is a control item, which looks as all others do; not after one was skipped.
        """
        if queue == "review" and not skipped and (control := self._control(person)) is not None:
            return _group(control, categories)
        with self._database.change() as change:
            cluster = self._cluster(change, person, queue, after)
            if cluster is None and after:
                cluster = self._cluster(change, person, queue, 0)
            change.execute("DELETE FROM claims WHERE person = ?", (person,))
            if cluster is None:
                return None
            change.execute(
                "INSERT INTO claims VALUES (?, ?, ?) ON CONFLICT (cluster) DO UPDATE SET "
                "person = excluded.person, until = excluded.until",
                (cluster, person, time.time() + CLAIM),
            )
        rows = self._database.read.execute(
            f"SELECT {_COLUMNS} FROM items WHERE cluster = :cluster AND queue = :queue AND waits = 1 AND "
            f"{_UNSAID} ORDER BY id LIMIT {TOGETHER}",
            {"cluster": cluster, "queue": queue, "person": person},
        ).fetchall()
        return _group(rows, categories, cluster, blind=queue == "audit")

    def show(self, items: Sequence[int], categories: Categories) -> ItemGroup | None:
        """Return some items as a group, whatever their state."""
        places = ", ".join("?" * len(items))
        rows = self._database.read.execute(
            f"SELECT {_COLUMNS}, cluster FROM items WHERE id IN ({places}) ORDER BY id", list(items)
        ).fetchall()
        return _group(rows, categories, rows[0]["cluster"]) if rows else None

    def left(self, queue: Queue) -> int:
        """Return how many items of a queue wait for somebody."""
        counted = "SELECT count(*) FROM items WHERE queue = ? AND waits = 1"
        [(count,)] = self._database.read.execute(counted, (queue,)).fetchall()
        return int(count)

    def recent(self, person: str, categories: Categories, queue: Queue) -> list[int]:
        """Return the categories that a person chose last, the newest first: keys that tell no answer."""
        rows = self._database.read.execute(
            "SELECT category FROM (SELECT d.id, d.category FROM decisions d JOIN items i ON i.id = d.item "
            "WHERE d.person = ? AND i.queue = ? AND d.category IS NOT NULL ORDER BY d.id DESC LIMIT 300) "
            "GROUP BY category ORDER BY max(id) DESC LIMIT ?",
            (person, queue, KEYS),
        )
        return [row["category"] for row in rows if row["category"] in categories.by_id]

    def _cluster(self, change: sqlite3.Connection, person: str, queue: Queue, after: int) -> int | None:
        values = {"queue": queue, "after": after, "person": person, "now": time.time()}
        row = change.execute(
            f"SELECT cluster FROM items INDEXED BY waiting WHERE {_WAITING} ORDER BY cluster LIMIT 1", values
        ).fetchone()
        return None if row is None else int(row["cluster"])

    def _control(self, person: str) -> list[sqlite3.Row] | None:
        """Return a control item if it is this person's turn for one."""
        read = self._database.read
        row = read.execute("SELECT value FROM settings WHERE name = 'control share'").fetchone()
        if row is None or not row["value"]:
            return None
        batches, controls = read.execute(
            "SELECT count(DISTINCT d.batch), count(DISTINCT CASE WHEN i.queue = 'control' THEN d.item END) "
            f"FROM (SELECT * FROM decisions WHERE person = ? ORDER BY id DESC LIMIT {_LATELY}) d "
            "JOIN items i ON i.id = d.item",
            (person,),
        ).fetchone()
        if controls >= row["value"] * batches or not batches:
            return None
        found = read.execute(
            f"SELECT {_COLUMNS} FROM items WHERE queue = 'control' AND {_UNSAID} ORDER BY cluster LIMIT 1",
            {"person": person},
        ).fetchall()
        return found or None


def _group(
    rows: Sequence[sqlite3.Row], categories: Categories, cluster: int = 0, blind: bool = False
) -> ItemGroup | None:
    items = tuple(
        ReviewItem(**{name: row[name] for name in row.keys() if name not in ("answer", "cluster")},  # noqa: SIM118
             answer=json.loads(row["answer"] or "{}"))
        for row in rows
    )  # fmt: skip
    if not items:
        return None
    return ItemGroup(cluster, items, () if blind else choices(items, categories))


def choices(items: Iterable[ReviewItem], categories: Categories) -> tuple[int, ...]:
    """Return the categories that some products may be of: those in their prediction sets, then the rest."""
    weights: dict[int, float] = {}
    for item in items:
        inside = {tuple(path) for path in item.answer.get("prediction_set") or ()}
        told = {tuple(one["path"]): float(one["probability"]) for one in item.answer.get("top") or ()}
        for path in {**dict.fromkeys(inside, 0.0), **told}:
            found = categories.by_path.get(path)
            if found is not None:
                weight = told.get(path, 0.0) + (path in inside)
                weights[found.id] = weights.get(found.id, 0.0) + weight
    return tuple(sorted(weights, key=lambda one: (-weights[one], one))[:KEYS])
