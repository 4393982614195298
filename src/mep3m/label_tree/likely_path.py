"""The one path that an answer can lie on: from the first level down, the most probable node each time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.label_tree.tree import LabelTree


class LikelyPaths(NamedTuple):
    """The path of each of N rows: `nodes` (N, depth), -1 below its end, and their `chances` (N, depth).

    Chances never rise from a node to the one below it; below the end they are 0. Above a threshold of .5 the
    nodes that have so much probability all lie on this path.
    """

    nodes: NDArray[np.int32]
    chances: NDArray[np.float64]

    @property
    def ends(self) -> NDArray[np.int32]:
        """The last node of each path (N,)."""
        last = (self.nodes >= 0).sum(axis=1) - 1
        found: NDArray[np.int32] = self.nodes[np.arange(len(self.nodes)), last]
        return found

    def until(self, threshold: float | NDArray[np.float64], min_level: int = 1) -> NDArray[np.int32]:
        """Return (N,): the deepest node with at least this probability; -1 where it is above `min_level`.

        Each row may have its own threshold (N,).
        """
        depth = (self.chances >= np.reshape(np.float64(threshold), (-1, 1))).sum(axis=1)
        nodes: NDArray[np.int32] = self.nodes[np.arange(len(self.nodes)), np.maximum(depth, 1) - 1]
        return np.where(depth >= max(min_level, 1), nodes, np.int32(-1))


def likely_paths(tree: LabelTree, proba: Floats) -> LikelyPaths:
    """Return the likely path of every row of coherent probabilities (N, C)."""
    count = len(proba)
    nodes = np.full((count, tree.depth), -1, dtype=np.int32)
    chances = np.zeros((count, tree.depth))
    above = np.full(count, -1, dtype=np.int32)
    rows = np.arange(count)
    for level in range(1, tree.depth + 1 if count else 1):
        columns = tree.nodes(level)
        below = tree.parent[columns] == above[:, None]
        if level > 1:  # the path of a row may have ended
            below &= (above >= 0)[:, None]
        here = np.where(below, proba[:, columns], np.float32(-1))
        best = here.argmax(axis=1)
        there = below.any(axis=1)
        above = np.where(there, best + columns.start, -1).astype(np.int32)
        nodes[:, level - 1] = above
        chances[there, level - 1] = here[rows, best][there]
    # rounding may have left a child a little above its parent
    return LikelyPaths(nodes, np.minimum.accumulate(chances, axis=1))
