"""Temperature scaling: the factor on the scores of each level that makes held-out rows most likely."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from mep3m.arrays import Floats
from mep3m.label_tree.probabilities import deepest, doubt, leaf_mask
from mep3m.label_tree.tree import LabelTree

#: scores that one fit looks at; more rows than this allows are not needed for one number
ENTRIES = 30_000_000
#: a probability below this counts as this
SMALLEST = 1e-12


def temperatures(tree: LabelTree, raw: Floats, codes: NDArray[np.int32], hierarchy: str) -> Floats:
    """Return (C,) factors for scores (N, C) of rows with codes (N, depth), -1 where unknown.

    One factor a level, fitted on what `join_scores` makes of the scores: a softmax over the names of
    the level (flat) or among siblings; fine to coarse has one factor for all leaves. Levels that `codes`
    does not have keep 1.
    """
    rows = max(1, ENTRIES // len(tree))
    raw, codes = raw[:rows], codes[:rows]
    if hierarchy == "fine-to-coarse":
        last = deepest(codes)
        known = last >= 0
        hit = leaf_mask(tree, last[known])
        return np.full(len(tree), best_factor(raw[known][:, tree.leaves], hit), dtype=np.float32)
    scale = np.ones(len(tree), dtype=np.float32)
    for level in range(1, codes.shape[1] + 1):
        nodes = tree.nodes(level)
        truth = codes[codes[:, level - 1] >= 0, level - 1]
        part = raw[codes[:, level - 1] >= 0, nodes]
        if hierarchy == "flat":
            truth, first = (
                tree.first_of_name[truth],
                tree.first_of_name[nodes] == np.arange(nodes.start, nodes.stop),
            )
            part = np.where(first, part, -np.inf)
        else:
            part = np.where(tree.parent[None, nodes] == tree.parent[truth][:, None], part, -np.inf)
        hit = np.arange(nodes.start, nodes.stop)[None] == truth[:, None]
        scale[nodes] = best_factor(part, hit)
    return scale


def best_factor(part: Floats, hit: NDArray[np.bool_]) -> float:
    """Return the factor f under which softmax(f · part) fits the held-out rows best; 1 without rows.

    With p = Σ over `hit` softmax(f · part), least is -(1 - d) log p - d log(1 - p), where `doubt` gives
    d: rows without a mistake do not make the factor endless.
    """
    if not len(part):
        return 1.0
    unsure = doubt(len(part))

    def loss(log_factor: float) -> float:
        scaled = part * np.float32(np.exp(log_factor))
        scaled -= scaled.max(axis=1, keepdims=True)
        np.exp(scaled, out=scaled)
        right = np.where(hit, scaled, 0.0).sum(axis=1, dtype=np.float64)
        wrong = np.where(hit, 0.0, scaled).sum(axis=1, dtype=np.float64)
        logs = (np.log(np.maximum(mass / (right + wrong), SMALLEST)).mean() for mass in (right, wrong))
        return float(np.dot([unsure - 1.0, -unsure], list(logs)))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 4.0), method="bounded").x))
