"""Open a dataset by its path: a store folder, or one table file through a column map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.errors import InputError, NotFoundError, StoreError, UsageError
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import Columns, TableFormat, TableSettings
from mep3m.sources.columns import product_table
from mep3m.sources.formats.folder import SUFFIXES, UNREAD, FolderSource
from mep3m.sources.tables import TableSource, read_products
from mep3m.store import Store
from mep3m.store.filesystem import as_text
from mep3m.store.images import FolderImages, Images
from mep3m.store.layout import Layout, finished_below, stores_below
from mep3m.store.rejects import INGEST, Reject
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class Opened:
    """Products of `PRODUCT_SCHEMA`, where their images are, what was refused, and the category tree."""

    products: pa.Table
    images: Images | None
    rejects: list[Reject]
    taxonomy: Taxonomy | None

    @cached_property
    def dataset(self) -> Dataset:
        """The rows that no stage has dropped, with their labels, converted once."""
        return Dataset.of(self.products)


#: what splits, classifiers and scores look at; the rest of a row is about where it came from
LEARNING = (
    "id", "source", "source_id", "source_path", "title", "ocr", "image", "image_ref", "labels", "group",
    "dropped",
)  # fmt: skip


def with_own_ids(products: pa.Table, columns: Columns, every: NDArray[np.int64], first: int = 1) -> pa.Table:
    """Return the rows of one table or frame under the ids that the user knows them by.

    `source_id` is the id column's cell, or the number of the row, counted from `first` over the ascending
    lines of `every` row, refused and empty ones too; where there is an id column, 'row N' stands for an empty
    cell. `id` is the same, with the platform before it where a column names platforms. So neither depends on
    the name of a file.
    """
    numbers = pa.array(np.searchsorted(every, products["line"].to_numpy()) + first).cast(pa.string())
    own: Any = numbers
    if columns.id is not None:
        made = pc.binary_join_element_wise(products["file"], products["line"].cast(pa.string()), ":")
        own = pc.if_else(
            pc.equal(products["source_id"], made),
            pc.binary_join_element_wise("row", numbers, " "),
            products["source_id"],
        )
    joined = own if columns.platform is None else pc.binary_join_element_wise(products["source"], own, ":")
    for name, values in (("source_id", own), ("id", joined)):
        place = products.column_names.index(name)
        products = products.set_column(place, products.schema.field(name), values)
    return products


def known_lines(products: pa.Table, rejects: Sequence[Reject]) -> NDArray[np.int64]:
    """Return the ascending lines of the rows that were read or refused."""
    refused = [one.line for one in rejects if one.line is not None]
    return np.unique(np.append(products["line"].to_numpy(), refused)).astype(np.int64)


def open_kept(store: Store) -> Opened:
    """Read the rows of a store that no stage has dropped, in the columns of `LEARNING`."""
    kept = (table.filter(table["dropped"].is_null()) for table in store.tables(list(LEARNING)))
    return _opened(store, kept)


def open_all(store: Store) -> Opened:
    """Read every row of a store, in the same columns: 'mep3m assign' answers those that were dropped too."""
    return _opened(store, store.tables(list(LEARNING)))


def _opened(store: Store, found: Iterable[pa.Table]) -> Opened:
    tables = list(found)
    products = pa.concat_tables(tables) if tables else PRODUCT_SCHEMA.empty_table().select(LEARNING)
    return Opened(products, store.images, [], store.taxonomy if len(store.taxonomy) else None)


def store_folder(path: Path) -> Path:
    """Return the folder of a store: the path itself, or the last store in a folder that `build` wrote.

    Raises:
        StoreError: there is none.
    """
    if Layout(path).finished or Layout(path).begun:
        return path
    steps = sorted(finished_below(path))
    if not steps:
        raise StoreError(
            f"{path} holds no store; make one with mep3m.ingest_catalogue or mep3m.build "
            "(on the command line: mep3m ingest, mep3m build)"
        )
    return steps[-1]


def pictures_of(path: Path) -> list[Path]:
    """Return the image files that a path is or that lie below it, sorted; of a store or a table, none."""
    if not path.is_dir():
        return [path] if path.suffix.lower() in SUFFIXES | UNREAD and path.is_file() else []
    if Layout(path).begun or stores_below(path):
        return []
    try:
        return FolderSource(path, path.name).images
    except InputError:
        return []


def open_pictures(path: Path, labelled: bool = False) -> Opened:
    """Return one product for each image that a path is or that lies below it.

    Its id is its path below the folder. A file of a kind that is not read is refused. With `labelled`, the
    folders on the way to an image are its label, from coarse to fine.
    """
    root = path if path.is_dir() else path.parent
    names = {as_text(found.relative_to(root).as_posix()): found for found in pictures_of(path)}
    taken = [name for name, found in names.items() if found.suffix.lower() in SUFFIXES and not found.is_dir()]
    rejects = [
        Reject(INGEST, root.name, "images of this kind are not read; convert it to JPEG or PNG", file=name)
        for name in names.keys() - taken
    ]
    refs = pa.array(taken, pa.string())
    source = pa.array([root.name] * len(taken), pa.string())
    columns = {"id": refs, "source": source, "source_id": refs, "image_ref": refs, "file": refs}
    if labelled:
        folders = [normalize("NFC", name).split("/")[:-1] for name in taken]
        columns["source_path"] = pa.array(folders, pa.list_(pa.string()))
    return Opened(product_table(columns, len(taken)), FolderImages(root), rejects, None)


def open_products(
    path: Path,
    columns: Columns | None = None,
    image_root: Path | None = None,
    table: TableFormat | None = None,
    encoding: str | None = None,
) -> Opened:
    """Read every row of a store folder, of a folder of pictures (folders are labels), or of a table.

    `columns` is needed for a table and says nothing about a store. `image_root` is the folder that
    the image column is relative to; without it, the table's own folder. `table` is the format of a
    table whose name does not say it, `encoding` that of its text where it cannot be found out for sure. Rows
    of a table have the user's own ids (`with_own_ids`).

    Raises:
        NotFoundError: there is no such path, or no such column.
        UsageError: it is a table and no column was named, or it has no rows.
    """
    if not path.exists():
        raise NotFoundError(
            f"{path} does not exist; give a table (CSV, TSV, JSONL, Parquet) or a store folder"
        )
    if image_root is not None and not image_root.is_dir():
        raise NotFoundError(f"the image folder {image_root} does not exist; --image-root names it")
    if pictures_of(path):
        return open_pictures(path, labelled=True)
    if path.is_dir():
        store = Store.open(path)
        tables = list(store.tables())
        taxonomy = store.taxonomy if len(store.taxonomy) else None
        opened = Opened(pa.concat_tables(tables), store.images, [], taxonomy) if tables else None
    else:
        if columns is None or not columns.names():
            raise UsageError(f"{path} is a table: name its columns, at least --title or --image")
        products, rejects = read_products(path, columns, encoding=encoding, table=table)
        source = TableSource(path, TableSettings(columns=columns, encoding=encoding, format=table))
        products = with_own_ids(products, columns, source.row_lines(known_lines(products, rejects)))
        images = FolderImages(image_root or path.parent) if columns.image else None
        opened = Opened(products, images, rejects, None)
    if opened is None or not opened.products.num_rows:
        raise UsageError(f"{path} has no rows to work on")
    return opened
