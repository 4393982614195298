"""Coherent probabilities on every node of a label tree, from whatever a model scores.

All arrays have one row a product. `proba` is (N, C), one column a node of the tree, and coherent
means: every value lies in [0, 1], the first level sums to at most 1, and the children of a node
sum to at most the node. Where they sum to less, the rest is mass that the model cannot place below
that node: nothing below it was seen in training, or levels that were scored apart disagree. A leaf may end
at any level.

A model has one of three things: scores of the leaves (`from_leaves`), scores of every node among
its siblings (`from_siblings`), or one independent head a level (`from_heads`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.label_tree.tree import LabelTree

#: what rounding may add to a sum of float32 probabilities
TOLERANCE = 1e-5
#: a parent's probability counts at least this much where a name is divided among its nodes
SMALLEST = 1e-12


class Families(NamedTuple):
    """The nodes of one level grouped by parent: (F,) parents and the (F,) first child of each.

    Children of one parent are neighbours, because a tree's paths are sorted. At the first level
    the one family is all nodes and its parent is -1.
    """

    columns: slice
    parents: NDArray[np.int32]
    firsts: NDArray[np.intp]
    members: NDArray[np.intp]


def families(tree: LabelTree, level: int) -> Families:
    """Return the families of one level; `members` (nodes of the level,) is each node's family."""
    columns = tree.nodes(level)
    parents, firsts, members = np.unique(tree.parent[columns], return_index=True, return_inverse=True)
    return Families(columns, parents, firsts, members)


def sum_up(tree: LabelTree, proba: Floats) -> Floats:
    """Add to every inner column of (N, C) `proba`, in place, the sum of its children; return it."""
    for level in range(tree.depth, 1, -1):
        family = families(tree, level)
        proba[:, family.parents] += np.add.reduceat(proba[:, family.columns], family.firsts, axis=1)
    return proba


def own_mass(tree: LabelTree, proba: Floats) -> Floats:
    """Return (N, C) what each node of coherent `proba` has beyond its children; `sum_up` turns it back."""
    own = proba.copy()
    for level in range(2, tree.depth + 1):
        family = families(tree, level)
        own[:, family.parents] -= np.add.reduceat(proba[:, family.columns], family.firsts, axis=1)
    return np.maximum(own, 0.0, out=own)


def from_leaves(tree: LabelTree, leaf_proba: Floats) -> Floats:
    """Return (N, C) probabilities of all nodes from (N, L) probabilities of `tree.leaves`."""
    proba = np.zeros((len(leaf_proba), len(tree)), dtype=np.float32)
    proba[:, tree.leaves] = leaf_proba
    np.minimum(sum_up(tree, proba), 1.0, out=proba)
    return proba


def softmax(scores: Floats) -> Floats:
    """Return the softmax of every row; -inf is a class without data, a row of -inf gives zeros."""
    top = scores.max(axis=1, keepdims=True, initial=-np.inf)
    shifted = np.exp(scores - np.where(np.isfinite(top), top, 0.0), dtype=np.float32)
    total = shifted.sum(axis=1, keepdims=True)
    np.divide(shifted, total, out=shifted, where=total > 0)
    return shifted


def from_siblings(tree: LabelTree, scores: Floats) -> Floats:
    """Return (N, C) probabilities as products down the path of softmaxes among siblings.

    P(child) = P(parent) · exp(score) / Σ over siblings exp(score). A score of -inf marks a node
    without data; where all children of a node have none, its mass stays with it.
    """
    from mep3m.label_tree.siblings import below_top, multiply_down

    proba = np.empty(scores.shape, dtype=np.float32)
    firsts, lasts, parents = family_runs(tree)
    below_top(np.ascontiguousarray(scores, dtype=np.float32), firsts, lasts, proba)
    np.exp(proba, out=proba)
    multiply_down(firsts, lasts, parents, proba)
    return proba


