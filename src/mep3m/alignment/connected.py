"""The connected sets of a graph: which things hang together when some pairs of them do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

#: something that can be sorted and be a key: a category's (platform, path), a (platform, id)
Node = TypeVar("Node", bound=tuple[object, ...])


def connected_sets(nodes: Iterable[Node], pairs: Iterable[tuple[Node, Node]]) -> list[tuple[Node, ...]]:
    """Return the connected sets of the nodes and of the ends of the pairs.

    Each set is sorted, and the sets stand in the order of their first nodes.
    """
    edges = list(pairs)
    known = sorted({*nodes, *(node for pair in edges for node in pair)})
    if not known:
        return []
    place = {node: number for number, node in enumerate(known)}
    left, right = (np.array([place[pair[end]] for pair in edges], np.int64) for end in (0, 1))
    graph = coo_array((np.ones(len(edges), np.int8), (left, right)), shape=(len(known), len(known)))
    members: dict[int, list[Node]] = {}
    for node, label in zip(known, connected_components(graph, directed=False)[1].tolist(), strict=True):
        members.setdefault(label, []).append(node)
    return [tuple(of) for of in members.values()]
