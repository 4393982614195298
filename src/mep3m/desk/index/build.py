"""Making the index of a store: one pass over its rows, in bounded memory; the file appears whole."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from mep3m.desk.index.text import searchable
from mep3m.desk.index.tree import NumberedTree
from mep3m.errors import StoreError
from mep3m.product import Label, Product
from mep3m.statistics.numbers import statistics
from mep3m.store.filesystem import atomic_write, hash_file
from mep3m.store.layout import Layout
from mep3m.store.ledger import find_stores
from mep3m.store.store import Store

#: raised when the tables or what is in them change
FORMAT = 1
ORIGINS = ("given", "mapped", "predicted", "reviewed")
#: bits of `has`
IMAGE, OCR = 1, 2
#: products that are written at once
_BATCH = 5_000
_NAMES = [field.name for field in fields(Product)]
_VALUES, _LABEL = attrgetter(*_NAMES), attrgetter(*(field.name for field in fields(Label)))
_LABELS, _PATH = _NAMES.index("labels"), _NAMES.index("source_path")

SCHEMA = """
CREATE TABLE products (row INTEGER PRIMARY KEY, id TEXT NOT NULL, record BLOB NOT NULL);
CREATE TABLE facets (
    row INTEGER PRIMARY KEY, platform INTEGER, category INTEGER, level INTEGER, dropped INTEGER,
    origins INTEGER, has INTEGER, twins INTEGER
);
CREATE VIRTUAL TABLE search USING fts5(text, content='', columnsize=0, tokenize='ascii');
CREATE TABLE names (kind TEXT, number INTEGER, name TEXT, rows INTEGER, PRIMARY KEY (kind, number));
CREATE TABLE categories (
    number INTEGER PRIMARY KEY, last INTEGER, parent INTEGER, id TEXT UNIQUE, name TEXT, english TEXT,
    own INTEGER, below INTEGER, text TEXT
);
CREATE TABLE refused (
    number INTEGER PRIMARY KEY, stage TEXT, source TEXT, product TEXT, file TEXT, line INTEGER, field TEXT,
    value TEXT, reason TEXT
);
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB)
"""
_INDICES = """
CREATE INDEX products_by_id ON products (id);
CREATE INDEX facets_by_category ON facets (category);
CREATE INDEX facets_by_twins ON facets (twins) WHERE twins NOT NULL;
CREATE INDEX categories_by_parent ON categories (parent, below DESC);
CREATE INDEX refused_by_product ON refused (product) WHERE product NOT NULL
"""
#: a group of one is no group
_GROUPS = """
CREATE TEMP TABLE groups AS
    SELECT twins FROM facets WHERE twins NOT NULL GROUP BY twins HAVING count(*) > 1;
