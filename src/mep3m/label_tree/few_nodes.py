"""A few nodes that hold many leaves: what a person can choose from."""

from __future__ import annotations

import numpy as np

from mep3m.arrays import Ints
from mep3m.label_tree.tree import LabelTree

#: nodes that a person looks at
MOST = 5


def few_nodes(tree: LabelTree, leaves: Ints, most: int = MOST) -> list[int]:
    """Return at most so many nodes that together lie above (or are) all of `leaves` (K,), ascending.

    They are the leaves where these are few, else what the leaves have in common below the deepest level that
    divides them into few groups. -1 alone, the root: not even the first level does.
    """
    if len(leaves) <= most:
        return sorted(leaves.tolist())
    table = tree.ancestors[leaves]
    for level in range(tree.depth, 0, -1):
        # a leaf that ends above the level is a group of its own
        groups = np.where(table[:, level - 1] >= 0, table[:, level - 1], leaves)
        if len(found := np.unique(groups)) <= most:
            return sorted(_common(table[groups == group]) for group in found)
    return [-1]


def _common(table: Ints) -> int:
    """Return the deepest node that all rows (K, depth) of ancestors share."""
    shared = np.logical_and.accumulate((table == table[0]).all(axis=0) & (table[0] >= 0))
    return int(table[0, shared.sum() - 1])
