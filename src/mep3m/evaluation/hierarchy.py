"""Scores that know the tree: how far off a mistake is, and what backing off buys.

A product's truth is the deepest node its label names. Where that node has children, what lies
below is unknown rather than wrong, so an answer is cut to the truth's level before it is scored.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.label_tree.probabilities import back_off, deepest, top_paths
from mep3m.label_tree.tree import LabelTree

NodeIds = NDArray[np.int32]

#: confidences of the operating curve
CONFIDENCES = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class HierarchyScores:
    """Means over n products with a known label.

    `precision`, `recall`, `f1`: hP, hR, hF of Kiritchenko et al. (2006), micro-averaged over the
    ancestor sets, the node itself included. `distance`: edges between answer and truth, through
    the lowest common ancestor; `mistake_distance`: the same over wrong answers only. `lca_depth`:
    level of that ancestor, 0 where even the first level differs. `consistent`: share of products
    whose most probable nodes, taken level by level, form one path.
    """

    n: int
    precision: float
    recall: float
    f1: float
    distance: float
    mistake_distance: float
    lca_depth: float
    consistent: float


@dataclass(frozen=True)
class OperatingPoint:
    """What backing off to nodes of at least `confidence` gives.

    `correct`: share of products whose answer holds the truth (no answer at all, the root, is never
    wrong and never informative); `answered`: share with an answer at some level; `informative`:
    mean of 1 - log(leaves below the answer) / log(all leaves) (Deng et al., 2012), 1 for a leaf;
    `depth`: mean level of the answer; `full`: share answered at a leaf.
    """

    confidence: float
    correct: float
    answered: float
    informative: float
    depth: float
    full: float


@dataclass(frozen=True)
class HierarchyReport:
    """What `mep3m evaluate` prints under "hierarchical": scores, size of the tree, operating curve.

    `names_with_several_parents` counts the names that stand below more than one parent.
    """

    scores: HierarchyScores
    nodes: int
    leaves: int
    names_with_several_parents: int
    operating_curve: tuple[OperatingPoint, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the scores and what stands beside them, on one level."""
        report = asdict(self)
        return {**report.pop("scores"), **report}


def lca_levels(tree: LabelTree, left: NodeIds, right: NodeIds) -> NodeIds:
    """Return (N,) levels of the lowest common ancestor of two columns; -1 (the root) shares none."""
    table = np.vstack([tree.ancestors, np.full((1, tree.depth), -1, dtype=np.int32)])
    same = (table[left] == table[right]) & (table[left] >= 0)
    common: NodeIds = same.sum(axis=1, dtype=np.int32)
    return common


def node_levels(tree: LabelTree, nodes: NodeIds) -> NodeIds:
    """Return (N,) levels of columns, 0 for -1."""
    levels: NodeIds = np.where(nodes >= 0, tree.levels[nodes], 0)
    return levels


def cut(tree: LabelTree, nodes: NodeIds, levels: NodeIds) -> NodeIds:
    """Return every node's ancestor at the given level, the node itself where it is not deeper."""
    keep = np.minimum(node_levels(tree, nodes), levels)
    table = tree.ancestors[nodes, np.maximum(keep, 1) - 1]
    shortened: NodeIds = np.where(keep > 0, table, -1)
    return shortened


def score_hierarchy(tree: LabelTree, proba: Floats, codes: NodeIds) -> HierarchyScores:
    """Score the most probable leaf of every row against (N, depth) `LabelTree.encode` codes.

    Rows without any known label are left out. A label that the tree does not know counts up to the
    part that it knows; `evaluate` reports how many there are.
    """
    truth = deepest(codes)
    rows = np.flatnonzero(truth >= 0)
    answer = top_paths(tree, proba[rows], 1)[0][:, 0] if len(rows) else np.zeros(0, dtype=np.int32)
    scores = score_answers(tree, answer, truth[rows])
    return HierarchyScores(**scores, consistent=consistency(tree, proba[rows]))


def score_answers(tree: LabelTree, answers: NodeIds, truth: NodeIds) -> dict[str, Any]:
    """Return the fields of `HierarchyScores` but `consistent`, for (N,) answered and true columns."""
    if not len(truth):
        return dict.fromkeys(
            ("precision", "recall", "f1", "distance", "mistake_distance", "lca_depth"), 0.0
        ) | {"n": 0}
    depth = node_levels(tree, truth)
    answers = cut(tree, answers, depth)
    common = lca_levels(tree, answers, truth)
    answered = node_levels(tree, answers)
    distance = answered + depth - 2 * common
    wrong = answers != truth
    precision = float(common.sum() / max(answered.sum(), 1))
    recall = float(common.sum() / depth.sum())
    return {
        "n": len(truth),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / (precision + recall) if common.any() else 0.0,
        "distance": float(distance.mean()),
        "mistake_distance": float(distance[wrong].mean()) if wrong.any() else 0.0,
        "lca_depth": float(common.mean()),
    }


def consistency(tree: LabelTree, proba: Floats) -> float:
    """Return the share of rows whose most probable node of every level lies below that of the level above.

    Levels are taken on their frontier, so a leaf that ends early is consistent with itself.
    """
    if not len(proba):
        return 0.0
    fits = np.ones(len(proba), dtype=bool)
    above = np.full(len(proba), -1, dtype=np.int32)
    for level in range(1, tree.depth + 1):
        columns = tree.frontier(level)
        best = columns[proba[:, columns].argmax(axis=1)]
        fits &= (tree.parent[best] == above) | (best == above)
        above = best
    return float(fits.mean())


def information(tree: LabelTree) -> NDArray[np.float64]:
    """Return (C + 1,): how informative an answer at each node is, 1 at a leaf; the last is the root, 0."""
    below = np.zeros(len(tree) + 1)
    below[tree.leaves] = 1
    for column in range(len(tree) - 1, -1, -1):
        below[tree.parent[column]] += below[column]
    total = max(len(tree.leaves), 2)
    share: NDArray[np.float64] = 1 - np.log(np.maximum(below, 1)) / np.log(total)
    share[-1] = 0.0
    return share


def operating_curve(
    tree: LabelTree, proba: Floats, codes: NodeIds, confidences: tuple[float, ...] = CONFIDENCES
) -> list[OperatingPoint]:
    """Return correct against informative for every confidence, over rows with a known label."""
    truth = deepest(codes)
    rows = np.flatnonzero(truth >= 0)
    if not len(rows):
        return []
    return [_operate(tree, proba[rows], truth[rows], confidence) for confidence in confidences]


def _operate(tree: LabelTree, proba: Floats, truth: NodeIds, confidence: float) -> OperatingPoint:
    answer = back_off(tree, proba, confidence)
    compared = cut(tree, answer, node_levels(tree, truth))
    levels = node_levels(tree, answer)
    correct = lca_levels(tree, compared, truth) == node_levels(tree, compared)
    return OperatingPoint(
        confidence=confidence,
        correct=float(correct.mean()),
        answered=float((answer >= 0).mean()),
        informative=float(information(tree)[answer].mean()),
        depth=float(levels.mean()),
        full=float(np.isin(answer, tree.leaves).mean()),
    )


def hierarchical_report(tree: LabelTree, proba: Floats, codes: NodeIds) -> HierarchyReport:
    """Return the scores of (N, C) probabilities that know the tree, and the operating curve."""
    return HierarchyReport(
        scores=score_hierarchy(tree, proba, codes),
        nodes=len(tree),
        leaves=len(tree.leaves),
        names_with_several_parents=len(tree.shared_names()),
        operating_curve=tuple(operating_curve(tree, proba, codes)),
    )
