"""The tables of a review in a database, and what is written into them.

`cells` holds each row as the review file has it, `links` what rows are looked for and sorted by, as small as
it can be; `batches` and `changes` are the history, a batch's place in which is its number.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from sqlite3 import Connection, Row
from typing import Any

import orjson

from mep3m.alignment.review.contract import (
    EDITABLE,
    Cells,
    DecisionBatch,
    Review,
    RowChange,
    RowKey,
    Signature,
)
from mep3m.alignment.review.decisions import Decision, parse_decision
from mep3m.alignment.review.order import WAITING, rank, waits_with

SCHEMA = (
    """
    CREATE TABLE said (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE cells (place INTEGER PRIMARY KEY, fixed TEXT NOT NULL, own TEXT NOT NULL);
    CREATE TABLE links (
        place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, line INTEGER NOT NULL, verdict TEXT NOT NULL,
        waits INTEGER NOT NULL, relation TEXT NOT NULL, probability REAL, platforms TEXT NOT NULL,
        names TEXT NOT NULL, calm INTEGER NOT NULL, stake REAL NOT NULL, doubt REAL NOT NULL,
        drawn INTEGER NOT NULL
    );
    CREATE INDEX links_by_worth ON links (waits, calm, stake, doubt, place);
    CREATE INDEX links_drawn ON links (waits, drawn, place);
    CREATE INDEX links_by_verdict ON links (verdict);
    CREATE INDEX links_by_platforms ON links (platforms);
    CREATE INDEX links_by_line ON links (line);
    CREATE TABLE batches (
        place INTEGER PRIMARY KEY, who TEXT NOT NULL, time TEXT NOT NULL, how TEXT NOT NULL,
        undoes INTEGER, redoes INTEGER
    );
    CREATE INDEX batches_by_who ON batches (who, place);
    CREATE TABLE changes (
        batch INTEGER NOT NULL, key TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
        PRIMARY KEY (batch, key)
    ) WITHOUT ROWID;
    CREATE INDEX changes_by_row ON changes (key, batch)
    """,
    # with the names in it, a search through all of them reads the index alone: nine times as fast
    """
    DROP INDEX links_by_worth;
    CREATE INDEX links_by_worth ON links (waits, calm, stake, doubt, place, names)
    """,
)
#: cells that decisions change
OWN = frozenset((*EDITABLE, "predicate_modifier"))
#: between the two platforms of a link
BETWEEN = " | "


def key_text(key: RowKey) -> str:
    """Return what names a row in the tables."""
    return orjson.dumps(key).decode()


def key_of(text: str) -> RowKey:
    """Return the row that a text of `key_text` names."""
    source, category, other_source, other, number = orjson.loads(text)
    return source, category, other_source, other, number


def cells_of(row: Row) -> dict[str, str]:
    """Return the cells of a row of `cells`."""
    return {**orjson.loads(row["fixed"]), **orjson.loads(row["own"])}


def put_rows(change: Connection, review: Review) -> None:
    """Put the rows of a review in the place of those that are there."""
    change.execute("DELETE FROM cells")
    change.execute("DELETE FROM links")
    change.executemany(
        "INSERT INTO cells VALUES (?, ?, ?)",
        (
            (
                place,
                orjson.dumps({column: cell for column, cell in row.items() if column not in OWN}).decode(),
                orjson.dumps({column: cell for column, cell in row.items() if column in OWN}).decode(),
            )
            for place, row in enumerate(review.sheet.rows)
        ),
    )
    rows = zip(review.keys, review.decisions, review.sheet.rows, strict=True)
    change.executemany(
        "INSERT INTO links (verdict, waits, relation, probability, calm, stake, doubt, line, place, key, "
        "platforms, names, drawn) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (*_found_by(decision, row), decision.line, place, (text := key_text(key)), *_names(decision),
             zlib.crc32(text.encode()))
            for place, (key, decision, row) in enumerate(rows)
        ),
    )  # fmt: skip
    say(change, comments=review.sheet.comments, columns=review.sheet.columns)


def put_changes(change: Connection, changes: Iterable[RowChange]) -> None:
    """Write changed cells into the rows; rows that are gone are passed over."""
    columns: list[str] = said(change, "columns", [])
    more = dict.fromkeys(columns)
    for one in changes:
        found = change.execute(
            "SELECT place, line, fixed, own FROM links JOIN cells USING (place) WHERE key = ?",
            (key_text(one.row),),
        ).fetchone()
        if found is None:
            continue
        own = {**orjson.loads(found["own"]), **one.after}
        row = {**orjson.loads(found["fixed"]), **own}
        change.execute(
            "UPDATE cells SET own = ? WHERE place = ?", (orjson.dumps(own).decode(), found["place"])
        )
        change.execute(
            "UPDATE links SET verdict = ?, waits = ?, relation = ?, probability = ?, calm = ?, stake = ?, "
            "doubt = ? WHERE place = ?",
            (*_found_by(parse_decision(row, found["line"]), row), found["place"]),
        )
        more.update(dict.fromkeys(one.after))
    if len(more) > len(columns):
        say(change, columns=list(more))


def put_batch(change: Connection, batch: DecisionBatch) -> int:
    """Add a batch to the history, and return its place; what its rows say is not touched."""
    place, said_by = revision(change), batch.signature
    change.execute(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)",
        (place, said_by.by, said_by.when, said_by.how, batch.undoes, batch.redoes),
    )
    change.executemany(
        "INSERT OR REPLACE INTO changes VALUES (?, ?, ?, ?)",
        (
            (place, key_text(one.row), *(orjson.dumps(dict(of)).decode() for of in (one.before, one.after)))
            for one in batch.changes
        ),
    )  # fmt: skip
    return place


def revision(connection: Connection) -> int:
    """Return how many batches are recorded."""
    [(count,)] = connection.execute("SELECT coalesce(max(place) + 1, 0) FROM batches").fetchall()
    return int(count)


def batches_from(connection: Connection, first: int = 0, last: int | None = None) -> Iterator[DecisionBatch]:
    """Yield the batches of some places of the history with their changes, oldest first."""
    until = revision(connection) if last is None else last
    found = connection.execute(
        "SELECT * FROM batches WHERE place >= ? AND place < ? ORDER BY place", (first, until)
    ).fetchall()
    changes: dict[int, list[RowChange]] = {row["place"]: [] for row in found}
    for row in connection.execute("SELECT * FROM changes WHERE batch >= ? AND batch < ?", (first, until)):
        changes[row["batch"]].append(change_of(row))
    for row in found:
        yield replace(batch_of(row), changes=tuple(changes[row["place"]]))


def batch_of(row: Row) -> DecisionBatch:
    """Return a batch without its changes."""
    return DecisionBatch(Signature(row["who"], row["time"], row["how"]), (), row["undoes"], row["redoes"])


def change_of(row: Row) -> RowChange:
    """Return one changed row."""
    return RowChange(key_of(row["key"]), orjson.loads(row["before"]), orjson.loads(row["after"]))


def say(change: Connection, **values: object) -> None:
    """Keep values beside the rows."""
    change.executemany(
        "INSERT OR REPLACE INTO said VALUES (?, ?)",
        ((name, orjson.dumps(value).decode()) for name, value in values.items()),
    )


def said(connection: Connection, name: str, otherwise: Any) -> Any:
    """Return a value that was kept, or the other one."""
    row = connection.execute("SELECT value FROM said WHERE name = ?", (name,)).fetchone()
    return otherwise if row is None else orjson.loads(row["value"])


def _found_by(decision: Decision, row: Cells | Mapping[str, str]) -> tuple[object, ...]:
    calm, stake, doubt, _ = rank(waits_with(decision, row))
    waits = decision.verdict in WAITING
    return decision.verdict, waits, decision.relation, decision.probability, calm, stake, doubt


def _names(decision: Decision) -> tuple[str, str]:
    """Return the platforms of a link, and its names as they are searched."""
    names = (decision.left_label, decision.left.id, decision.right_label, decision.right.id)
    platforms = f"{decision.left.source}{BETWEEN}{decision.right.source}"
    return platforms, "\n".join(dict.fromkeys(name.casefold() for name in names if name))
