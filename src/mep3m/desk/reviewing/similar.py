"""Which products are decided together: those of like titles for which the model has one first answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.errors import UsageError
from mep3m.representations.latent import LatentText

#: products of a group at most, and how alike (cosine) the titles are to that of its first
TOGETHER, ALIKE = 12, 0.6
#: numbers of a vector, and products that are compared with each other at once
_WIDTH, _BLOCK = 64, 4000


def groups_of(titles: Sequence[str | None], answers: Sequence[object]) -> NDArray[np.int64]:
    """Return the group of each product (N,), numbered so that the largest groups come first.

    `answers` are the first answers of the model: only products with one answer are in one group.
    """
    groups = np.full(len(titles), -1, dtype=np.int64)
    vectors = _vectors(titles)
    buckets: dict[object, list[int]] = {}
    for row, answer in enumerate(answers):
        buckets.setdefault(answer, []).append(row)
    count = 0
    for rows in buckets.values():
        ordered = np.array(rows)[np.argsort(vectors[rows, 0], kind="stable")]
        for start in range(0, len(ordered), _BLOCK):
            count = _group(ordered[start : start + _BLOCK], vectors, groups, count)
    return _largest_first(groups)


def _vectors(titles: Sequence[str | None]) -> Floats:
    column = pa.chunked_array([pa.array(titles, pa.string())])
    try:
        found = LatentText.fit(column, _WIDTH).project(column)
    except UsageError:  # no title has a word
        found = np.zeros((len(titles), 1), np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / np.where(lengths > 0, lengths, 1))


def _group(rows: NDArray[np.int64], vectors: Floats, groups: NDArray[np.int64], count: int) -> int:
    """Give each row of a block a group: the first that has none, with those most like it."""
    mine, free = vectors[rows], np.ones(len(rows), dtype=bool)
    for leader in range(len(rows)):
        if not free[leader]:
            continue
        alike = np.where(free, mine @ mine[leader], -1)
        near = np.flatnonzero(alike >= ALIKE)
        if len(near) > TOGETHER:
            near = near[np.argsort(-alike[near], kind="stable")[:TOGETHER]]
        near = np.union1d(near, [leader])
        groups[rows[near]], free[near] = count, False
        count += 1
    return count


def _largest_first(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = np.bincount(groups) if len(groups) else np.zeros(0, np.int64)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[groups]
