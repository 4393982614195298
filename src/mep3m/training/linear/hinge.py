"""One-versus-rest squared hinge over sparse rows: the compiled solver of the linear model.

Classes compete in contests: all classes of a level (flat), or the children of one node (coarse to
fine). Each class of a contest keeps a margin on the rows of the contest, with the loss of a linear
SVM: |w|^2 / 2 + cost x sum of max(0, 1 - t s)^2, t = +1 on its own rows and -1 on the others. It is
solved by dual coordinate descent (Hsieh et al., 2008), up to 64 classes of a contest side by side:
a step has no rate to choose, and a few passes come close to the optimum.

A contest reads only its own rows, so a tree costs the families on the path of a row and not its
leaves. Parts of contests share nothing: the result does not depend on the number of threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mep3m.label_tree.probabilities import family_runs
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.ngrams import Rows
from mep3m.models.linear.scores import score_row

#: most classes that are solved side by side; their weights of one feature lie together
_WIDTH = 64
#: most dual variables of a part: with many rows, fewer classes are solved side by side
_DUALS = 1 << 26
#: widths are rounded up to this many columns
_LANES = 4
#: a pass that moves the dual variables by less than this share of the first pass is the last one
_STILL = 0.02


@dataclass(frozen=True)
class Contests:
    """F contests: columns `firsts[f]` up to `lasts[f]` compete for the rows known at `levels[f]`.

    `levels` count from 0; each is (F,).
    """

    firsts: NDArray[np.int64]
    lasts: NDArray[np.int64]
    levels: NDArray[np.int64]

    def parts(self, known: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return (P, 5) parts of at most 64 classes, most work first.

        A part is its level, its columns (first, one past the last), and where the rows of its contest
        stand in `known` (N, depth), the codes of each level in ascending order (first, one past the last).
        A contest of one class has no part; one of two classes solves the first, the other is its opposite.
        """
        pieces = []
        for first, last, level in zip(self.firsts, self.lasts, self.levels, strict=True):
            begin, end = np.searchsorted(known[:, level], (first, last))
            if last - first > 1 and end > begin:
                stop = first + 1 if last - first == 2 else last
                most = max(_LANES, min(_WIDTH, _DUALS // (end - begin)))
                edges = np.linspace(first, stop, -(-(stop - first) // most) + 1).astype(np.int64)
                pieces += [(level, low, high, begin, end) for low, high in pairwise(edges)]
        parts = np.array(pieces, dtype=np.int64).reshape(-1, 5)
        return parts[np.argsort(parts[:, 3] - parts[:, 4], kind="stable")]


def level_contests(tree: LabelTree, depth: int | None = None) -> Contests:
    """Return one contest a level, between all of its nodes; with `depth`, of the first levels only."""
    starts = np.array(tree.starts[: (depth or tree.depth) + 1], dtype=np.int64)
    return Contests(starts[:-1], starts[1:], np.arange(len(starts) - 1, dtype=np.int64))


def sibling_contests(tree: LabelTree) -> Contests:
    """Return one contest a family, between the children of one node."""
    firsts, lasts, _ = family_runs(tree)
    return Contests(firsts.astype(np.int64), lasts.astype(np.int64), tree.levels[firsts].astype(np.int64) - 1)


@numba.njit(cache=True, fastmath=True)
def _steps(out: Any, target: Any, square: Any, soft: Any, bound: Any, alpha: Any, columns: Any) -> Any:
    """Turn scores into the steps of the dual variables `alpha`, update these, list the columns that move.

    `soft` (2, width) is 1 / (2 cost) of a class on the rows of others and on its own; 0 is no class.
    `alpha` stays at or below `bound`. `square` is the squared length of the row. Return how many columns
    move, and how far together.
    """
    count, moved = 0, 0.0
    for column in range(len(out)):
        mine = column == target
        sign = np.float32(1.0) if mine else np.float32(-1.0)
        slack = soft[1, column] if mine else soft[0, column]
        before = alpha[column]
        gap = sign * out[column] - np.float32(1.0) + slack * before
        step = max(-before, min(bound - before, -gap / (square + slack))) if slack > 0 else np.float32(0.0)
        out[column] = sign * step
        if step != 0:
            alpha[column] = before + step
            columns[count] = column
            count += 1
            moved += abs(step)
    return count, moved


@numba.njit(cache=True, fastmath=True)
def _move(features: Any, values: Any, out: Any, columns: Any, weights: Any) -> None:
    """Add `out` times the row to the weights; where few columns move, to these alone."""
    for place in range(len(features)):
        weight, value = weights[features[place]], values[place]
        if 4 * len(columns) < len(out):
            for column in columns:
                weight[column] += value * out[column]
        else:
            for column in range(len(out)):
                weight[column] += value * out[column]


@numba.njit(cache=True)
def _sweep(order: Any, problem: Any) -> Any:
    """Take one step for each row of `order`; return how far the dual variables moved."""
    sparse, targets, squares, soft, bound, weights, alpha = problem
    starts, stops, features, values = sparse
    out = np.empty(weights.shape[1], dtype=np.float32)
    columns = np.empty(len(out), dtype=np.int64)
    moved = 0.0
    for row in order:
        own, worth = features[starts[row] : stops[row]], values[starts[row] : stops[row]]
        score_row(own, worth, weights, out)
        count, far = _steps(out, targets[row], squares[row], soft, bound, alpha[row], columns)
        if count:
            moved += far
            _move(own, worth, out, columns[:count], weights)
    return moved


@numba.njit(cache=True)
def _shuffle(order: Any, state: Any) -> Any:
    """Shuffle in place (Fisher and Yates with Marsaglia's xorshift) and return the next state."""
    for last in range(len(order) - 1, 0, -1):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        other = np.int64(state % np.uint64(last + 1))
        order[last], order[other] = order[other], order[last]
    return state


@numba.njit(cache=True)
def _passes(count: int, order: Any, problem: Any, state: Any) -> Any:
    """Sweep up to `count` times, fewer when little moves; return the state of the shuffle."""
    most = 0.0
    for _ in range(count):
        state = _shuffle(order, state)
        moved = _sweep(order, problem)
        most = max(most, moved)
        if moved <= _STILL * most:
            break
    return state


@numba.njit(cache=True)
def _renumber(sparse: Any, rows: Any, number: Any) -> Any:
    """Copy some rows, their features numbered as they occur; return them and the old numbers.

    `number` (V,) is -1 everywhere before, and holds the new number of each feature after.
    """
    starts, stops, features, values = sparse
    lengths = stops[rows] - starts[rows]
    ends = np.cumsum(lengths)
    own, worth = np.empty(ends[-1], dtype=np.int32), np.empty(ends[-1], dtype=np.float32)
    old = np.empty(min(ends[-1], len(number)), dtype=np.int32)
    known = at = 0
    for row in rows:
        for place in range(starts[row], stops[row]):
            feature = features[place]
            if number[feature] < 0:
                number[feature], old[known] = known, feature
                known += 1
            own[at], worth[at] = number[feature], values[place]
            at += 1
    return (ends - lengths, ends, own, worth), old[:known]


@numba.njit(cache=True)
def _score_held(sparse: Any, held: Any, number: Any, weights: Any, raw: Any) -> None:
    """Write the scores of held-out rows in the columns of one part into `raw` (H, columns)."""
    starts, stops, features, values = sparse
    for at in range(len(held)):
        for place in range(starts[held[at]], stops[held[at]]):
            feature = number[features[place]]
            if feature < 0:
                continue
            for column in range(raw.shape[1]):
                raw[at, column] += values[place] * weights[feature, column]


@numba.njit(cache=True)
def _solve_part(data: Any, rows: Any, targets: Any, soft: Any, plan: Any, weights: Any, raw: Any) -> None:
    """Write the weights (V, columns) and held-out scores (H, columns) of one part."""
    sparse, squares, is_held, held = data
    passes, more, seed, bound = plan
    starts, stops, features, values = sparse
    number = np.full(len(weights), -1, dtype=np.int32)
    if len(rows) < len(starts):
        mine, old = _renumber(sparse, rows, number)
    else:
        mine, old = (starts[rows], stops[rows], features, values), np.arange(len(weights)).astype(np.int32)
        number[:] = old
    narrow = np.zeros((len(old), soft.shape[1]), dtype=np.float32)
    alpha = np.zeros((len(rows), soft.shape[1]), dtype=np.float32)
    problem = (mine, targets, squares[rows], soft, np.float32(bound), narrow, alpha)
    state = np.uint64(88172645463325252) ^ (np.uint64(seed) * np.uint64(2654435761))
    state = _passes(passes, np.flatnonzero(~is_held[rows]), problem, state)
    if len(held):
        _score_held(sparse, held, number, narrow, raw)
        _passes(more, np.arange(len(rows)), problem, state)
    for place in range(len(old)):
        for column in range(weights.shape[1]):
            weights[old[place], column] = narrow[place, column]


@numba.njit(cache=True, nogil=True)
def _solve_some(data: Any, todo: Any, soft: Any, plan: Any, weights: Any, raw: Any) -> None:
    """Solve some parts, one after the other; `todo` is (parts (P, 5), rows and targets by level)."""
    parts, rows, codes = todo
    for part in range(len(parts)):
        level, low, high = parts[part, 0], parts[part, 1], parts[part, 2]
        own = np.zeros((2, -(-(high - low) // _LANES) * _LANES), dtype=np.float32)
        own[:, : high - low] = soft[:, low:high]
        mine = rows[level, parts[part, 3] : parts[part, 4]]
        targets = codes[level][mine] - low
        _solve_part(data, mine, targets, own, plan, weights[:, low:high], raw[:, low:high])


@dataclass(frozen=True)
class SolverPlan:
    """How to learn: `passes` over the rows that are not held out, then `more` over all of them.

    No dual variable grows beyond `bound`: an error of more than bound / (2 cost) then costs in
    proportion to it and no longer its square, so a row with a wrong label bends a class only so far.
    """

    passes: int
    more: int
    seed: int
    bound: float = np.inf


def solve(
    rows: Rows,
    codes: NDArray[np.int32],
    held: NDArray[np.int64],
    contests: Contests,
    costs: NDArray[np.float32],
    plan: SolverPlan,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights (V, C) learned from all rows, and scores (H, C) of the rows `held` out.

    The scores come from the weights as they were before any held-out row was learned from. `codes`
    (N, depth) are the true columns, -1 is masked. `costs` (2, C) is what an error of a class costs on
    the rows of other classes, and on its own. `rows.features` must lie below `rows.width`.
    """
    tree_columns = costs.shape[1]
    order = np.argsort(codes, axis=0, kind="stable")
    parts = contests.parts(np.take_along_axis(codes, order, axis=0))
    is_held = np.zeros(len(rows), dtype=np.bool_)
    is_held[held] = True
    weights = np.zeros((rows.width, tree_columns), dtype=np.float32)
    raw = np.zeros((len(held), tree_columns), dtype=np.float32)
    with np.errstate(divide="ignore"):
        soft = (0.5 / costs).astype(np.float32)
    pairs = contests.firsts[contests.lasts - contests.firsts == 2]
    soft[0, pairs] = soft[1, pairs + 1]
    data = (rows.arrays, rows.squares(), is_held, held.astype(np.int64))
    by_level = np.ascontiguousarray(order.T), np.ascontiguousarray(codes.T)
    length = (plan.passes, plan.more, plan.seed, plan.bound)
    threads = numba.get_num_threads()
    with ThreadPoolExecutor(threads) as pool:
        shares = [(np.ascontiguousarray(parts[thread::threads]), *by_level) for thread in range(threads)]
        list(pool.map(lambda todo: _solve_some(data, todo, soft, length, weights, raw), shares))
    for table in (weights, raw):
        table[:, pairs + 1] = -table[:, pairs]
    return weights, raw
