"""The one record that moves through everything, and its columnar twin.

A `Product` is one row; `PRODUCT_SCHEMA` is the same record as Arrow columns, which is how a shard
holds thousands of them. Missing is always `None`: the sentinels 'FALSE' and 'FLASE' of the MEP-3M
files exist only in import and export.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Literal

import pyarrow as pa

Origin = Literal["given", "mapped", "predicted", "reviewed"]


@dataclass(frozen=True, slots=True)
class Label:
    """One level of a product's category path, with how it got there.

    `category` is an id of the store's taxonomy (the platform's own name before alignment) and `None` only
    where a deeper level is known and this one is not. `by` names the source, rule, model or person, and
    `confidence` is a probability in [0, 1], or `None` where nobody computed one.
    """

    category: str | None
    origin: Origin
    by: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """One product of one platform.

    `labels` runs from the first level down and stops at the deepest level known, so a coarse label
    is a shorter tuple. `source_path` keeps the platform's own category names, root first, for ever.
    `image` is the content hash of the image in the store, `image_ref` the path or URL the source
    gave. `group` joins duplicates. `dropped` holds the reason when a stage took the product out.
    `file` and `line` say where the row came from (`line` counts from 1; array items count from 1).
    """

    id: str
    source: str
    source_id: str
    source_path: tuple[str, ...] = ()
    title: str | None = None
    ocr: str | None = None
    image: str | None = None
    image_ref: str | None = None
    image_width: int | None = None
    image_height: int | None = None
    image_format: str | None = None
    labels: tuple[Label, ...] = ()
    group: str | None = None
    dropped: str | None = None
    file: str | None = None
    line: int | None = None

    def category(self, level: int) -> str | None:
        """Return the category id at `level` (1 = coarsest), or `None` where it is not known."""
        return self.labels[level - 1].category if level <= len(self.labels) else None


LABEL_TYPE = pa.struct(
    [
        pa.field("category", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("by", pa.string()),
        pa.field("confidence", pa.float32()),
    ]
)

PRODUCT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("source_path", pa.list_(pa.string())),
        pa.field("title", pa.string()),
        pa.field("ocr", pa.string()),
        pa.field("image", pa.string()),
        pa.field("image_ref", pa.string()),
        pa.field("image_width", pa.int32()),
        pa.field("image_height", pa.int32()),
        pa.field("image_format", pa.string()),
        pa.field("labels", pa.list_(LABEL_TYPE)),
        pa.field("group", pa.string()),
        pa.field("dropped", pa.string()),
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
    ]
)


def to_table(products: Iterable[Product]) -> pa.Table:
    """Return the products as a table with `PRODUCT_SCHEMA`."""
    columns: dict[str, list[object]] = {name: [] for name in PRODUCT_SCHEMA.names}
    for product in products:
        for field in fields(product):
            columns[field.name].append(getattr(product, field.name))
    columns["labels"] = [[asdict(label) for label in row] for row in columns["labels"]]  # type: ignore[attr-defined]
    return pa.table(columns, schema=PRODUCT_SCHEMA)


def from_table(table: pa.Table) -> Iterator[Product]:
    """Yield each row of a table with `PRODUCT_SCHEMA` as a `Product`."""
    for batch in table.to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            row["source_path"] = tuple(row["source_path"] or ())
            row["labels"] = tuple(Label(**label) for label in row["labels"] or ())
            yield Product(**row)
