"""Labelled products from a store, a build, a file or a frame: to look at, split, and train on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa

from mep3m.dataset.dataset import Cells, Dataset
from mep3m.dataset.named_subsets import subset_of
from mep3m.dataset.reading import Opened
from mep3m.dataset.splits import split_products
from mep3m.errors import UsageError
from mep3m.product import LABEL_TYPE, Product, from_table
from mep3m.public.frames import Frame
from mep3m.public.inputs import ColumnNames, column_fields, image_root_of, open_any
from mep3m.settings.run import SplitKind
from mep3m.settings.sources import Columns
from mep3m.store.rejects import REJECT_SCHEMA, Reject
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class ClassCount:
    """One class of a level: its label as stored, its name as people read it, and its rows."""

    label: str
    name: str
    rows: int


@dataclass(frozen=True)
class LevelCount:
    """One level of the labels: how many classes it has, and how many rows have a label there."""

    level: int
    classes: int
    rows: int


@dataclass(frozen=True)
class Statistics:
    """Counts of a set of products; all but `rows`, `dropped` and `refused` are of kept rows.

    `dropped` and `refused` count rows by reason, `platforms` by platform. `titles` have a mean length
    of `title_length` characters (`None`: no titles). `images` is the number of different stored
    images, `with_ocr` of rows with text read in their image.
    """

    rows: int
    kept: int
    dropped: dict[str, int]
    refused: dict[str, int]
    platforms: dict[str, int]
    levels: tuple[LevelCount, ...]
    titles: int
    title_length: float | None
    images: int
    with_ocr: int


@dataclass(frozen=True, repr=False)
class ProductSet:
    """Products with their labels; `mep3m.load` makes one. Iterating gives one `Product` a row.

    Rows that a stage has dropped are counted by `statistics` and left out everywhere else.

    Example:
        >>> products = mep3m.load(rows, title="title", labels=["kind", "sort"])
        >>> len(products), products.depth
        (60, 2)
        >>> next(iter(products)).title
        '红富士苹果 0号 整箱'
        >>> [(one.name, one.rows) for one in products.classes(1)]
        [('数码', 30), ('水果', 30)]
        >>> train, test = products.split(test_share=0.25, seed=1)
        >>> len(train) + len(test)
        60
        >>> products.subset("水果").classes(1)["label"]
        ['苹果', '香蕉']
    """

    opened: Opened
    columns: Columns
    image_root: Path | None = None

    @cached_property
    def dataset(self) -> Dataset:
        """The kept rows with their labels, for code that uses the package's own modules."""
        return Dataset.of(self.opened.products)

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[Product]:
        return from_table(self.dataset.products)

    def __repr__(self) -> str:
        levels = ", ".join(f"{one.classes} classes" for one in self.levels()) or "no labels"
        return f"<ProductSet of {len(self):,} products: {levels}>"

    @property
    def depth(self) -> int:
        """The number of label levels."""
        return self.dataset.depth

    @property
    def taxonomy(self) -> Taxonomy | None:
        """The category tree that the labels are ids of; `None` where they are names."""
        return self.opened.taxonomy

    @property
    def refused(self) -> tuple[Reject, ...]:
        """The rows of the file or frame that could not be used, with their reasons."""
        return tuple(self.opened.rejects)

    def levels(self) -> tuple[LevelCount, ...]:
        """Return the number of classes and of labelled rows of every level."""
        names = [self.dataset.names(level) for level in range(1, self.depth + 1)]
        known = [[name for name in column if name is not None] for column in names]
        return tuple(LevelCount(n, len(set(column)), len(column)) for n, column in enumerate(known, start=1))

    def classes(self, level: int = 1) -> Frame[ClassCount]:
        """Return the classes of one level (1 = coarsest) with their rows, most rows first.

        Raises:
            UsageError: there is no such level.
        """
        self._check(level)
        counts: dict[str, int] = {}
        for label in self.dataset.names(level):
            if label is not None:
                counts[label] = counts.get(label, 0) + 1
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        labels = [label for label, _ in ranked]
        columns = {
            "label": pa.array(labels, pa.string()),
            "name": pa.array([self.name(label) for label in labels], pa.string()),
            "rows": pa.array([count for _, count in ranked], pa.int64()),
        }
        return Frame(pa.table(columns), lambda row: ClassCount(**row))

    def name(self, label: str) -> str:
        """Return a label as people read it: the name of an id, any other label as it is."""
        tree = self.opened.taxonomy
        return tree[label].name if tree is not None and label in tree else label

    def split(
        self,
        kind: SplitKind = "grouped",
        test_share: float = 0.2,
        seed: int = 0,
        level: int = 1,
        platforms: Sequence[str] = (),
    ) -> tuple[ProductSet, ProductSet]:
        """Return a training and a test set; the same seed gives the same sets.

        `grouped` keeps duplicates on one side, `random` draws single rows, `stratified` is grouped and
        keeps the share of every class of `level`, `shop` tests on the rows of `platforms`.

        Raises:
            UsageError: a side would be empty.
            NotFoundError: there is no such platform.
        """
        labels = self.dataset.names(level)
        split = split_products(self.dataset.products, kind, test_share, seed, labels, platforms)
        train, test = self.dataset.sides(split)
        return self._with(train.products), self._with(test.products)

    def subset(self, *path: str) -> ProductSet:
        """Return the products below one category that have a finer label; its children are level 1.

        `path` is the category, or as many levels above it as tell it from others of its name. `for-rpc` is
        the subset of MEP-3M that the paper publishes for checkouts; its labels stay as they are.

        Raises:
            NotFoundError: no row has such a category, or several categories have that name.
            UsageError: it has no finer level.
        """
        return self._labelled(subset_of(self.dataset, path))

    def at_level(self, level: int, leaf: bool = False) -> ProductSet:
        """Return the products with only the label of one level; rows without one are left out.

        With `leaf`, a row that ends above the level keeps its deepest label.

        Raises:
            UsageError: there is no such level.
        """
        return self._labelled(self.dataset.at_level(level, leaf))

    def statistics(self) -> Statistics:
        """Return counts of rows, labels, titles and images.

        `mep3m stats STORE --report FOLDER` draws the figures of the paper.
        """
        import duckdb  # a quarter of a second that only this needs

        from mep3m.statistics import numbers

        connection = duckdb.connect()
        connection.register("products", self.opened.products)
        connection.register("rejects", REJECT_SCHEMA.empty_table())
        connection.execute("CREATE VIEW kept AS SELECT * FROM products WHERE dropped IS NULL")
        rows, titles = numbers.rows(connection), numbers.titles(connection)
        refused: dict[str, int] = {}
        for reject in self.refused:
            refused[reject.reason] = refused.get(reject.reason, 0) + 1
        return Statistics(
            rows=rows["total"],
            kept=rows["kept"],
            dropped=rows["dropped"],
            refused=refused,
            platforms=rows["sources"],
            levels=self.levels(),
            titles=titles["count"],
            title_length=titles["mean"],
            images=numbers.images(connection)["distinct"],
            with_ocr=numbers.ocr(connection)["rows"],
        )

    def to_arrow(self) -> pa.Table:
        """Return `id`, `platform`, `title`, `ocr`, `image` and one column a label level."""
        products, levels = self.dataset.products, range(1, self.depth + 1)
        columns = {
            "id": products["source_id"],
            "platform": products["source"],
            "title": products["title"],
            "ocr": products["ocr"],
            "image": products["image_ref"],
        }
        labels = {f"level_{n}": pa.array(self.dataset.names(n), pa.string()) for n in levels}
        return pa.table({**columns, **labels})

    def to_pandas(self) -> Any:
        """Return `to_arrow` as a pandas DataFrame."""
        return Frame(self.to_arrow(), dict).to_pandas()

    def to_polars(self) -> Any:
        """Return `to_arrow` as a polars DataFrame."""
        return Frame(self.to_arrow(), dict).to_polars()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def _check(self, level: int) -> None:
        if not 1 <= level <= self.depth:
            raise UsageError(f"there is no level {level}: the labels have the levels 1 to {self.depth}")

    def _with(self, products: pa.Table) -> ProductSet:
        return replace(self, opened=replace(self.opened, products=products, rejects=[]))

    def _labelled(self, dataset: Dataset) -> ProductSet:
        """Return the set with the products of a dataset, and its cells as their labels."""
        before = dataset.products["labels"].to_pylist()
        sources = dataset.products["source"].to_pylist()
        labels = [_labels(*row) for row in zip(dataset.cells, before, sources, strict=True)]
        place = dataset.products.column_names.index("labels")
        array = pa.array(labels, pa.list_(LABEL_TYPE))
        return self._with(dataset.products.set_column(place, dataset.products.schema.field("labels"), array))


