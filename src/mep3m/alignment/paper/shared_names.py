"""Categories that share a name: the name is compared once, the categories are paired in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mep3m.alignment.similarity import Floats, Ints, name_pairs

#: pairs of categories, or cells of S_content, that are in memory at once
BLOCK_PAIRS = 1_000_000


@dataclass(frozen=True)
class DistinctNames:
    """The distinct names of some categories; those of name n stand at `places[starts[n]:starts[n + 1]]`."""

    distinct: list[str]
    places: Ints
    starts: Ints

    @classmethod
    def of(cls, names: Sequence[str], places: Ints | None = None) -> DistinctNames:
        """Group the categories at `places` (without it: all of them) by their names."""
        chosen = np.arange(len(names)) if places is None else places
        numbers: dict[str, int] = {}
        number = np.array([numbers.setdefault(names[k], len(numbers)) for k in chosen], np.int64)
        order = np.argsort(number, kind="stable")
        starts = np.searchsorted(number[order], np.arange(len(numbers) + 1))
        return cls(list(numbers), chosen[order], starts)

    @property
    def counts(self) -> Ints:
        """How many categories each name has (distinct,)."""
        return np.diff(self.starts)

    def members(self, number: int) -> Ints:
        """Return the places of the categories of one name."""
        return self.places[self.starts[number] : self.starts[number + 1]]


def category_pairs(
    left: DistinctNames, right: DistinctNames, rows: Ints, columns: Ints
) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Yield (k, left place, right place) of every category named rows[k] with every one named columns[k].

    A block holds at most `BLOCK_PAIRS` pairs, however many categories a name has.
    """
    tall, wide = left.counts[rows], right.counts[columns]
    ends = np.cumsum(tall * wide)
    total = int(ends[-1]) if len(ends) else 0
    for begin in range(0, total, BLOCK_PAIRS):
        flat = np.arange(begin, min(begin + BLOCK_PAIRS, total))
        k = np.searchsorted(ends, flat, side="right")
        down, across = np.divmod(flat - (ends - tall * wide)[k], wide[k])
        yield (
            k,
            left.places[left.starts[rows[k]] + down],
            right.places[right.starts[columns[k]] + across],
        )


def label_pairs(
    left: Sequence[str], right: Sequence[str], threshold: float = 0.5
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Yield (left index, right index, S_label) of every pair with S_label ≥ threshold, in blocks.

    Equal names are compared once. Memory: that of `name_pairs` and one block of pairs, whatever the
    number of names and however often they repeat.
    """
    ours, theirs = DistinctNames.of(left), DistinctNames.of(right)
    for rows, columns, ratios in name_pairs(ours.distinct, theirs.distinct, threshold):
        for k, one, other in category_pairs(ours, theirs, rows, columns):
            yield one, other, ratios[k]


def nearest(
    left: Ints, right: Ints, vectors: tuple[sparse.csr_matrix, sparse.csr_matrix] | None, kept: int
) -> tuple[Ints, Ints]:
    """Return the pairs of places in which one category is among the `kept` nearest of the other.

    Near is a high product of their vectors; without vectors all are equally near, and the first
    ones are taken. At least `kept` categories stand on each side. Memory: a block of cells, and
    what is returned.
    """
    if vectors is None:
        tall, wide = np.arange(len(left)), np.arange(len(right))
        down = np.concatenate([np.repeat(tall, kept), np.tile(tall[:kept], len(right))])
        across = np.concatenate([np.tile(wide[:kept], len(left)), np.repeat(wide, kept)])
        return _distinct(left, right, down, across)
    step = max(kept, BLOCK_PAIRS // len(right))
    down_parts, across_parts = [], []
    best, best_rows = np.empty((0, len(right))), np.empty((0, len(right)), np.int64)
    other = vectors[1][right].T.tocsc()
    for start in range(0, len(left), step):
        cells = (vectors[0][left[start : start + step]] @ other).toarray()
        numbers = np.arange(start, start + len(cells))
        across_parts.append(np.argpartition(-cells, kept - 1, axis=1)[:, :kept].ravel())
        down_parts.append(np.repeat(numbers, kept))
        cells = np.concatenate([best, cells])
        rows = np.concatenate([best_rows, np.tile(numbers[:, None], len(right))])
        top = np.argpartition(-cells, min(kept, len(cells)) - 1, axis=0)[:kept]
        best, best_rows = np.take_along_axis(cells, top, 0), np.take_along_axis(rows, top, 0)
    down_parts.append(best_rows.ravel())
    across_parts.append(np.tile(np.arange(len(right)), len(best_rows)))
    return _distinct(left, right, np.concatenate(down_parts), np.concatenate(across_parts))


def _distinct(left: Ints, right: Ints, down: Ints, across: Ints) -> tuple[Ints, Ints]:
    """Return the places of the pairs, each pair once."""
    down, across = np.divmod(np.unique(down * len(right) + across), len(right))
    return left[down], right[across]
