"""What a person at a desk asks of a review in a database: the next link, how many, who decided what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Literal, get_args

from mep3m.alignment.keeping.tables import BETWEEN, batch_of, cells_of, change_of, key_of, key_text, revision
from mep3m.alignment.records import Relation
from mep3m.alignment.review.contract import DecisionBatch, RowChange, RowKey
from mep3m.alignment.review.decisions import Verdict, parse_decision
from mep3m.alignment.review.order import Waits, waits_with
from mep3m.errors import UsageError, did_you_mean

#: links by what was said of them; those that wait are open or unsure
Shown = Literal["waiting", "open", "unsure", "accept", "reject", "all"]
SHOWN: tuple[Shown, ...] = get_args(Shown)
_WORTH = ("calm", "stake", "doubt", "place")
_DRAWN = ("drawn", "place")


@dataclass(frozen=True)
class LinkFilter:
    """Which links are looked at; what is empty or `None` lets all through.

    `platforms` are the two of a link as `platform_pairs` names them; `name` is looked for in paths and ids.
    """

    shown: Shown = "waiting"
    platforms: str = ""
    relation: Relation | Literal[""] = ""
    least: float | None = None
    most: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for value, allowed in ((self.shown, SHOWN), (self.relation, ("", *get_args(Relation)))):
            if value not in allowed:
                named = ", ".join(filter(None, allowed))
                raise UsageError(f"'{value}' is none of {named}{did_you_mean(value, allowed)}")
        for bound in (self.least, self.most):
            if bound is not None and not 0 <= bound <= 1:
                raise UsageError(f"a probability is from 0 to 1, not {bound:g}")

    def where(self) -> tuple[str, list[object]]:
        """Return the condition and its values."""
        parts: list[tuple[str, object]] = []
        if self.shown == "waiting":
            parts.append(("waits = ?", 1))
        elif self.shown != "all":
            parts.append(("verdict = ?", self.shown))
        if self.platforms:
            parts.append(("platforms = ?", self.platforms))
        if self.relation:
            parts.append(("relation = ?", self.relation))
        if self.least is not None:
            parts.append(("probability >= ?", self.least))
        if self.most is not None:
            parts.append(("probability <= ?", self.most))
        if self.name:
            parts.append(("instr(names, ?) > 0", self.name.casefold()))
        return " AND ".join(part for part, _ in parts) or "1", [value for _, value in parts]


@dataclass(frozen=True)
class AskedLink:
    """One link as it is shown: with its row, its place, and the revision that was looked at."""

    place: int
    key: RowKey
    waits: Waits
    cells: Mapping[str, str]
    revision: int


@dataclass(frozen=True)
class Queue:
    """The links of a review in a database, the one most worth a decision first; `blind`: in a drawn order."""

    connection: Connection
    blind: bool = False

    def next(self, wanted: LinkFilter, after: int | None = None) -> int | None:
        """Return the place of the first link, or of the one after another; `None`: there is none more."""
        condition, values = wanted.where()
        order = _DRAWN if self.blind else _WORTH
        names = ", ".join(order)
        if after is not None:
            condition += f" AND ({names}) > (SELECT {names} FROM links WHERE place = ?)"
            values.append(after)
        found = self.connection.execute(
            f"SELECT place FROM links WHERE {condition} ORDER BY {names} LIMIT 1", values
        ).fetchone()
        return None if found is None else int(found["place"])

    def link(self, place: int) -> AskedLink | None:
        """Return the link at a place."""
        seen = revision(self.connection)  # before the row: a change between the two is told
        row = self.connection.execute(
            "SELECT * FROM links JOIN cells USING (place) WHERE place = ?", (place,)
        ).fetchone()
        if row is None:
            return None
        cells = cells_of(row)
        waits = waits_with(parse_decision(cells, row["line"]), cells)
        return AskedLink(place, key_of(row["key"]), waits, cells, seen)

    def at_line(self, line: int) -> int | None:
        """Return the place of the link at a line of the review file."""
        found = self.connection.execute("SELECT place FROM links WHERE line = ?", (line,)).fetchone()
        return None if found is None else int(found["place"])

    def place_of(self, key: RowKey) -> int | None:
        """Return the place of a link."""
        found = self.connection.execute("SELECT place FROM links WHERE key = ?", (key_text(key),)).fetchone()
        return None if found is None else int(found["place"])

    def count(self, wanted: LinkFilter) -> int:
        """Return how many links there are."""
        condition, values = wanted.where()
        [(count,)] = self.connection.execute(f"SELECT count(*) FROM links WHERE {condition}", values)
        return int(count)

    def keys(self, wanted: LinkFilter) -> list[RowKey]:
        """Return all of them."""
        condition, values = wanted.where()
        found = self.connection.execute(f"SELECT key FROM links WHERE {condition} ORDER BY place", values)
        return [key_of(key) for (key,) in found]

    def examples(self, wanted: LinkFilter, count: int = 20) -> list[AskedLink]:
        """Return the first of them."""
        condition, values = wanted.where()
        names = ", ".join(_DRAWN if self.blind else _WORTH)
        found = self.connection.execute(
            f"SELECT place FROM links WHERE {condition} ORDER BY {names} LIMIT ?", [*values, count]
        ).fetchall()
        return [one for (place,) in found if (one := self.link(place)) is not None]

    def progress(self) -> dict[Verdict, int]:
        """Return how many links have each verdict."""
        counts: dict[Verdict, int] = {"accept": 0, "reject": 0, "unsure": 0, "open": 0}
        found = self.connection.execute("SELECT verdict, count(*) AS links FROM links GROUP BY verdict")
        return counts | {row["verdict"]: row["links"] for row in found}

    def platform_pairs(self) -> list[str]:
        """Return the pairs of platforms that there are links between."""
        return [pair for (pair,) in self.connection.execute("SELECT DISTINCT platforms FROM links")]

    def batches(
        self, before: int | None = None, by: str | None = None, count: int = 50
    ) -> list[tuple[int, int, DecisionBatch]]:
        """Return place, number of rows, and batch with its first rows of batches; the last recorded first."""
        rows = self.connection.execute(
            "SELECT * FROM batches WHERE (?1 IS NULL OR place < ?1) AND (?2 IS NULL OR who = ?2) "
            "ORDER BY place DESC LIMIT ?3",
            (before, by, count),
        ).fetchall()
        return [(row["place"], *self._first_of(row["place"], batch_of(row))) for row in rows]

    def _first_of(self, place: int, batch: DecisionBatch, most: int = 3) -> tuple[int, DecisionBatch]:
        [(count,)] = self.connection.execute("SELECT count(*) FROM changes WHERE batch = ?", (place,))
        first = self.connection.execute("SELECT * FROM changes WHERE batch = ? LIMIT ?", (place, most))
        changes: Sequence[RowChange] = [change_of(row) for row in first]
        return count, DecisionBatch(batch.signature, tuple(changes), batch.undoes, batch.redoes)


def shown_pair(pair: str) -> str:
    """Return two platforms for a reader."""
    return pair.replace(BETWEEN, " – ")
