"""Which products are decided together: those of like titles for which the model has one first answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Ints

#: products of a group at most, and how alike (cosine of n-grams) their titles are to that of its first
TOGETHER, ALIKE = 12, 0.3
#: products that are compared with each other at once
_BLOCK = 4000


def groups_of(titles: Sequence[str | None], answers: Sequence[object]) -> NDArray[np.int64]:
    """Return the group of each product (N,), numbered so that the largest groups come first.

    `answers` are the first answers of the model: only products with one answer are in one group.
    """
    groups = np.full(len(titles), -1, dtype=np.int64)
    vectors = _vectors(titles)
    buckets: dict[object, list[int]] = {}
    for row in sorted(range(len(titles)), key=lambda one: (titles[one] or "", one)):
        buckets.setdefault(answers[row], []).append(row)
    count = 0
    for rows in buckets.values():
        for start in range(0, len(rows), _BLOCK):
            count = _group(np.array(rows[start : start + _BLOCK]), vectors, groups, count)
    return _largest_first(groups)


def _vectors(titles: Sequence[str | None]) -> Any:
    """Return sparse (N, V) unit vectors of the n-grams of titles: what many titles have counts for little.

    The n-grams themselves, and not the vectors of `models.linear.latent`, which keep what titles share
    most: in a catalogue how a package is written, and not what is in it.
    """
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        return TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 2), dtype=np.float32).fit_transform(
            ["".join(" " if one.isdigit() else one for one in title or "") for title in titles]
        )
    except ValueError:  # no title has a letter
        return csr_matrix((len(titles), 1), dtype=np.float32)


def _group(rows: Ints, vectors: Any, groups: Ints, count: int) -> int:
    """Give each row of a block a group: the first that has none, with those most like it."""
    mine, free = vectors[rows], np.ones(len(rows), dtype=bool)
    for leader in range(len(rows)):
        if not free[leader]:
            continue
        alike = (mine @ mine[leader].T).toarray()[:, 0]
        near = np.flatnonzero(free & (alike >= ALIKE))
        if len(near) > TOGETHER:
            near = near[np.argsort(-alike[near], kind="stable")[:TOGETHER]]
        near = np.union1d(near, [leader])
        groups[rows[near]], free[near] = count, False
        count += 1
    return count


def _largest_first(groups: Ints) -> NDArray[np.int64]:
    sizes = np.bincount(groups) if len(groups) else np.zeros(0, np.int64)
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.asarray(rank[groups])
