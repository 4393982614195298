"""A finished step on disk: read its shards, its taxonomy, its images, its quarantine.

`store/layout.py` shows the folder. A shard (`PRODUCT_SCHEMA`) exists only when it is complete; a store
without a manifest is unfinished.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.errors import StoreError
from mep3m.product import PRODUCT_SCHEMA, Product, from_table
from mep3m.store.filesystem import local_folder
from mep3m.store.images import ContentImages
from mep3m.store.json_files import read_json
from mep3m.store.layout import Layout, finished_below
from mep3m.store.rejects import REJECT_SCHEMA
from mep3m.taxonomy import Taxonomy

if TYPE_CHECKING:
    import duckdb

FORMAT = 1
#: what a plan and a manifest hold, at least
_PLAN: dict[str, type] = {"step": str, "parts": list, "fingerprint": str}
_MANIFEST: dict[str, type] = {
    **_PLAN, "format": int, "settings": dict, "images": str, "shards": list, "rows": int, "dropped": int,
    "rejects": int,
}  # fmt: skip


def read_plan(folder: Path) -> dict[str, Any]:
    """Return what the store at `folder` is to become.

    Raises:
        StoreError: the file is damaged.
    """
    return _checked(Layout(folder).plan, _PLAN)


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what is in the finished store at `folder`.

    Raises:
        StoreError: the file is damaged.
    """
    return _checked(Layout(folder).manifest, _MANIFEST)


def _checked(path: Path, kinds: dict[str, type]) -> dict[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or any(not isinstance(content.get(key), kinds[key]) for key in kinds):
        raise StoreError(
            f"{path} is damaged; bring it back from a copy, or delete the store and make it anew"
        )
    return content


def check_shards(shards: Sequence[Path]) -> None:
    """Look at the end of every shard, which is written last and says how to read it.

    Raises:
        StoreError: a file is missing or damaged.
    """
    for path in shards:
        try:
            pq.read_metadata(path)
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> StoreError:
    return StoreError(f"{path} cannot be read ({error}); delete it and run the step again")


@dataclass(frozen=True)
class Store:
    """A complete store. Open one with `Store.open`; `StoreWriter` makes new ones."""

    folder: Path
    manifest: dict[str, Any] = field(repr=False)

    @classmethod
    def open(cls, folder: Path | str) -> Store:
        """Open a finished store.

        Raises:
            StoreError: there is none, it is unfinished, or a newer mep3m wrote it.
            UsageError: the folder is an address.
        """
        folder = Path(folder)
        local_folder(folder)
        if not Layout(folder).finished:
            if not Layout(folder).begun:
                below = [path.name for path in finished_below(folder)]
                hint = (
                    f"name one of the stores in it: {', '.join(below)}"
                    if below
                    else "make one with 'mep3m ingest' or 'mep3m build'"
                )
                raise StoreError(f"{folder} holds no store; {hint}")
            raise _unfinished(folder, len(read_plan(folder)["parts"]))
        manifest = read_manifest(folder)
        if manifest["format"] > FORMAT:
            raise StoreError(f"{folder} has format {manifest['format']}, this mep3m reads up to {FORMAT}")
        store = cls(folder, manifest)
        if not all(path.exists() for path in store.shards):  # somebody deleted a damaged one
            raise _unfinished(folder, len(store.shards))
        return store

    @property
    def layout(self) -> Layout:
        """The places in the store's folder."""
        return Layout(self.folder)

    @property
    def step(self) -> str:
        """The name of the stage that made this store."""
        return str(self.manifest["step"])

    @property
    def fingerprint(self) -> str:
        """Changes when the input, a setting or the version that made the store changes."""
        return str(self.manifest["fingerprint"])

    @property
    def rows(self) -> int:
        """The number of rows, dropped ones included."""
        return int(self.manifest["rows"])

    @property
    def shards(self) -> list[Path]:
        """The shard files in order."""
        return [self.layout.shard(part) for part in range(len(self.manifest["shards"]))]

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The category tree that the labels point into; empty before labels are mapped."""
        path = self.layout.taxonomy
        return Taxonomy.load(path) if path.exists() else Taxonomy(())

    @cached_property
    def images(self) -> ContentImages:
        """The images by content hash."""
        return ContentImages((self.folder / self.manifest["images"]).resolve())

    def tables(self, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield one table a shard, in order, with all columns of `PRODUCT_SCHEMA` or those named."""
        for path in self.shards:
            yield read_shard(path, columns)

    def products(self) -> Iterator[Product]:
        """Yield every row as a `Product`, in order."""
        for table in self.tables():
            yield from from_table(table)

    def rejects(self) -> pa.Table:
        """Return the quarantine of this step."""
        files = self.layout.quarantines()
        check_shards(files)
        tables = [pq.read_table(path, schema=REJECT_SCHEMA) for path in files]
        return pa.concat_tables(tables) if tables else REJECT_SCHEMA.empty_table()

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a DuckDB connection with the views `products` and `rejects`."""
        import duckdb  # a quarter of a second that only queries need

        connection = duckdb.connect()
        check_shards(self.shards)
        files = [str(path) for path in self.shards]
        connection.execute("SET preserve_insertion_order = true")
        connection.register("rejects", self.rejects())
        if files:
            connection.read_parquet(files).create_view("products")
        else:
            connection.register("products", PRODUCT_SCHEMA.empty_table())
        return connection


def _unfinished(folder: Path, parts: int) -> StoreError:
    done = len(Layout(folder).shards())
    return StoreError(
        f"the store {folder} is unfinished ({done} of {parts} shards); "
        "run the command that makes it again and it goes on"
    )


def read_shard(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read one shard through a memory map.

    Raises:
        StoreError: the file is missing or damaged.
    """
    try:
        return pq.read_table(path, columns=columns, memory_map=True, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