def family_runs(tree: LabelTree) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]:
    """Return (F,) first column, one past the last, and parent of every family, level by level."""
    firsts, lasts, parents = [], [], []
    for level in range(1, tree.depth + 1):
        family = families(tree, level)
        firsts.append(family.firsts + family.columns.start)
        lasts.append(np.append(family.firsts[1:], len(family.members)) + family.columns.start)
        parents.append(family.parents)
    return np.concatenate(firsts), np.concatenate(lasts), np.concatenate(parents)


def prior(tree: LabelTree, counts: NDArray[np.int64]) -> Floats:
    """Return (C,) coherent shares of the nodes from how many labelled rows carry each (C,).

    A node's share of its family is taken among rows labelled at its level, so rows that stop at a
    coarse label do not shrink the finer ones.
    """
    with np.errstate(divide="ignore"):
        scores = np.log(counts.astype(np.float32))
    shares: Floats = from_siblings(tree, scores[None])[0]
    return shares


def from_heads(tree: LabelTree, heads: list[Floats], weights: list[float] | None = None) -> Floats:
    """Join independent heads into one coherent (N, C): a product of experts over the leaves.

    `heads[k]` is (N, F) log-probabilities over `tree.frontier(k + 1)`. The score of a leaf is the
    weighted sum of what every level says about the leaf's node at that level, so a confident
    coarse head corrects a fine one and the reverse; a softmax over the leaves makes it coherent.
    `weights` (one a level, default all 1) are the experts' exponents.
    """
    exponents = [1.0] * tree.depth if weights is None else weights
    score = np.zeros((len(heads[0]), len(tree.leaves)), dtype=np.float32)
    for level, (head, weight) in enumerate(zip(heads, exponents, strict=True), start=1):
        place = np.searchsorted(tree.frontier(level), leaf_at_level(tree, level))
        score += np.float32(weight) * head[:, place] if weight else 0.0
    return from_leaves(tree, softmax(score))


def leaf_at_level(tree: LabelTree, level: int) -> NDArray[np.int32]:
    """Return (L,): each leaf's node at a level, or the leaf itself where it ends above it."""
    above: NDArray[np.int32] = tree.ancestors[tree.leaves, level - 1]
    return np.where(above < 0, tree.leaves, above)


