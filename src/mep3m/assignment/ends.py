"""Where the path of each product ends, and why it may not be filed there, if so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.assignment.fall_back import closed_nodes, fall_back
from mep3m.assignment.parts import NEVER
from mep3m.assignment.policy import FilingPolicy
from mep3m.evaluation.promises.sets import sets
from mep3m.label_tree.likely_path import likely_paths
from mep3m.label_tree.probabilities import back_off, make_coherent
from mep3m.label_tree.tree import LabelPath, LabelTree

#: the nodes of a prediction set; -1 is the root: any category
NodeSet = list[int]


class Ends(NamedTuple):
    """The node where each of N paths ends, -1 at the root, and why it is not filed (`None`: it may be).

    `sets` has the prediction set of each row that is not filed, `None` without one.
    """

    nodes: NDArray[np.int32]
    reasons: list[str | None]
    sets: list[NodeSet | None]


def by_confidence(tree: LabelTree, proba: Floats, best: NDArray[np.int32], min_confidence: float) -> Ends:
    """End each path where it falls below `min_confidence`; `best` (N,) are the most probable leaves."""
    nodes = back_off(tree, proba, min_confidence) if min_confidence > 0 else best
    leaf = np.isin(nodes, tree.leaves).tolist()
    paths = (tree.paths[node] if node >= 0 else () for node in nodes.tolist())
    reasons = [
        None if sure else _unsure(path, min_confidence) for sure, path in zip(leaf, paths, strict=True)
    ]
    return Ends(nodes, reasons, [None] * len(nodes))


def under_promise(tree: LabelTree, proba: Floats, before: Floats | None, policy: FilingPolicy) -> Ends:
    """End each path where a promise says; `before` are the probabilities in the tree before edits, if any.

    The promise decides in the tree that it was made for: what it files is then moved to its new place. Where
    a category is not covered any more, a row falls back to the deepest one above it that is.
    """
    moved, promise = policy.moved, policy.promise
    tested = tree if moved is None else moved.before
    if moved is not None and before is not None:
        proba = make_coherent(tested, before)
    paths = likely_paths(tested, proba)
    thresholds = promise.thresholds(tested, paths)
    nodes = paths.until(thresholds)
    filed = paths.until(thresholds, promise.min_level) >= 0
    nodes, fell = fall_back(tested, nodes, closed_nodes(tested, policy.fallen().paths, moved))
    filed &= (nodes >= 0) & (tested.levels[nodes] >= promise.min_level)
    reasons: list[str | None] = []
    for node, sure, least, why in zip(nodes.tolist(), filed.tolist(), thresholds.tolist(), fell, strict=True):
        path = tested.paths[node] if node >= 0 else ()
        reasons.append(None if sure else why or _unsure(path, least))
    found: list[NodeSet | None] = [None] * len(nodes)
    open_rows = [row for row, reason in enumerate(reasons) if reason is not None]
    if promise.sets is not None:
        for row, chosen in zip(open_rows, sets(tested, proba[open_rows], promise.sets), strict=True):
            found[row] = chosen if moved is None else moved.places(chosen)
    return Ends(nodes if moved is None else moved.place[nodes], reasons, found)


def _unsure(path: LabelPath, min_confidence: float) -> str:
    if min_confidence == NEVER:
        return "nothing is promised in the category that it seems to be of"
    where = f"below '{path[-1]}'" if path else "at the first level"
    return f"no category {where} has a probability of {min_confidence:g}"
