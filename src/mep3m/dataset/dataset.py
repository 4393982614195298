"""Dataset: products + chosen rows + a level. Subsets and splits are rows, never copies of files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.dataset.splits import Split
from mep3m.errors import NotFoundError, UsageError, did_you_mean

LabelPath = tuple[str, ...]
Cells = tuple[str | None, ...]


def label_cells(products: pa.Table) -> list[Cells]:
    """Return the label of each row at each level, `None` where it is not known.

    Labels are category ids where rows have labels: a row without one is unmapped. Where no row has
    labels, they are the platform's own names.
    """
    labels = products["labels"].to_pylist()
    if any(labels):
        return [tuple(label["category"] or None for label in given or ()) for given in labels]
    return [tuple(name or None for name in path or ()) for path in products["source_path"].to_pylist()]


def join_gaps(cells: Sequence[Cells], tree: Iterable[LabelPath] | None = None) -> list[LabelPath]:
    """Return one path a row, from the first level down to the deepest label that has a sure place.

    A row with a gap (a level unknown above a known one) takes the path of `tree` that has its deepest
    label and agrees with the levels it knows, where that is one path; else it ends at the gap. `tree`
    has all nodes of a label tree (`None`: that of the rows without a gap). Who scores gives the tree of
    the model: what a row is must not depend on the rows beside it.
    """
    if tree is None:
        own = {_until_gap(row) for row in set(cells)}
        tree = {path[:depth] for path in own for depth in range(1, len(path) + 1)}
    whole: dict[tuple[int, str], list[LabelPath]] = {}
    for path in tree:
        whole.setdefault((len(path), path[-1]), []).append(path)
    paths: dict[Cells, LabelPath] = {row: _place(row, whole) for row in set(cells)}
    return [paths[row] for row in cells]


def _until_gap(row: Cells) -> LabelPath:
    known = row.index(None) if None in row else len(row)
    return tuple(name for name in row[:known] if name is not None)


def _deepest(row: Cells) -> str | None:
    return next((name for name in reversed(row) if name is not None), None)


def _place(row: Cells, whole: dict[tuple[int, str], list[LabelPath]]) -> LabelPath:
    for depth in range(len(row), 0, -1):
        name = row[depth - 1]
        if name is None or None not in row[:depth]:
            continue
        fits = [
            path
            for path in whole.get((depth, name), ())
            if all(mine in (None, theirs) for mine, theirs in zip(row[:depth], path, strict=True))
        ]
        if len(fits) == 1:
            return fits[0]
    return _until_gap(row)


@dataclass(frozen=True)
class Dataset:
    """`products` (rows of `PRODUCT_SCHEMA`) with the label `cells` of each row, coarse to fine."""

    products: pa.Table
    cells: tuple[Cells, ...]

    @classmethod
    def of(cls, products: pa.Table) -> Dataset:
        """Take every row that no stage has dropped."""
        products = products.filter(products["dropped"].is_null())
        return cls(products, tuple(label_cells(products)))

    def __len__(self) -> int:
        return len(self.cells)

    @cached_property
    def paths(self) -> tuple[LabelPath, ...]:
        """One label path a row (`join_gaps` by these rows, to learn from); empty where nothing is known."""
        return tuple(join_gaps(self.cells))

    @property
    def depth(self) -> int:
        """The number of levels of the deepest label."""
        return max((len(row) for row in self.cells), default=0)

    @property
    def ids(self) -> list[str]:
        """The product ids, in row order."""
        ids: list[str] = self.products["id"].to_pylist()
        return ids

    def names(self, level: int) -> list[str | None]:
        """Return the label of each row at one level, `None` where it is not known."""
        return [row[level - 1] if len(row) >= level else None for row in self.cells]

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """Return the dataset with these rows, in this order."""
        return Dataset(self.products.take(pa.array(rows, pa.int64())), tuple(self.cells[row] for row in rows))

    def labelled(self) -> Dataset:
        """Return the rows with a label at some level that has a place in the tree.

        Raises:
            UsageError: no row has one.
        """
        rows = np.array([row for row, path in enumerate(self.paths) if path], dtype=np.int64)
        if not len(rows):
            raise UsageError(
                f"none of the {len(self):,} rows has a label; "
                "name the label columns with --labels, coarse to fine"
            )
        return self if len(rows) == len(self) else self.take(rows)

    def with_any_label(self) -> Dataset:
        """Return the rows with a label at some level, wherever it is: those that can be scored.

        Raises:
            UsageError: no row has one.
        """
        rows = np.array([row for row, cells in enumerate(self.cells) if any(cells)], dtype=np.int64)
        return self.take(rows) if len(rows) else self.labelled()

    def at_level(self, level: int, leaf: bool = False) -> Dataset:
        """Return the flat task of one level: a class is the label itself, rows without one are left out.

        With `leaf`, a row without a label at the level or below it keeps its deepest one: the third level
        with `leaf` is the paper's 688-way task (§4).

        Raises:
            UsageError: the labels have no such level.
        """
        if not 1 <= level <= self.depth:
            raise UsageError(f"there is no level {level}: the labels have the levels 1 to {self.depth}")
        names = self.names(level)
        if leaf:
            ends = [None if any(row[level:]) else _deepest(row) for row in self.cells]
            names = [name or end for name, end in zip(names, ends, strict=True)]
        return Dataset(self.products, tuple((name,) if name else () for name in names)).labelled()

    def subset(self, path: LabelPath) -> Dataset:
        """Return the fine-grained task below one category: its rows that have a finer label (§6).

        The labels start below the category, so its children are the first level. `path` may be the
        whole path or only its end where that is unique. A row with a gap above the children is left out.

        Raises:
            NotFoundError: no row has such a category, or several have that name.
            UsageError: the category has no finer level.
        """
        whole = self._find(path)
        depth = len(whole)
        inside = [row for row, cells in enumerate(self.cells) if cells[:depth] == whole]
        rows = np.array([row for row in inside if any(self.cells[row][depth:])], dtype=np.int64)
        if not len(rows):
            raise UsageError(
                f"'{' > '.join(whole)}' has {len(inside):,} products and no finer level; "
                "name a category above it"
            )
        return Dataset(self.take(rows).products, tuple(self.cells[row][depth:] for row in rows))

    def _find(self, path: LabelPath) -> LabelPath:
        own = {_until_gap(row) for row in self.cells}
        nodes = {labels[:depth] for labels in own for depth in range(1, len(labels) + 1)}
        matches = sorted(node for node in nodes if node[-len(path) :] == path)
        if path in nodes:
            return path
        if len(matches) == 1:
            return matches[0]
        name = " > ".join(path)
        if not matches:
            raise NotFoundError(f"no category '{name}'{did_you_mean(name, {node[-1] for node in nodes})}")
        raise NotFoundError(
            f"'{name}' has several parents; write one of: {'; '.join(map(' > '.join, matches))}"
        )

    def sides(self, split: Split) -> tuple[Dataset, Dataset]:
        """Return the train and the test side of a split."""
        train, test = split.rows(self.products)
        return self.take(train), self.take(test)
