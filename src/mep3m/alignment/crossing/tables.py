"""What filing each platform's products on the other says: P(b | rows of a), P(a | rows of b), and home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mep3m.alignment.crossing.titles import TitleIndex, TitleSample, sample_titles
from mep3m.alignment.records import Side


@dataclass(frozen=True)
class Filing:
    """One platform's categories (A) filed on another (B).

    `share` (A, B) is the share of a category's titles that are at home and filed there, its own children's
    titles counted as its own; `home` (A,) the share at home at all; `titles` (A,) how many were filed.
    """

    share: sparse.csr_matrix
    home: NDArray[np.float32]
    titles: NDArray[np.float32]


@dataclass(frozen=True)
class Crossing:
    """Both directions between two sides: `there` files the left titles on the right, `back` the reverse."""

    there: Filing
    back: Filing


class Crossings:
    """Every platform's titles indexed once, and filed on any other when it is asked for."""

    def __init__(self, sides: Sequence[Side]) -> None:
        self._samples = {side.name: sample_titles(side) for side in sides}
        self._indexes = {side.name: TitleIndex.of(side) for side in sides}
        self._known: dict[tuple[str, str], Filing] = {}

    def between(self, left: Side, right: Side) -> Crossing | None:
        """Return what filing says of two sides; `None` where one has too few titles."""
        if self._indexes[left.name] is None or self._indexes[right.name] is None:
            return None
        return Crossing(self._filing(left, right), self._filing(right, left))

    def _filing(self, own: Side, other: Side) -> Filing:
        key = (own.name, other.name)
        if key not in self._known:
            index = self._indexes[other.name]
            assert index is not None
            self._known[key] = file_side(own, self._samples[own.name], other, index)
        return self._known[key]


def file_side(own: Side, sample: TitleSample, other: Side, index: TitleIndex) -> Filing:
    """File the sampled titles of `own` on `other`; a title counts for its category and for those above it."""
    filed = index.file(sample.titles)
    above = ancestors(own)
    counts = sparse.csr_matrix(
        (np.ones(len(sample.titles), np.float32), (sample.owners, np.arange(len(sample.titles)))),
        (len(own), len(sample.titles)),
    )
    holds = above @ counts
    titles = np.asarray(holds.sum(axis=1)).ravel()
    each = sparse.diags(1 / np.maximum(titles, 1))
    home = filed.at_home.astype(np.float32)
    placed = sparse.csr_matrix((home, (np.arange(len(home)), filed.category)), (len(home), len(other)))
    share = each @ holds @ placed @ ancestors(other).T
    return Filing(share.tocsr().astype(np.float32), np.asarray(each @ (holds @ home)).ravel(), titles)


def ancestors(side: Side) -> sparse.csr_matrix:
    """Return (categories, categories), 1 where the second is the first or lies below it, both listed."""
    places = {entry.path: place for place, entry in enumerate(side)}
    rows, columns = [], []
    for place, entry in enumerate(side):
        for depth in range(1, len(entry.path) + 1):
            if (at := places.get(entry.path[:depth])) is not None:
                rows.append(at)
                columns.append(place)
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), (len(side), len(side)))
