"""What a promise does not cover at a category is filed at the deepest one above it that it covers.

A filing is right where its node is the truth or lies above it, so that one further up is never wrong where
the one below was right; and a node above is at least as probable. Thus falling back keeps what was proven:
no errors are added. Where nothing above is covered a person decides. Decision 270.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mep3m.assignment.edited_promise import MovedTree
from mep3m.label_tree.tree import LabelPath, LabelTree

Nodes = NDArray[np.int32]


def fall_back(tree: LabelTree, nodes: Nodes, closed: Mapping[int, str]) -> tuple[Nodes, list[str | None]]:
    """Return the deepest node at or above each of `nodes` (N,) that is not `closed`, and why it fell.

    -1 is the root, where nothing is filed. `closed` says of nodes why nothing is filed at them; why is `None`
    where a row stays.
    """
    ends = np.append(np.arange(len(tree), dtype=np.int32), np.int32(-1))
    for node in sorted(closed):  # parents come first
        ends[node] = ends[tree.parent[node]]
    return ends[nodes], [closed.get(node) for node in nodes.tolist()]


def closed_nodes(
    tree: LabelTree, fallen: Sequence[LabelPath], moved: MovedTree | None = None
) -> dict[int, str]:
    """Return the nodes of the tree of a promise at which nothing is filed at this moment, and why.

    These are all in `fallen` branches, which were named by the tree of the answers: that of the promise, or
    what edits have made of it.
    """
    closed = {} if moved is None else dict(moved.lost)
    for branch in filter(None, fallen):  # the whole is stopped by the policy
        why = f"'{branch[-1]}' fell back: its audited filings were not as precise as promised"
        for node, path in enumerate(tree.paths):
            now = () if moved is None else moved.path(node)
            if branch in (path[: len(branch)], now[: len(branch)]):
                closed[node] = why
    return closed
