"""Take in what came: unsure products into the review, a random sample of everything into the audit."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_kept
from mep3m.desk.intake.controls import ControlCounts, add_controls
from mep3m.desk.intake.incoming import (
    Incoming,
    ProductTable,
    fingerprint_of,
    products_of,
    root_of,
    with_answers,
)
from mep3m.desk.intake.similar import groups_of
from mep3m.desk.reviewing.categories import keep_categories
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.store.append_log import now
from mep3m.store.json_files import fingerprint, key_of
from mep3m.store.store import Store

_ADD = (
    "INSERT INTO items (take, platform, own_id, title, ocr, picture, image, answer, model, duplicates, "
    "queue, cluster, people, truth, state, waits) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?)"
)


@dataclass(frozen=True)
class Draw:
    """What is asked of people, as shares.

    Of the duplicate groups that are audited (or their number), of the items that two people decide, and of
    the groups in review that are control items.

    Raises:
        UsageError: a share is not from 0 to 1.
    """

    share: float = 0.05
    number: int | None = None
    seed: int = 0
    two: float = 0.1
    controls: float = 0.05

    def __post_init__(self) -> None:
        for name in ("share", "two", "controls"):
            if not 0 <= getattr(self, name) <= 1:  # nor is what is no number
                raise UsageError(f"{name} is {getattr(self, name)}; give a share from 0 to 1")

    def chance(self, what: str, key: str) -> float:
        """Return a number from 0 to 1 that depends on the seed, a purpose and a product alone."""
        return (key_of(f"{self.seed}|{what}|{key}") + 2**63) / 2**64

    def groups(self, groups: Iterable[str]) -> list[str]:
        """Return the duplicate groups that are drawn for the audit, in the order of chance."""
        ordered = sorted(set(groups), key=lambda one: self.chance("audit", one))
        if self.number is not None:
            return ordered[: self.number]
        return [one for one in ordered if self.chance("audit", one) < self.share]


@dataclass(frozen=True)
class Arrival:
    """One file of answers: products, where their pictures are, and what it is known by."""

    file: str
    fingerprint: str
    products: Sequence[Incoming]
    root: Path | None
    run: Run | None

    @classmethod
    def of_answers(
        cls, answers: Path, run: Run, table: ProductTable | None, store: Store | None = None
    ) -> Arrival:
        """Read a file of answers with the table that was answered; without one, with `store` if it was that.

        Raises:
            UsageError: they do not belong together, or to the run.
        """
        if table is None and store is not None:
            with suppress(UsageError):  # other products were answered: what the answers say is all there is
                return cls.of_answers(answers, run, ProductTable(store.folder))
        mark = fingerprint_of(answers)
        opened = None if table is None else table.open(run)
        products = with_answers(answers, run, None if table is None else table.path, opened)
        return cls(answers.name, mark, products, None if opened is None else root_of(opened), run)

    @classmethod
    def of_unlabelled(cls, store: Store, run: Run | None) -> Arrival:
        """Return the products of a store that got no label."""
        opened = open_kept(store)
        found = [one for one in products_of(opened) if not one.labels]
        mark = fingerprint(["no label", store.fingerprint])
        return cls("products without a label", mark, found, root_of(opened), run)


def take(reviewing: Reviewing, batch: Arrival, draw: Draw, tree: LabelTree, names: Any) -> dict[str, Any]:
    """Take in what came, all of it or nothing, and return the counts; the same again adds nothing.

    The audit is drawn among products that had not come before, by their ids and the seed, before anybody
    looks at one. Their duplicates are asked of nobody else, so that the audit stays new to the model.

    Raises:
        UsageError: a product came before under the id of another, or two have one id.
    """
    with reviewing.database.change() as change:
        keep_categories(change, tree.paths, names)
        again = change.execute("SELECT 1 FROM takes WHERE fingerprint = ?", (batch.fingerprint,)).fetchone()
        came = {row["key"] for row in change.execute("SELECT key FROM came")}
        new = [] if again else _new(change, batch, came)
        drawn = draw.groups(_audited(new, came)) if batch.run is not None else []
        audit = _first_of(new, drawn, draw)
        held = {*drawn, *_groups_in_audit(change)}
        review = [one for one in new if one.decision in ("review", "none") and one.duplicates not in held]
        counts = {
            "came": len(batch.products),
            "new": len(new),
            "audit": len(audit),
            "review": len(review),
            "duplicates": sum(one.decision in ("review", "none") for one in new) - len(review)
            - sum(one.decision in ("review", "none") for one in audit),
        }  # fmt: skip
        if not again:
            _keep(change, batch, draw, (audit, review))
    return counts | {"repeated": again is not None}


def take_controls(reviewing: Reviewing, run: Run, table: ProductTable, draw: Draw) -> ControlCounts:
    """Take products of known truth into the review, and return how many are new and which cannot be."""
    with reviewing.database.change() as change:
        keep_categories(change, run.classifier.tree.paths, run.taxonomy)
        return add_controls(change, run, table, draw.controls)


def _new(change: sqlite3.Connection, batch: Arrival, came: set[int]) -> list[Incoming]:
    """Return the products that have not come before."""
    counts = Counter((one.platform, one.own_id) for one in batch.products)
    if twice := next((one for one, count in counts.items() if count > 1), None):
        raise UsageError(
            f"'{twice[1]}' occurs twice in {batch.file}; let the model answer each product once, by an id "
            "of its own"
        )
    titles = {
        (row["platform"], row["own_id"]): row["title"]
        for row in change.execute("SELECT platform, own_id, title FROM items WHERE queue <> 'control'")
    }
    for one in batch.products:
        if titles.get((one.platform, one.own_id), one.title) != one.title:
            raise UsageError(
                f"'{one.own_id}' was '{titles[one.platform, one.own_id]}' in a file before and is "
                f"'{one.title}' in {batch.file}; a table without ids counts its rows: give it a column of "
                "ids, name it with --id, and let the model answer again"
            )
    return [one for one in batch.products if key_of(f"{one.platform}|{one.own_id}") not in came]


def _audited(new: Sequence[Incoming], came: set[int]) -> list[str]:
    """Return the duplicate groups that may be drawn: new ones, of products that no person has labelled."""
    return [one.duplicates for one in new if not one.labelled and key_of(one.duplicates) not in came]


def _groups_in_audit(change: sqlite3.Connection) -> set[str]:
    return {row["duplicates"] for row in change.execute("SELECT duplicates FROM items WHERE queue = 'audit'")}


def _first_of(new: Sequence[Incoming], drawn: Sequence[str], draw: Draw) -> list[Incoming]:
    """Return one product of each group, which one by chance, in the order of the groups."""
    members: dict[str, list[Incoming]] = {group: [] for group in drawn}
    for one in new:
        if one.duplicates in members and not one.labelled:
            members[one.duplicates].append(one)
    return [
        min(some, key=lambda one: draw.chance("member", f"{one.platform}|{one.own_id}"))
        for some in members.values()
    ]


def _keep(
    change: sqlite3.Connection, batch: Arrival, draw: Draw, queues: tuple[list[Incoming], list[Incoming]]
) -> None:
    audit, review = queues
    model = None if batch.run is None else batch.run.version
    root = None if batch.root is None else str(batch.root)
    values = (batch.fingerprint, batch.file, now(), root, model)
    number = change.execute(
        "INSERT INTO takes (fingerprint, file, time, root, model, came, drawn, review) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, len(batch.products), len(audit), len(review)),
    ).lastrowid
    [(last,)] = change.execute("SELECT coalesce(max(cluster), 0) FROM items").fetchall()
    firsts = [_first_answer(one) for one in review]
    groups: Sequence[int] = groups_of([one.title for one in review], firsts) if review else []  # type: ignore[assignment]
    placed = [(one, "audit", last + 1 + n) for n, one in enumerate(audit)]
    last += 1 + len(audit)
    placed += [(one, "review", last + int(group)) for one, group in zip(review, groups, strict=True)]
    change.executemany(
        _ADD, [_row(one, number, model, queue, cluster, draw) for one, queue, cluster in placed]
    )
    keys = {key_of(f"{one.platform}|{one.own_id}") for one in batch.products}
    keys |= {key_of(one.duplicates) for one in batch.products}
    change.executemany("INSERT OR IGNORE INTO came VALUES (?)", [(key,) for key in keys])


def _first_answer(one: Incoming) -> tuple[str, ...]:
    top = one.answer.get("top") or ()
    return tuple(top[0]["path"]) if top else ()


def _row(
    one: Incoming, take: int | None, model: str | None, queue: str, cluster: int, draw: Draw
) -> tuple[Any, ...]:
    people = 2 if draw.chance("two", f"{one.platform}|{one.own_id}") < draw.two else 1
    answer = json.dumps(one.answer, ensure_ascii=False) if one.answer else None
    product = (one.platform, one.own_id, one.title, one.ocr, one.picture, one.image)
    return (take, *product, answer, model, one.duplicates, queue, cluster, people, None, 1)
