"""How far people agree, and how right they are on products of known truth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.desk.reviewing.states import STANDING
from mep3m.evaluation.intervals import share_interval


@dataclass(frozen=True)
class Pair:
    """What two people said of the same `n` items: the same of how many, and Cohen's kappa (or `None`)."""

    people: tuple[str, str]
    n: int
    same: int
    kappa: float | None


@dataclass(frozen=True)
class Rightness:
    """How often a person said of control items what is known to be true, with an interval of 95 %."""

    person: str
    n: int
    right: int
    low: float
    high: float


def pairs(reviewing: Reviewing) -> list[Pair]:
    """Return how far each two people agree on items that both decided, without seeing each other's."""
    where = (
        "d.round < 3 AND d.item IN (SELECT item FROM decisions WHERE round = 2) "
        "AND d.item IN (SELECT id FROM items WHERE queue <> 'control')"
    )
    said: dict[int, dict[str, str]] = {}
    for row in reviewing.database.read.execute(STANDING.format(where=where)):
        said.setdefault(row["item"], {})[row["person"]] = f"{row['verdict']} {row['category']}"
    answers: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for people in said.values():
        for one, two in combinations(sorted(people), 2):
            answers.setdefault((one, two), []).append((people[one], people[two]))
    return [_pair(people, both) for people, both in sorted(answers.items())]


def _pair(people: tuple[str, str], both: list[tuple[str, str]]) -> Pair:
    from sklearn.metrics import cohen_kappa_score

    one, two = [list(said) for said in zip(*both, strict=True)]
    # with one answer in all there is nothing that chance would not have agreed on
    kappa = float(cohen_kappa_score(one, two)) if len({*one, *two}) > 1 else None
    return Pair(people, len(both), sum(a == b for a, b in both), kappa)


def rightness(reviewing: Reviewing) -> list[Rightness]:
    """Return how right each person is on control items; who is unsure has said nothing wrong or right."""
    where = "d.item IN (SELECT id FROM items WHERE queue = 'control')"
    truths = {
        row["id"]: row["truth"]
        for row in reviewing.database.read.execute("SELECT id, truth FROM items WHERE queue = 'control'")
    }
    found: dict[str, list[bool]] = {}
    for row in reviewing.database.read.execute(STANDING.format(where=where)):
        if row["verdict"] != "unsure":
            found.setdefault(row["person"], []).append(row["category"] == truths[row["item"]])
    told = []
    for person, right in sorted(found.items()):
        interval = share_interval(np.array(right, dtype=bool))
        told.append(Rightness(person, len(right), sum(right), interval.low, interval.high))
    return told


def conflicts(reviewing: Reviewing, limit: int = 1000) -> list[dict[str, Any]]:
    """Return the items on which people disagree or all were unsure, with what each said."""
    read, categories = reviewing.database.read, reviewing.categories.by_id
    rows = read.execute(
        "SELECT id, own_id, platform, title, queue FROM items WHERE queue IN ('review', 'audit') "
        "AND state = 'conflict' ORDER BY queue, cluster LIMIT ?",
        (limit,),
    ).fetchall()
    places = ", ".join(str(row["id"]) for row in rows)
    where = f"d.round < 3 AND d.item IN ({places})"
    said: dict[int, list[dict[str, Any]]] = {}
    for row in read.execute(STANDING.format(where=where)):
        chosen = categories.get(row["category"])
        said.setdefault(row["item"], []).append(
            {
                "person": row["person"],
                "verdict": row["verdict"],
                "category": chosen.shown if chosen else None,
                "chosen": row["category"],
            }
        )
    return [dict(row) | {"said": said.get(row["id"], [])} for row in rows]


def count_conflicts(reviewing: Reviewing) -> int:
    """Return how many items people disagree on."""
    counted = "SELECT count(*) FROM items WHERE queue IN ('review', 'audit') AND state = 'conflict'"
    [(count,)] = reviewing.database.read.execute(counted).fetchall()
    return int(count)


def counts(reviewing: Reviewing) -> dict[str, dict[str, int]]:
    """Return for each queue how many items are in which state."""
    found: dict[str, dict[str, int]] = {"review": {}, "audit": {}}
    rows = reviewing.database.read.execute(
        "SELECT queue, state, count(*) AS n FROM items GROUP BY queue, state"
    )
    for row in rows:
        found.setdefault(row["queue"], {})[row["state"]] = row["n"]
    return found