def leaf_mask(tree: LabelTree, nodes: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return (len(nodes), L): whether a leaf lies below (or is) a node; a node of -1 holds all."""
    levels = np.where(nodes >= 0, tree.levels[nodes], 0)
    known = np.where(levels > 0, levels - 1, 0)
    mine = tree.ancestors[tree.leaves][:, known].T
    inside: NDArray[np.bool_] = (mine == nodes[:, None]) | (levels == 0)[:, None]
    return inside


def deepest(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return (N,): the deepest known node of `LabelTree.encode`'s codes, -1 where none is known."""
    known = codes >= 0
    last = codes.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
    nodes: NDArray[np.int32] = np.where(known.any(axis=1), codes[np.arange(len(codes)), last], -1)
    return nodes


def doubt(rows: int) -> float:
    """Return 1 / (rows + 2), the share of mistakes to expect where `rows` rows showed none.

    Laplace's rule of succession, the targets of Platt (1999), eq. 17. Calibration aims at 1 - doubt
    instead of 1, so a few held-out rows cannot make a model certain.
    """
    return 1.0 / (rows + 2)


def marginal_log_loss(tree: LabelTree, proba: Floats, nodes: NDArray[np.int32]) -> float:
    """Return the mean of -log P(known node), nats: the marginal likelihood over the leaves below it.

    Rows with node -1 (nothing known) are left out.
    """
    rows = np.flatnonzero(nodes >= 0)
    if not len(rows):
        return 0.0
    return float(-np.log(np.maximum(proba[rows, nodes[rows]], 1e-12)).mean())


def incoherence(tree: LabelTree, proba: Floats) -> float:
    """Return by how much `proba` breaks coherence at worst (0 is coherent; see `TOLERANCE`)."""
    if not len(proba):
        return 0.0
    worst = max(float(-proba.min()), float(proba.max()) - 1.0, 0.0)
    for level in range(1, tree.depth + 1):
        family = families(tree, level)
        total = np.add.reduceat(proba[:, family.columns], family.firsts, axis=1)
        worst = max(worst, float((total - (proba[:, family.parents] if level > 1 else 1.0)).max()))
    return worst


def at_level(tree: LabelTree, proba: Floats, level: int) -> tuple[NDArray[np.int32], Floats]:
    """Return the columns of `tree.frontier(level)` and their (N, F) probabilities."""
    columns = tree.frontier(level)
    return columns, proba[:, columns]


def by_name(tree: LabelTree, proba: Floats, level: int) -> tuple[list[str], Floats]:
    """Return the names of one level and their (N, names): nodes that share a name are added up."""
    names, place = tree.names(level)
    here = proba[:, tree.nodes(level)]
    if len(names) == here.shape[1]:
        joined = np.empty_like(here)
        joined[:, place] = here
        return names, joined
    order = np.argsort(place, kind="stable")
    firsts = np.searchsorted(place[order], np.arange(len(names)))
    return names, np.add.reduceat(here[:, order], firsts, axis=1)


def top_paths(tree: LabelTree, proba: Floats, k: int) -> tuple[NDArray[np.int32], Floats]:
    """Return the k most probable leaves of every row, best first: (N, k) columns and probabilities."""
    leaf_proba = proba[:, tree.leaves]
    k = min(k, leaf_proba.shape[1])
    best = np.argpartition(-leaf_proba, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(leaf_proba, best, axis=1)
    order = np.argsort(-values, axis=1, kind="stable")
    return tree.leaves[np.take_along_axis(best, order, axis=1)], np.take_along_axis(values, order, axis=1)


def right_leaves(tree: LabelTree, proba: Floats, nodes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (N,) whether the most probable leaf of each row is its node (N,), or below it; -1 is wrong."""
    best = tree.leaves[proba[:, tree.leaves].argmax(axis=1)]
    level = np.where(nodes >= 0, tree.levels[nodes] - 1, 0)
    right: NDArray[np.bool_] = (nodes >= 0) & (tree.ancestors[best, level] == nodes)
    return right


def back_off(tree: LabelTree, proba: Floats, confidence: float) -> NDArray[np.int32]:
    """Return (N,): the most probable leaf where it has at least this probability, else a node above leaves.

    That is the deepest node with so much, of several at one depth the most probable, and -1 where no
    node has it. At a confidence above 0.5 the nodes that pass lie on one path: the answer is its end.
    """
    answer = np.full(len(proba), -1, dtype=np.int32)
    if not len(proba):
        return answer
    rows = np.arange(len(proba))
    for level in range(1, tree.depth + 1):
        here = proba[:, tree.nodes(level)]
        best = here.argmax(axis=1)
        sure = here[rows, best] >= confidence
        answer[sure] = best[sure] + tree.starts[level - 1]
    leaves, chances = top_paths(tree, proba, 1)
    whole = chances[:, 0] >= confidence
    answer[whole] = leaves[whole, 0]
    return answer


def make_coherent(tree: LabelTree, proba: Floats, depth: int | None = None) -> Floats:
    """Return `proba` clipped so that it is coherent, for levels that were scored independently.

    Children that sum to more than their parent are scaled down to it, from the first level down. With
    `depth`, `proba` has the columns of the first levels only.
    """
    sound = np.clip(proba, 0.0, 1.0).astype(np.float32)
    for level in range(1, (depth or tree.depth) + 1):
        family = families(tree, level)
        total = np.add.reduceat(sound[:, family.columns], family.firsts, axis=1)
        limit = sound[:, family.parents] if level > 1 else np.float32(1.0)
        with np.errstate(over="ignore"):
            scale = np.minimum(1.0, np.divide(limit, total, out=np.ones_like(total), where=total > 0))
        sound[:, family.columns] *= scale[:, family.members]
    return sound
