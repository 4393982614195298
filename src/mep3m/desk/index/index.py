"""The questions that pages ask of an index."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.desk.index.build import IMAGE, OCR, ORIGINS, unpacked
from mep3m.desk.index.filters import ProductFilters
from mep3m.desk.index.text import plain, question
from mep3m.product import Product

#: products of a page, hits that are counted, suggested categories, products of a group that are shown
PAGE, COUNTED, SUGGESTED, TWINS = 24, 10_000, 20, 48
#: a category of fewer products is looked up, a larger one met on the way through the rows
_FEW = 20_000


@dataclass(frozen=True, slots=True)
class IndexedCategory:
    """A category with its products, `own` filed at it and `below` with all those of its subtree."""

    number: int
    last: int
    parent: int
    id: str
    name: str
    english: str
    own: int
    below: int

    @property
    def inner(self) -> bool:
        """Whether categories are below it."""
        return self.last > self.number


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Products with their rows; `total` stops at `COUNTED`. `before` and `after`: there are more."""

    products: tuple[tuple[int, Product], ...]
    total: int
    before: bool
    after: bool


class StoreIndex:
    """An index that is whole; any thread asks."""

    def __init__(self, path: Path) -> None:
        self._address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._threads = threading.local()

    @property
    def _read(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._address, uri=True, check_same_thread=False)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA mmap_size = 1073741824")  # what is read is shared by all threads
            self._threads.connection = connection
        return connection

    def fact(self, name: str) -> Any:
        """Return what was noted when the index was made: `rows`, `statistics`."""
        [(value,)] = self._read.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchall()
        return orjson.loads(value)

    def names(self, kind: str) -> list[tuple[str, int]]:
        """Return the values of a filter with their products: `platform`, `dropped`, `origin`, `level`."""
        query = "SELECT name, rows FROM names WHERE kind = ? AND rows > 0 ORDER BY rows DESC, name"
        if kind == "level":
            query = query.replace("rows DESC, name", "number")
        return [(row["name"], row["rows"]) for row in self._read.execute(query, (kind,))]

    def category(self, name: str) -> IndexedCategory | None:
        """Return the category of this id."""
        found = self._categories("id = ?", (name,))
        return found[0] if found else None

    def path(self, category: IndexedCategory) -> list[IndexedCategory]:
        """Return the categories from the first level down to this one."""
        found = [category]
        while found[-1].parent:
            found += self._categories("number = ?", (found[-1].parent,))
        return found[::-1]

    def children(self, parent: int, most: int = 200) -> list[IndexedCategory]:
        """Return the categories below one (0: the first level), those with the most products first."""
        return self._categories("parent = ? ORDER BY below DESC, number LIMIT ?", (parent, most))

    def suggest(self, text: str, most: int = SUGGESTED) -> list[IndexedCategory]:
        """Return categories whose names hold every word of a text: names that begin with it first."""
        words = plain(text).split()[:8]
        if not words:
            return []
        where = " AND ".join("instr(text, ?)" for _ in words)
        order = f"ORDER BY instr(text, ?) <> 1, below DESC, number LIMIT {most:d}"
        return self._categories(f"{where} {order}", (*words, words[0]))

    def find(self, filters: ProductFilters) -> FoundPage:
        """Return a page of the products that pass."""
        where, values = self._where(filters)
        if where is None:
            return FoundPage((), 0, False, False)
        back = filters.before > 0
        side = "f.row < ?" if back else "f.row > ?"
        rows = self._rows(
            f"{where} AND {side} ORDER BY f.row {'DESC' if back else ''} LIMIT {PAGE + 1}",
            (*values, filters.before if back else filters.after),
        )
        more, rows = len(rows) > PAGE, rows[:PAGE]
        if back:
            rows.reverse()
        [(total,)] = self._read.execute(
            f"SELECT count(*) FROM (SELECT 1 {where} LIMIT {COUNTED})", values
        ).fetchall()
        return FoundPage(
            tuple(self.products(rows)),
            total,
            before=more if back else filters.after > 0,
            after=bool(rows) if back else more,
        )

    def products(self, rows: Sequence[int]) -> list[tuple[int, Product]]:
        """Return the products of rows, in their order."""
        places = ", ".join("?" * len(rows))
        query = f"SELECT row, record FROM products WHERE row IN ({places}) ORDER BY row"
        return [(row["row"], unpacked(row["record"])) for row in self._read.execute(query, rows)]

    def row_of(self, name: str) -> int | None:
        """Return the row of a product by its id, or by the row itself."""
        found = self._read.execute("SELECT row FROM products WHERE id = ?", (name,)).fetchone()
        if found is None and name.isascii() and name.isdecimal() and len(name) < 19:
            found = self._read.execute("SELECT row FROM products WHERE row = ?", (int(name),)).fetchone()
        return None if found is None else int(found["row"])

    def twins(self, row: int) -> tuple[list[tuple[int, Product]], int]:
        """Return the products of a row's duplicate group, up to `TWINS`, and how many there are."""
        of = "FROM facets WHERE twins = (SELECT twins FROM facets WHERE row = ?)"
        rows = self._rows(f"{of} ORDER BY row LIMIT {TWINS}", (row,), "row")
        [(total,)] = self._read.execute(f"SELECT count(*) {of}", (row,)).fetchall()
        return self.products(rows), total

    def refused(self, product: str | None = None, after: int = 0, most: int = 50) -> list[sqlite3.Row]:
        """Return what could not be taken, of one product or of all behind a number."""
        if product is not None:
            query = "SELECT * FROM refused WHERE product = ? ORDER BY number"
            return self._read.execute(query, (product,)).fetchall()
        query = "SELECT * FROM refused WHERE number > ? ORDER BY number LIMIT ?"
        return self._read.execute(query, (after, most)).fetchall()

    def _categories(self, where: str, values: Sequence[object]) -> list[IndexedCategory]:
        columns = ", ".join(IndexedCategory.__slots__)
        rows = self._read.execute(f"SELECT {columns} FROM categories WHERE {where}", values)
        return [IndexedCategory(*row) for row in rows]

    def _rows(self, rest: str, values: Sequence[object], column: str = "f.row") -> list[int]:
        return [row[0] for row in self._read.execute(f"SELECT {column} {rest}", values)]

    def _where(self, filters: ProductFilters) -> tuple[str | None, tuple[object, ...]]:
        """Return FROM and WHERE of a question with its values; `None` where nothing can pass."""
        passes: list[str] = ["1"]
        values: list[object] = []
        source = "FROM facets f NOT INDEXED"
        if filters.q.strip():
            asked = question(filters.q)
            if not asked:
                return None, ()
            source = "FROM search CROSS JOIN facets f ON f.row = search.rowid"
            passes.append("search MATCH ?")
            values.append(asked)
        elif filters.twins == "yes" or filters.group:
            source = "FROM facets f"
        if filters.category:
            category = self.category(filters.category)
            if category is None:
                return None, ()
            if category.below < _FEW and not filters.q.strip() and filters.quality == "kept":
                source = "FROM facets f INDEXED BY facets_by_category"
            passes.append("f.category BETWEEN ? AND ?")
            values += [category.number, category.last]
        for column, number in (
            ("platform", self._number("platform", filters.platform)),
            ("level", int(filters.level) if filters.level else None),
            ("dropped", self._quality(filters.quality)),
        ):
            if number is not None:
                passes.append(f"f.{column} = ?")
                values.append(number)
        if filters.group:
            passes.append("f.twins = (SELECT twins FROM facets WHERE row = ?)")
            values.append(self.row_of(filters.group) or 0)
        passes += self._plain_passes(filters)
        return f"{source} WHERE {' AND '.join(passes)}", tuple(values)

    @staticmethod
    def _plain_passes(filters: ProductFilters) -> list[str]:
        passes = []
        if filters.quality == "dropped":
            passes.append("f.dropped > 0")
        if filters.origin:
            bit = 1 << ORIGINS.index(filters.origin) if filters.origin in ORIGINS else 0
            passes.append("f.origins = 0" if filters.origin == "none" else f"f.origins & {bit}")
        for said, bit in ((filters.image, IMAGE), (filters.ocr, OCR)):
            if said:
                passes.append(f"f.has & {bit} {'=' if said == 'yes' else '<>'} {bit}")
        if filters.twins:
            passes.append(f"f.twins IS {'NOT ' if filters.twins == 'yes' else ''}NULL")
        return passes

    def _quality(self, said: str) -> int | None:
        if said in ("dropped", "all", ""):
            return None
        return 0 if said == "kept" else self._number("dropped", said)

    def _number(self, kind: str, name: str) -> int | None:
        """Return the number of a filter's value; -1, which no product has, where it is none."""
        if not name:
            return None
        query = "SELECT number FROM names WHERE kind = ? AND name = ?"
        found = self._read.execute(query, (kind, name)).fetchone()
        return -1 if found is None else int(found["number"])
