"""The categories that can be chosen, kept beside the decisions: no model is needed to decide."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from mep3m.desk.index.text import plain as in_one_form
from mep3m.label_tree.tree import LabelPath
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy, names_of

#: categories that a search shows
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """A category: its number, its path as ids (or names, where the tree has no ids), and as names."""

    id: int
    path: LabelPath
    names: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The path as people read it."""
        return PATH_SEPARATOR.join(self.names)


@dataclass(frozen=True)
class Categories:
    """All categories of one desk; `choices` are those of today's tree, in its order."""

    by_id: dict[int, Choice]
    choices: tuple[Choice, ...]

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> Categories:
        """Read them from the file of decisions."""
        rows = connection.execute("SELECT id, path, names, present FROM categories ORDER BY id").fetchall()
        found = {
            row["id"]: Choice(row["id"], tuple(json.loads(row["path"])), tuple(json.loads(row["names"])))
            for row in rows
        }
        return cls(found, tuple(found[row["id"]] for row in rows if row["present"]))

    @cached_property
    def by_path(self) -> dict[LabelPath, Choice]:
        """Categories by their paths."""
        return {one.path: one for one in self.by_id.values()}

    @cached_property
    def by_text(self) -> dict[str, Choice]:
        """Categories of today by what a person may write: a whole path or an end, where it is of one only."""
        texts: dict[str, Choice] = {}
        ends = Counter(end for one in self.choices for end in _ends(one))
        for one in self.choices:
            texts |= {end: one for end in _ends(one) if ends[end] == 1}
        wholes = Counter(plain(one.shown) for one in self.choices)
        return texts | {text: one for one in self.choices if wholes[text := plain(one.shown)] == 1}

    @cached_property
    def _texts(self) -> list[tuple[str, str]]:
        return [(plain(one.names[-1]), plain(f"{one.shown} {one.path[-1]}")) for one in self.choices]

    def find(self, text: str, limit: int = SHOWN) -> list[Choice]:
        """Return the categories with every word of a text in their path, own names first."""
        words = plain(text).split()
        if not words:
            return list(self.choices[:limit])
        ranked: list[tuple[int, int, int]] = []
        for number, (name, whole) in enumerate(self._texts):
            if all(word in whole for word in words):
                rank = 0 if name.startswith(words[-1]) else 1 if words[-1] in name else 2
                ranked.append((rank, len(whole), number))
        return [self.choices[number] for *_, number in sorted(ranked)[:limit]]


def plain(text: str) -> str:
    """Return a text as it is compared: width, case and spaces do not count."""
    return " ".join(in_one_form(text).split())


def _ends(choice: Choice) -> set[str]:
    return {plain(choice.names[-1]), plain(choice.path[-1])}


def keep_categories(
    change: sqlite3.Connection, paths: Iterable[LabelPath], taxonomy: Taxonomy | None
) -> None:
    """Make these paths the categories that can be chosen; earlier ones stay with what was said."""
    rows = [
        (json.dumps(path, ensure_ascii=False), json.dumps(names_of(path, taxonomy), ensure_ascii=False))
        for path in paths
    ]
    change.execute("UPDATE categories SET present = 0")
    change.executemany(
        "INSERT INTO categories (path, names, present) VALUES (?, ?, 1) "
        "ON CONFLICT (path) DO UPDATE SET names = excluded.names, present = 1",
        rows,
    )
