"""One-versus-rest squared hinge over sparse rows: the compiled loops of the linear model.

Each class has a margin to keep: loss max(0, 1 - t s)^2 with t = +1 for the true class of a level and
-1 for the others (the loss of a linear SVM). Most classes keep theirs, so a step changes few of them.
The result does not depend on the number of threads: rows of a batch are scored side by side, and in
the update every feature belongs to one thread that walks the batch in order.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mep3m.models.ngrams import Rows


@numba.njit(cache=True, fastmath=True)
def _score_row(features: Any, values: Any, weights: Any, out: Any) -> None:
    out[:] = 0.0
    for place in range(len(features)):
        weight = weights[features[place]]
        value = values[place]
        for column in range(len(out)):
            out[column] += value * weight[column]


@numba.njit(cache=True, parallel=True)
def _score(sparse: Any, weights: Any, out: Any) -> None:
    starts, stops, features, values = sparse
    for row in numba.prange(len(starts)):
        begin, end = starts[row], stops[row]
        _score_row(features[begin:end], values[begin:end], weights, out[row])


@numba.njit(cache=True)
def _miss_row(out: Any, codes: Any, levels: Any, columns: Any, errors: Any) -> int:
    """List the columns that miss their margin; a level without label (-1) lists none. Return how many."""
    count = 0
    for level in range(len(codes)):
        if codes[level] < 0:
            continue
        for column in range(levels[level], levels[level + 1]):
            sign = np.float32(1.0 if column == codes[level] else -1.0)
            miss = np.float32(1.0) - sign * out[column]
            if miss > 0:
                columns[count], errors[count] = column, -sign * miss
                count += 1
    return count


@numba.njit(cache=True, parallel=True)
def _misses(out: Any, codes: Any, levels: Any, columns: Any, errors: Any, counts: Any) -> None:
    for row in numba.prange(len(out)):
        counts[row] = _miss_row(out[row], codes[row], levels, columns[row], errors[row])


@numba.njit(cache=True, fastmath=True)
def _update_features(sparse: Any, misses: Any, weights: Any, squares: Any, rate: Any, share: Any) -> None:
    """Adagrad step on the features of one thread: feature % threads == thread."""
    starts, stops, features, values = sparse
    columns, errors, counts = misses
    thread, threads = share
    for row in range(len(starts)):
        missed, error = columns[row, : counts[row]], errors[row, : counts[row]]
        size = np.float32(0.0)
        for at in range(len(error)):
            size += error[at] * error[at]
        for place in range(starts[row], stops[row] if len(error) else starts[row]):
            feature = features[place]
            if feature % threads == thread:
                squares[feature] += values[place] * values[place] * size
                step = rate * values[place] / np.sqrt(squares[feature])
                for at in range(len(error)):
                    weights[feature, missed[at]] -= step * error[at]


@numba.njit(cache=True, parallel=True)
def _update(sparse: Any, misses: Any, weights: Any, squares: Any, rate: Any, threads: int) -> None:
    for thread in numba.prange(threads):
        _update_features(sparse, misses, weights, squares, rate, (thread, threads))


def scores(rows: Rows, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, C) scores of sparse rows under weights (V, C)."""
    out = np.empty((len(rows), weights.shape[1]), dtype=np.float32)
    _score(rows.arrays, weights, out)
    return out


class Learner:
    """Weights (V, C) and the summed squared gradient of each feature, taught batch by batch.

    `levels` (depth + 1,) holds the first column of each level and the number of columns.
    """

    def __init__(self, features: int, levels: NDArray[np.int64]) -> None:
        self.levels = levels
        self.weights = np.zeros((features, int(levels[-1])), dtype=np.float32)
        self._squares = np.ones(features, dtype=np.float32)

    def learn(self, rows: Rows, codes: NDArray[np.int32], rate: float) -> None:
        """Take one step on a batch; `codes` (N, depth) are the true columns, -1 is masked."""
        out = scores(rows, self.weights)
        misses = (
            np.empty(out.shape, np.int32),
            np.empty(out.shape, np.float32),
            np.empty(len(out), np.int32),
        )
        _misses(out, codes, self.levels, *misses)
        threads = numba.get_num_threads()
        _update(rows.arrays, misses, self.weights, self._squares, np.float32(rate), threads)
