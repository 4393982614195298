"""Small stores for tests of the index."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mep3m.desk.index.build import build_index
from mep3m.desk.index.index import StoreIndex
from mep3m.product import Product, to_table
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.rejects import Reject
from mep3m.taxonomy import Taxonomy


def stored(
    folder: Path, products: Iterable[Product], tree: Taxonomy | None = None, refused: Iterable[Reject] = ()
) -> Store:
    """Write a store of one shard."""
    writer = StoreWriter.begin(folder, Plan("align", {}, ("one",)))
    writer.write(0, to_table(products), refused)
    return writer.finish(tree)


def indexed(store: Store, path: Path) -> StoreIndex:
    """Make the index of a store."""
    build_index(store, store.folder, path)
    return StoreIndex(path)


def titled(*titles: str | None) -> list[Product]:
    """Return products of these titles, numbered from 1."""
    return [Product(f"shop:{n}", "shop", str(n), title=title) for n, title in enumerate(titles, start=1)]
