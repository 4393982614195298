"""Fine to coarse in the linear model: a softmax over all leaves, learned by marginal likelihood.

The leaves stand in path order, so the leaves below any node are a run. The loss of a row is -log of
the softmax mass on the run of its deepest known node: a row that is known down to an inner node pulls
up all leaves of that node together (weak supervision).

The result does not depend on the number of threads, nor on whether the loops were compiled by this run or
found compiled: with `fastmath` they added in another order then.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mep3m.label_tree.probabilities import deepest
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.ngrams import Rows


def leaf_runs(tree: LabelTree) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return (L,) the leaves in path order and (C, 2) each node's run: first leaf, one past the last."""
    leaves = np.array(sorted(tree.leaves.tolist(), key=tree.paths.__getitem__), dtype=np.int32)
    runs = np.zeros((len(tree), 2), dtype=np.int32)
    runs[:, 0] = len(leaves)
    for place, leaf in enumerate(leaves):
        above = tree.ancestors[leaf][tree.ancestors[leaf] >= 0]
        runs[above, 0] = np.minimum(runs[above, 0], place)
        runs[above, 1] = place + 1
    return leaves, runs


@numba.njit(cache=True)
def _softmax_error(scores: Any, low: int, high: int) -> None:
    """Replace the scores of all leaves by p - p(. | run), the gradient of -log p(run)."""
    top = scores[0]
    for column in range(len(scores)):
        top = max(top, scores[column])
    total = np.float32(0.0)
    hit = np.float32(1e-30)
    for column in range(len(scores)):
        scores[column] = np.exp(scores[column] - top)
        total += scores[column]
        if low <= column < high:
            hit += scores[column]
    for column in range(len(scores)):
        given = scores[column] / hit if low <= column < high else np.float32(0.0)
        scores[column] = scores[column] / total - given


@numba.njit(cache=True)
def _row_errors(features: Any, values: Any, run: Any, weights: Any, out: Any) -> None:
    """Write the errors of one row; a row with an empty run has none."""
    out[:] = 0.0
    if run[1] == run[0]:
        return
    for place in range(len(features)):
        value, part = values[place], weights[features[place]]
        for column in range(len(out)):
            out[column] += value * part[column]
    _softmax_error(out, run[0], run[1])


@numba.njit(cache=True, parallel=True)
def _errors(sparse: Any, runs: Any, weights: Any, out: Any) -> None:
    starts, stops, features, values = sparse
    for row in numba.prange(len(starts)):
        begin, end = starts[row], stops[row]
        _row_errors(features[begin:end], values[begin:end], runs[row], weights, out[row])


@numba.njit(cache=True)
def _step(weights: Any, squares: Any, errors: Any, value: Any, rate: Any) -> None:
    """Take an Adagrad step of one feature, with one rate for all leaves."""
    size = np.float32(0.0)
    for column in range(len(errors)):
        size += errors[column] * errors[column]
    if size == 0:
        return
    squares[0] += value * value * size
    step = rate * value / np.sqrt(squares[0])
    for column in range(len(errors)):
        weights[column] -= step * errors[column]


@numba.njit(cache=True)
def _update_own(sparse: Any, errors: Any, state: Any, rate: Any, own: Any) -> None:
    """Walk the batch in order, taking the steps of the features f with f % threads == thread (`own`)."""
    starts, stops, features, values = sparse
    weights, squares = state
    thread, threads = own
    for row in range(len(starts)):
        for place in range(starts[row], stops[row]):
            feature = features[place]
            if feature % threads == thread:
                _step(weights[feature], squares[feature : feature + 1], errors[row], values[place], rate)


@numba.njit(cache=True, parallel=True)
def _update(sparse: Any, errors: Any, state: Any, rate: Any, threads: int) -> None:
    """Learn a batch; every thread has features of its own, so the order of threads plays no part."""
    for thread in numba.prange(threads):
        _update_own(sparse, errors, state, rate, (thread, threads))


class LeafLearner:
    """Weights (V, L) of the leaves in path order, and the summed squared gradient of each feature."""

    #: rows of one step
    batch = 64

    def __init__(self, features: int, tree: LabelTree) -> None:
        self._leaves, self._runs = leaf_runs(tree)
        self._nodes = len(tree)
        self._weights = np.zeros((features, len(self._leaves)), dtype=np.float32)
        self._squares = np.ones(features, dtype=np.float32)

    def learn(self, rows: Rows, codes: NDArray[np.int32], rate: float) -> None:
        """Take one step on a batch; `codes` (N, depth) are `LabelTree.encode`'s, -1 is unknown."""
        last = deepest(codes)
        runs = np.where(last[:, None] >= 0, self._runs[last], 0).astype(np.int32)
        errors = np.empty((len(rows), len(self._leaves)), dtype=np.float32)
        _errors(rows.arrays, runs, self._weights, errors)
        state = (self._weights, self._squares)
        _update(rows.arrays, errors, state, np.float32(rate), numba.get_num_threads())

    @property
    def weights(self) -> NDArray[np.float32]:
        """The weights (V, C) in the order of the tree's nodes; inner nodes have zeros."""
        weights = np.zeros((len(self._weights), self._nodes), dtype=np.float32)
        weights[:, self._leaves] = self._weights
        return weights
