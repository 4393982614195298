"""Open a dataset by its path: a store folder, or one table file through a column map."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from mep3m.dataset.dataset import Dataset
from mep3m.errors import NotFoundError, UsageError
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import Columns, TableFormat
from mep3m.sources.tables import read_products
from mep3m.store import Store
from mep3m.store.images import FolderImages, Images
from mep3m.store.rejects import Reject
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
    "id", "source", "source_id", "source_path", "title", "ocr", "image", "image_ref", "labels", "group", "dropped",
)  # fmt: skip


def open_kept(store: Store) -> Opened:
    """Read the rows of a store that no stage has dropped, in the columns of `LEARNING`."""
    tables = [table.filter(table["dropped"].is_null()) for table in store.tables(list(LEARNING))]
    products = pa.concat_tables(tables) if tables else PRODUCT_SCHEMA.empty_table().select(LEARNING)
    return Opened(products, store.images, [], store.taxonomy if len(store.taxonomy) else None)


def open_products(
    path: Path,
    columns: Columns | None = None,
    image_root: Path | None = None,
    table: TableFormat | None = None,
) -> Opened:
    """Read every row of a store folder, or of a table (CSV, TSV, JSONL, Parquet).

    `columns` is needed for a table and says nothing about a store. `image_root` is the folder that
    the image column is relative to; without it, the table's own folder. `table` is the format of a
    table whose name does not say it.

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
    if path.is_dir():
        store = Store.open(path)
        tables = list(store.tables())
        taxonomy = store.taxonomy if len(store.taxonomy) else None
        opened = Opened(pa.concat_tables(tables), store.images, [], taxonomy) if tables else None
    else:
        if columns is None or not columns.names():
            raise UsageError(f"{path} is a table: name its columns, at least --title or --image")
        products, rejects = read_products(path, columns, table=table)
        images = FolderImages(image_root or path.parent) if columns.image else None
        opened = Opened(products, images, rejects, None)
    if opened is None or not opened.products.num_rows:
        raise UsageError(f"{path} has no rows to work on")
    return opened
