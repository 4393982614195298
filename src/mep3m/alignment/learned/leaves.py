"""Walking many rows down many trees, compiled."""

from __future__ import annotations

import numba
import numpy as np

#: feature (-1 in a leaf), threshold, left, right, missing goes left, value; and the roots of the trees
TreeArrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def add_leaves(table: np.ndarray, nodes: TreeArrays, total: np.ndarray) -> None:
    """Add to each total (n,) the values of the leaves that its row of `table` (n, features) reaches."""
    feature, threshold, left, right, missing, value, roots = nodes
    for row in range(len(table)):
        for root in roots:
            node = root
            while feature[node] >= 0:
                value_of_row = table[row, feature[node]]
                down = missing[node] if np.isnan(value_of_row) else value_of_row <= threshold[node]
                node = left[node] if down else right[node]
            total[row] += value[node]
