"""Names for the arrays that everything passes on, groups of what is linked, and vectors of unit length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

#: row numbers, node numbers, counts
Ints = NDArray[np.int64]
#: probabilities and what is computed with them
Floats = NDArray[np.float32]
_SHORTEST = 1e-12


def components(pairs: Ints, count: int) -> Ints:
    """Return the group of each of `count` things (count,) where `pairs` (K, 2) says which belong together.

    Groups are numbered from 0 in the order of their first member.
    """
    edges = coo_matrix((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, groups = connected_components(edges, directed=False)
    return np.asarray(groups, dtype=np.int64)


def unit_length(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (N, D) vectors at unit length, zeros without a direction, and (N,) whether there is one."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    has = np.isfinite(lengths) & (lengths > _SHORTEST)
    made = np.zeros(vectors.shape, np.float32)
    made[has] = vectors[has] / lengths[has, None]
    return made, has
