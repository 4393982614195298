"""What is kept of the vectors of each class, so that others can be learned without the products seen before.

Counts, means and one sum of products XᵀX decide every head but the one that is fine-tuned; they add up, so
that classes learned one after the other give the same as all at once. A class keeps its place for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.errors import ModelError
from mep3m.label_tree.tree import LabelPath
from mep3m.models.tensors import read_tensors, save_tensors

FILE = "statistics.safetensors"
#: vectors that are kept of each class: to choose settings by, and to replay when a head is fine-tuned
EACH = 16
#: vectors that are added up at a time
_CHUNK = 4096
#: entries of a vector, at most: the sum of products has their square
WIDEST = 4096

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ClassStatistics:
    """The C classes of `paths`, in the order in which they were learned, by their vectors of unit length.

    `counts` (C,) rows, `means` (C, D), `products` (D, D): the sum of x xᵀ over all rows, each weighing
    1 / √(rows of its class), so that a class of many rows counts more than one of few, and not by as much as
    it is larger. `examples` (M, D) are a few vectors of each class, `owners` (M,) their classes.
    """

    paths: tuple[LabelPath, ...]
    counts: Numbers
    means: Numbers
    products: Numbers
    examples: NDArray[np.float32]
    owners: Ints

    @classmethod
    def of(
        cls, paths: Sequence[LabelPath], classes: Ints, read: Callable[[Ints], NDArray[np.float32]]
    ) -> ClassStatistics:
        """Add up N rows; `classes` (N,) is the place of each in `paths`, -1 where it is not to be counted.

        `read` gives the vectors (n, D) of some rows. A class without a row is left out.
        """
        rows = np.flatnonzero(classes >= 0)
        kept, own = np.unique(classes[rows], return_inverse=True)
        counts = np.bincount(own, minlength=len(kept)).astype(np.float64)
        width = read(rows[:1]).shape[1]
        sums, products = np.zeros((len(kept), width)), np.zeros((width, width))
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            vectors = read(rows[part])
            np.add.at(sums, own[part], vectors)
            weights = (1 / np.sqrt(counts[own[part]])).astype(np.float32)
            products += vectors.T @ (vectors * weights[:, None])
        chosen = _evenly(own, len(kept))
        examples = read(rows[chosen]) if len(chosen) else np.zeros((0, width), np.float32)
        means = sums / np.maximum(counts, 1)[:, None]
        names = tuple(paths[one] for one in kept)
        return cls(names, counts, means, products, examples, own[chosen].astype(np.int64))

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def weights(self) -> Numbers:
        """What each class (C,) weighs in `products`."""
        return np.sqrt(self.counts)

    def __add__(self, other: ClassStatistics) -> ClassStatistics:
        """Return both together, the classes of `other` after those that were there."""
        return ClassStatistics(
            (*self.paths, *other.paths),
            np.concatenate([self.counts, other.counts]),
            np.concatenate([self.means, other.means]),
            self.products + other.products,
            np.concatenate([self.examples, other.examples]),
            np.concatenate([self.owners, len(self) + other.owners]),
        )

    def save(self, folder: Path) -> None:
        """Write the statistics into the folder of a classifier."""
        tensors: dict[str, NDArray[Any]] = {
            "paths": np.frombuffer(orjson.dumps(self.paths), dtype=np.uint8),
            "counts": self.counts,
            "means": self.means.astype(np.float32),
            "products": self.products.astype(np.float32),
            "examples": self.examples.astype(np.float16),
            "owners": self.owners,
        }
        save_tensors(folder / FILE, tensors)

    @classmethod
    def load(cls, folder: Path) -> ClassStatistics | None:
        """Read the statistics of a classifier; `None` where it keeps none.

        Raises:
            ModelError: the file is damaged.
        """
        made = read_tensors(folder / FILE, cls._made)
        if made is not None and len({len(made.paths), len(made.counts), len(made.means)}) != 1:
            raise ModelError(
                f"{folder / FILE} is damaged: its arrays differ in length; copy it or train again"
            )
        return made

    @classmethod
    def _made(cls, held: Mapping[str, NDArray[Any]]) -> ClassStatistics:
        return cls(
            tuple(tuple(path) for path in orjson.loads(held["paths"].tobytes())),
            np.array(held["counts"]),
            held["means"].astype(np.float64),
            held["products"].astype(np.float64),
            held["examples"].astype(np.float32),
            np.array(held["owners"]),
        )


def _evenly(own: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return up to `EACH` places of each class, evenly over its rows: they depend on its own rows alone."""
    found = []
    for one in range(count):
        rows = np.flatnonzero(own == one)
        found.append(rows[np.unique(np.linspace(0, len(rows) - 1, min(EACH, len(rows))).astype(np.intp))])
    return np.concatenate(found) if found else np.zeros(0, dtype=np.intp)
