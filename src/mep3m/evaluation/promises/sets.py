"""Prediction sets: categories that together hold the true one, for a share of products that is set before.

A leaf belongs to the set where it is probable enough; split conformal prediction says how probable (Vovk et
al., 2005; Sadinle et al., 2019), so that the share holds whatever the probabilities are worth. Either one
threshold serves all leaves (the share holds for all products together), or each branch (first-level category)
has its own (it holds for the products of each branch, and the sets are larger). Decision 248.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mep3m.arrays import Floats, Ints
from mep3m.label_tree.few_nodes import few_nodes
from mep3m.label_tree.tree import LabelTree

#: share of the sets that hold the true category, unless another is named
COVERAGE = 0.9
#: so many audited rows may lie outside their sets, at least; with fewer rows there are no sets
OUTSIDE = 2


@dataclass(frozen=True)
class SetThresholds:
    """The least probability of a leaf in the set: of each branch in `own` (first-level label), and of others.

    `n` audited rows have set them, so that a share `coverage` of the sets holds the true category. Without
    `own` that is a share of all products, else one of each branch.
    """

    coverage: float
    n: int
    others: float
    own: Mapping[str, float]

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> SetThresholds:
        """Read what `asdict` wrote."""
        own = {str(label): float(least) for label, least in value["own"].items()}
        return cls(float(value["coverage"]), int(value["n"]), float(value["others"]), own)


def true_chances(tree: LabelTree, proba: Floats, truth: Ints) -> Floats:
    """Return (N,) the probability of the true leaf, from coherent (N, C) `proba` and true nodes (N,).

    Where the truth is known only down to an inner node it is that of the most probable leaf below. It is -1
    where `truth` is: the tree does not have the label, and no set holds it.
    """
    found = np.full(len(proba), -1.0, dtype=np.float32)
    table = tree.ancestors[tree.leaves]
    for node in np.unique(truth[truth >= 0]).tolist():
        rows = np.flatnonzero(truth == node)
        below = tree.leaves[table[:, tree.levels[node] - 1] == node]
        found[rows] = proba[rows[:, None], below].max(axis=1)
    return found


def calibrate(
    tree: LabelTree, chances: Floats, truth: Ints, coverage: float = COVERAGE, by_branch: bool = False
) -> SetThresholds | None:
    """Return the thresholds that rows with these `chances` of their true leaf (N,) set; `None`: too few rows.

    With `by_branch`, branches with few rows have one threshold together; rows without a known branch (`truth`
    of -1) count there.
    """
    lowest = math.ceil(OUTSIDE / (1 - coverage)) - 1
    if len(chances) < lowest:
        return None
    branches = np.where(truth >= 0, tree.ancestors[truth, 0], -1)
    number = np.bincount(branches[branches >= 0], minlength=len(tree))
    large = np.flatnonzero(number >= lowest) if by_branch else np.zeros(0, dtype=np.intp)
    own = {tree.paths[node][0]: _least(chances[branches == node], coverage) for node in large.tolist()}
    rest = chances[~np.isin(branches, large)]
    return SetThresholds(coverage, len(chances), _least(rest, coverage), own)


def _least(chances: Floats, coverage: float) -> float:
    """Return what at most a share 1 - `coverage` of one more such value lies below; 0 takes every leaf."""
    outside = math.floor((1 - coverage) * (len(chances) + 1) + 1e-9)
    return max(float(np.sort(chances)[outside - 1]), 0.0) if outside else 0.0


def sets(tree: LabelTree, proba: Floats, thresholds: SetThresholds) -> list[list[int]]:
    """Return the nodes of the set of each row of coherent (N, C) probabilities; -1 is the root: any category.

    The most probable leaf is always in it, and the leaves are put together to a few nodes.
    """
    least = [thresholds.own.get(tree.paths[leaf][0], thresholds.others) for leaf in tree.leaves.tolist()]
    leaves = proba[:, tree.leaves]
    inside = leaves >= np.array(least, dtype=leaves.dtype)
    inside[np.arange(len(leaves)), leaves.argmax(axis=1)] = True
    return [few_nodes(tree, tree.leaves[row]) for row in inside]
