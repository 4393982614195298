"""The linear tree model: scores over blocks of columns, learned against a target run in each block.

A row belongs to one or more blocks, and in each block to a run of columns: its target. Two orders
of the tree are blocks:

- coarse to fine: a block is the children of one node, the target is one child, the loss is the
  squared hinge of `hinge` among these siblings. A row meets only the families along its own path,
  so a step costs the sum of their sizes and not the number of leaves;
- fine to coarse: one block of all leaves in path order, where the leaves below any node are a run.
  The loss is -log of the softmax mass on the run (marginal likelihood): a row that is known down to
  an inner node pulls up all leaves of that node together (weak supervision).

The result does not depend on the number of threads (as in `hinge`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mep3m.models.labels import LabelTree
from mep3m.models.ngrams import Rows
from mep3m.models.tree import families


@dataclass(frozen=True)
class Blocks:
    """Where every tree node stands among the W weight columns.

    `block` (C, 3): number of the node's block, its first column, one past its last. `target` (C, 2):
    first column of the node's target, one past its last. `nodes` (W,) the node of each column.
    `path` says that a row takes part in the block of every node on its path, and learns by hinge;
    otherwise it takes part in that of its last node alone, and learns by marginal likelihood.
    """

    block: NDArray[np.int32]
    target: NDArray[np.int32]
    nodes: NDArray[np.int32]
    path: bool

    @property
    def count(self) -> int:
        """The number of blocks."""
        return int(self.block[:, 0].max()) + 1

    def rows(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return (N, K, 5) block number, block run and target run of every row; an unknown is empty."""
        known = codes >= 0
        if not self.path:
            last = codes.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
            codes = np.take_along_axis(codes, last[:, None], axis=1)
            known = codes >= 0
        plan = np.concatenate([self.block[codes], self.target[codes]], axis=2)
        plan[~known] = 0
        return plan.astype(np.int32)


def sibling_blocks(tree: LabelTree) -> Blocks:
    """Return a block a family; a family of one child needs no scores and has an empty block."""
    block = np.zeros((len(tree), 3), dtype=np.int32)
    number = 0
    for level in range(1, tree.depth + 1):
        family = families(tree, level)
        ends = np.append(family.firsts[1:], len(family.members)) + family.columns.start
        starts = family.firsts + family.columns.start
        block[family.columns, 0] = number + family.members
        block[family.columns, 1] = starts[family.members]
        block[family.columns, 2] = np.where(ends - starts > 1, ends, starts)[family.members]
        number += len(family.parents)
    columns = np.arange(len(tree), dtype=np.int32)
    return Blocks(block, np.stack([columns, columns + 1], axis=1), columns, path=True)


def leaf_block(tree: LabelTree) -> Blocks:
    """Return the one block of all leaves, ordered by path."""
    leaves = np.array(sorted(tree.leaves.tolist(), key=tree.paths.__getitem__), dtype=np.int32)
    block = np.tile(np.array([0, 0, len(leaves)], dtype=np.int32), (len(tree), 1))
    target = np.zeros((len(tree), 2), dtype=np.int32)
    target[:, 0] = len(leaves)
    for place, leaf in enumerate(leaves):
        above = tree.ancestors[leaf][tree.ancestors[leaf] >= 0]
        target[above, 0] = np.minimum(target[above, 0], place)
        target[above, 1] = place + 1
    return Blocks(block, target, leaves, path=False)


@numba.njit(cache=True, fastmath=True)
def _softmax_error(scores: Any, low: int, high: int) -> None:
    """Replace the scores of a block by p - p(. | target), the gradient of -log p(target)."""
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


@numba.njit(cache=True, fastmath=True)
def _hinge_error(scores: Any, low: int, high: int) -> None:
    """Replace the scores of a block by half the gradient of max(0, 1 - t s)^2, t = +1 on the target."""
    for column in range(len(scores)):
        sign = np.float32(1.0) if low <= column < high else np.float32(-1.0)
        scores[column] = -sign * max(np.float32(0.0), np.float32(1.0) - sign * scores[column])


@numba.njit(cache=True, fastmath=True)
def _score_run(features: Any, values: Any, weights: Any, run: Any, out: Any) -> None:
    """Write the scores of one row in the columns of one block into `out`."""
    out[:] = 0.0
    for place in range(len(features)):
        value = values[place]
        part = weights[features[place], run[0] : run[1]]
        for column in range(len(out)):
            out[column] += value * part[column]