UPDATE facets SET twins = NULL WHERE twins NOT NULL AND twins NOT IN (SELECT twins FROM groups)
"""


def made_from(store: Store) -> list[Any]:
    """Return what decides an index; it changes whenever the rows of the store do."""
    return [FORMAT, hash_file(store.layout.manifest), [path.stat().st_size for path in store.shards]]


def build_index(
    store: Store, folder: Path, path: Path, progress: Callable[[int], object] = lambda rows: None
) -> None:
    """Write the index of a store to `path`; `progress` is told the rows that are done.

    `folder` is the build that the store is a step of, or the store itself: the quarantines of all its steps
    are told.

    Raises:
        StoreError: the store cannot be read.
    """
    with atomic_write(path, durable=False) as temporary:
        temporary.unlink(missing_ok=True)
        connection = sqlite3.connect(temporary, isolation_level=None)
        try:
            # a file that nobody sees before it is whole needs no journal
            connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + SCHEMA)
            connection.execute("BEGIN")
            _Builder(connection, store).fill(progress)
            _refused(connection, folder)
            for statement in (_GROUPS + ";" + _INDICES).split(";"):
                connection.execute(statement)
            facts = {"statistics": _statistics(store, folder), "rows": store.rows}
            packed = [
                (name, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)) for name, value in facts.items()
            ]
            connection.executemany("INSERT INTO facts VALUES (?, ?)", packed)
            connection.execute("COMMIT")
        finally:
            connection.close()


class _Builder:
    """One pass over the products."""

    def __init__(self, connection: sqlite3.Connection, store: Store) -> None:
        self._connection, self._store = connection, store
        self._tree = NumberedTree(store.taxonomy)
        self._names: dict[str, dict[str, int]] = {"platform": {}, "dropped": {}}
        self._counts = Counter[tuple[str, int]]()

    def fill(self, progress: Callable[[int], object]) -> None:
        done = 0
        for batch in _batches(self._store.products()):
            rows = [self._facets(done + n, product) for n, product in enumerate(batch, start=1)]
            self._put("facets", rows)
            self._put("products", [(row[0], p.id, _packed(p)) for row, p in zip(rows, batch, strict=True)])
            text = [(row[0], _text(p)) for row, p in zip(rows, batch, strict=True)]
            self._connection.executemany("INSERT INTO search (rowid, text) VALUES (?, ?)", text)
            done += len(batch)
            progress(done)
        self._put("categories", self._tree.rows())
        named = [(kind, number, name) for kind, all_ in self._names.items() for name, number in all_.items()]
        named += [("origin", number, name) for number, name in enumerate(ORIGINS)]
        named += [("level", n, str(n)) for kind, n in self._counts if kind == "level"]
        self._put("names", [(*each, self._counts[each[0], each[1]]) for each in named])

    def _facets(self, row: int, product: Product) -> tuple[Any, ...]:
        known = [label for label in product.labels if label.category is not None]
        category = self._tree.number(str(known[-1].category)) if known else 0
        level = max((n for n, label in enumerate(product.labels, 1) if label.category is not None), default=0)
        platform = self._number("platform", product.source)
        dropped = self._number("dropped", product.dropped) if product.dropped is not None else 0
        origins = sorted({ORIGINS.index(label.origin) for label in known})
        self._counts["dropped", dropped] += 1
        if not dropped:  # numbers beside filters are those of the dataset
            self._tree.count(category)
            self._counts.update([("platform", platform), ("level", level), *(("origin", n) for n in origins)])
        has = IMAGE * (product.image is not None) + OCR * (product.ocr is not None)
        twins = None if product.group is None else _short_hash(product.group)
        return row, platform, category, level, dropped, sum(1 << n for n in origins), has, twins

    def _number(self, kind: str, name: str) -> int:
        return self._names[kind].setdefault(name, len(self._names[kind]) + 1)

    def _put(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            places = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def _batches(products: Iterator[Product]) -> Iterator[list[Product]]:
    batch: list[Product] = []
    for product in products:
        batch.append(product)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _packed(product: Product) -> bytes:
    """Return a product as its values in their order (`dataclasses.astuple` copies each, ten times slower)."""
    values = list(_VALUES(product))
    values[_LABELS] = [_LABEL(label) for label in product.labels]
    return orjson.dumps(values)


def unpacked(record: bytes) -> Product:
    """Return the product of a row of the index."""
    values = orjson.loads(record)
    values[_LABELS] = tuple(Label(*label) for label in values[_LABELS])
    values[_PATH] = tuple(values[_PATH])
    return Product(*values)


def _text(product: Product) -> str:
    return searchable(f"{product.title or ''} {product.ocr or ''}")


def _short_hash(group: str) -> int:
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:8], "big", signed=True)


def _refused(connection: sqlite3.Connection, folder: Path) -> None:
    """Note what the steps of a build could not take, whole rows and parts of rows."""
    columns = ["stage", "source", "product", "file", "line", "field", "value", "reason"]
    insert = f"INSERT INTO refused ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
    for path in (one for store in find_stores(folder) for one in Layout(store).quarantines()):
        try:
            for batch in pq.ParquetFile(path).iter_batches(_BATCH, columns=columns):
                connection.executemany(insert, zip(*(batch[c].to_pylist() for c in columns), strict=True))
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error}); run the step again") from None


def _statistics(store: Store, folder: Path) -> dict[str, Any]:
    """Return the numbers of the report where it is of this store, else count them."""
    try:
        found = orjson.loads((folder / "report" / "statistics.json").read_bytes())
        if found["store"]["fingerprint"] == store.fingerprint and found["rows"]["total"] == store.rows:
            return dict(found)
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return statistics(store)
