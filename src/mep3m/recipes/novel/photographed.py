"""The rows of a table for Table 9: a class each, and their pictures by number."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.dataset import join_gaps
from mep3m.dataset.reading import Opened
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.inputs.pixels import PixelReader
from mep3m.store.rejects import Reject

#: side in pixels to which pictures are decoded to see whether they can be read
_SMALL = 16


def numbering(folder: Path) -> PixelReader:
    """Return what gives pictures their numbers; a folder takes one, or a number were two pictures."""
    return PixelReader(_SMALL, folder)


class Photographed:
    """Rows to learn from or to test on; `paths` has the class of each, `()` where it has none."""

    def __init__(self, opened: Opened, reader: PixelReader, tree: LabelTree | None = None) -> None:
        """Take what was read, the reader that numbers the pictures of all sides, and of a test the tree.

        Raises:
            UsageError: there are no images, or no row has labels of two levels.
        """
        if opened.images is None:
            raise UsageError("pictures are learned from here: name their column with --image")
        self.images, self.products = opened.images, opened.dataset.products
        paths = join_gaps(opened.dataset.cells, tree.paths if tree else None)
        self.tree = tree or LabelTree.from_paths([path for path in paths if path])
        if self.tree.depth < 2:
            raise UsageError(
                "novel classes are drawn in groups, so labels have two levels; name both with "
                "--labels GROUP,CLASS"
            )
        inner = {path[:depth] for path in self.tree.paths for depth in range(1, len(path))}
        self.paths: list[LabelPath] = [p if len(p) > 1 and p not in inner else () for p in paths]
        self._reader = reader
        #: number of the picture of each row that was looked at, -1 for one that cannot be read
        self._pictures: dict[int, int] = {}
        self.rejects: list[Reject] = []

    @cached_property
    def labelled(self) -> NDArray[np.int64]:
        """The rows with a class."""
        return np.array([row for row, path in enumerate(self.paths) if path], np.int64)

    def look(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each row's picture, -1 where it cannot be read; the same bytes have one."""
        fresh = [row for row in dict.fromkeys(rows.tolist()) if row not in self._pictures]
        if fresh:
            read = self._reader.find(self.products.take(fresh), self.images)
            self._pictures |= dict(zip(fresh, read.slots.tolist(), strict=True))
            self.rejects += read.rejects
        return np.array([self._pictures[row] for row in rows.tolist()], np.int64)