@numba.njit(cache=True, fastmath=True)
def _row_errors(features: Any, values: Any, plan: Any, weights: Any, hinge: bool, out: Any) -> None:
    """Write the errors of one row, block after block; `plan` (K, 5) is its part of `Blocks.rows`."""
    at = 0
    for k in range(len(plan)):
        first, last = plan[k, 1], plan[k, 2]
        if last == first:
            continue
        mine = out[at : at + last - first]
        _score_run(features, values, weights, (first, last), mine)
        low, high = plan[k, 3] - first, plan[k, 4] - first
        if hinge:
            _hinge_error(mine, low, high)
        else:
            _softmax_error(mine, low, high)
        at += last - first


@numba.njit(cache=True, parallel=True, fastmath=True)
def _errors(sparse: Any, plan: Any, weights: Any, hinge: bool, out: Any) -> None:
    """Write the error of every column of every block of each row, block after block, into `out`."""
    starts, stops, features, values = sparse
    for row in numba.prange(len(starts)):
        begin, end = starts[row], stops[row]
        _row_errors(features[begin:end], values[begin:end], plan[row], weights, hinge, out[row])


@numba.njit(cache=True, fastmath=True)
def _step(weights: Any, squares: Any, errors: Any, value: Any, rate: Any) -> None:
    """Adagrad step of one feature in one block, with one rate for the block."""
    size = np.float32(0.0)
    for column in range(len(errors)):
        size += errors[column] * errors[column]
    squares[0] += value * value * size
    step = rate * value / np.sqrt(squares[0])
    for column in range(len(errors)):
        weights[column] -= step * errors[column]


@numba.njit(cache=True, fastmath=True)
def _step_blocks(weights: Any, squares: Any, plan: Any, errors: Any, value: Any, rate: Any) -> None:
    """Take the step of one feature (its weights and squares) in every block of one row."""
    at = 0
    for k in range(len(plan)):
        number, first, last = plan[k, 0], plan[k, 1], plan[k, 2]
        if last > first:
            part = errors[at : at + last - first]
            _step(weights[first:last], squares[number : number + 1], part, value, rate)
        at += last - first


@numba.njit(cache=True)
def _update_own(sparse: Any, plan: Any, errors: Any, state: Any, rate: Any, own: Any) -> None:
    """Walk the batch in order, taking the steps of the features f with f % threads == thread (`own`)."""
    starts, stops, features, values = sparse
    weights, squares = state
    thread, threads = own
    for row in range(len(starts)):
        for place in range(starts[row], stops[row]):
            feature = features[place]
            if feature % threads == thread:
                _step_blocks(weights[feature], squares[feature], plan[row], errors[row], values[place], rate)


@numba.njit(cache=True, parallel=True)
def _update(sparse: Any, plan: Any, errors: Any, state: Any, rate: Any, threads: int) -> None:
    """Learn a batch; every thread has features of its own, so the order of threads plays no part."""
    for thread in numba.prange(threads):
        _update_own(sparse, plan, errors, state, rate, (thread, threads))


class BlockLearner:
    """Weights (V, W) and the summed squared gradient of each feature in each block (V, blocks)."""

    #: rows of one step
    batch = 64

    def __init__(self, features: int, tree: LabelTree, blocks: Blocks) -> None:
        self.blocks = blocks
        self._nodes = len(tree)
        self._weights = np.zeros((features, len(blocks.nodes)), dtype=np.float32)
        self._squares = np.ones((features, blocks.count), dtype=np.float32)

    def learn(self, rows: Rows, codes: NDArray[np.int32], rate: float) -> None:
        """Take one step on a batch; `codes` (N, depth) are `LabelTree.encode`'s, -1 is unknown."""
        plan = self.blocks.rows(codes)
        width = int((plan[..., 2] - plan[..., 1]).sum(axis=1).max(initial=0))
        errors = np.empty((len(rows), width), dtype=np.float32)
        _errors(rows.arrays, plan, self._weights, self.blocks.path, errors)
        threads = numba.get_num_threads()
        state = (self._weights, self._squares)
        _update(rows.arrays, plan, errors, state, np.float32(rate), threads)

    @property
    def weights(self) -> NDArray[np.float32]:
        """The weights (V, C) in the order of the tree's nodes; a node without a column has zeros."""
        if len(self.blocks.nodes) == self._nodes:
            return self._weights
        weights = np.zeros((len(self._weights), self._nodes), dtype=np.float32)
        weights[:, self.blocks.nodes] = self._weights
        return weights