def _labels(cells: Cells, before: list[dict[str, Any]] | None, source: str) -> list[dict[str, Any]]:
    """Return the labels of a row that has these cells now; each keeps where it came from."""
    known = {label["category"]: label for label in before or ()}
    given = {"origin": "given", "by": source, "confidence": None}
    return [known.get(cell) or {"category": cell, **given} for cell in cells]


def load(data: Any, **columns: Unpack[ColumnNames]) -> ProductSet:
    """Open a dataset: a store, a folder that `build` wrote, a table file, a frame, or a list of dicts.

    A table file is CSV, TSV, JSON lines or Parquet. Files and frames need the names of their columns
    (`ColumnNames`), stores have none. Rows that cannot be read are left out; `refused` says why.

    Raises:
        NotFoundError: there is no such path or column; the message names the nearest.
        UsageError: no column is named, or there are no rows.
        StoreError: the folder holds no finished store.

    Example:
        >>> mep3m.load(rows, title="title", labels=["kind", "sort"])
        <ProductSet of 60 products: 2 classes, 4 classes>
        >>> mep3m.load(rows, titel="title")
        Traceback (most recent call last):
        mep3m.errors.UsageError: there is no option 'titel' (did you mean 'title'? allowed: ...
    """
    if isinstance(data, ProductSet):
        return data
    parsed, root = Columns.parse(column_fields(columns), "columns"), image_root_of(columns)
    opened = open_any(data, parsed, root)
    if root is None and parsed.image:
        root = Path(data).parent.resolve() if isinstance(data, str | Path) else Path.cwd()
    return ProductSet(opened, parsed, root)
