"""One-versus-rest squared hinge over sparse rows: the compiled loops of the linear model.

Each class has a margin to keep: loss max(0, 1 - t s)^2 with t = +1 for the true class of a level and
-1 for the others (the loss of a linear SVM); a class may weigh its own rows more. Most classes keep
their margin, so a step changes few of them.

Classes learn in blocks that share nothing: a thread takes a block through thousands of rows without
waiting for another, and the result does not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mep3m.models.ngrams import Rows

#: classes that share the step size of a feature
_BLOCK = 128


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
def _misses(out: Any, codes: Any, classes: Any, first: int, columns: Any) -> int:
    """Turn scores into errors (0 where the margin is kept or the level is unknown) and list the others."""
    levels, own = classes
    count = 0
    for place in range(len(out)):
        code = codes[levels[first + place]]
        mine = first + place == code
        sign = np.float32(1.0 if mine else -1.0)
        miss = np.float32(1.0) - sign * out[place]
        if miss > 0 and code >= 0:
            out[place] = -sign * miss * (own[code] if mine else np.float32(1.0))
            columns[count] = place
            count += 1
    return count


@numba.njit(cache=True, fastmath=True)
def _step_row(features: Any, values: Any, state: Any, out: Any, columns: Any, rate: Any) -> None:
    """Take one Adagrad step with the errors `out` of the listed columns; a feature has one rate."""
    weights, squares = state
    size = np.float32(0.0)
    for column in columns:
        size += out[column] * out[column]
    for place in range(len(features)):
        feature, value = features[place], values[place]
        squares[feature] += value * value * size
        step = rate * value / np.sqrt(squares[feature])
        weight = weights[feature]
        for column in columns:
            weight[column] -= step * out[column]


@numba.njit(cache=True, fastmath=True)
def _learn_block(sparse: Any, codes: Any, classes: Any, first: int, state: Any, rate: Any) -> None:
    """Take a step for each row, in order, for one block of classes."""
    starts, stops, features, values = sparse
    weights = state[0]
    out = np.empty(weights.shape[1], dtype=np.float32)
    columns = np.empty(weights.shape[1], dtype=np.int64)
    for row in range(len(starts)):
        begin, end = starts[row], stops[row]
        _score_row(features[begin:end], values[begin:end], weights, out)
        count = _misses(out, codes[row], classes, first, columns)
        if count:
            _step_row(features[begin:end], values[begin:end], state, out, columns[:count], rate)


@numba.njit(cache=True, parallel=True)
def _learn(sparse: Any, codes: Any, classes: Any, firsts: Any, weights: Any, squares: Any, rate: Any) -> None:
    for block in numba.prange(len(firsts)):
        state = (weights[block], squares[block])
        _learn_block(sparse, codes, classes, firsts[block], state, rate)


def scores(rows: Rows, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, C) scores of sparse rows under weights (V, C)."""
    out = np.empty((len(rows), weights.shape[1]), dtype=np.float32)
    _score(rows.arrays, weights, out)
    return out


class Learner:
    """Weights of every class and the summed squared gradient of each feature, taught row by row.

    `levels` (depth + 1,) holds the first column of each level and the number of columns; `own` (C,)
    weighs the error of a class on its own rows (default 1).
    """

    #: rows to teach at once; only memory depends on it
    batch = 4096

    def __init__(
        self, features: int, levels: NDArray[np.int64], own: NDArray[np.float32] | None = None
    ) -> None:
        self._classes = int(levels[-1])
        blocks = max(2, -(-self._classes // _BLOCK))
        width = -(-self._classes // blocks)
        self._firsts = np.arange(blocks, dtype=np.int64) * width
        # columns past the last class belong to a level that no row has
        padded = np.full(blocks * width, len(levels) - 1, dtype=np.int64)
        padded[: self._classes] = np.repeat(np.arange(len(levels) - 1), np.diff(levels))
        weights = np.ones(self._classes, dtype=np.float32) if own is None else own
        self._columns = padded, weights.astype(np.float32)
        self._weights = np.zeros((blocks, features, width), dtype=np.float32)
        self._squares = np.ones((blocks, features), dtype=np.float32)

    def learn(self, rows: Rows, codes: NDArray[np.int32], rate: float) -> None:
        """Take one step for each row, in order; `codes` (N, depth) are the true columns, -1 is masked."""
        padded = np.concatenate([codes, np.full((len(codes), 1), -1, dtype=np.int32)], axis=1)
        _learn(
            rows.arrays, padded, self._columns, self._firsts, self._weights, self._squares, np.float32(rate)
        )

    @property
    def weights(self) -> NDArray[np.float32]:
        """The weights learned so far, (V, C)."""
        joined = self._weights.transpose(1, 0, 2).reshape(self._weights.shape[1], -1)
        return np.ascontiguousarray(joined[:, : self._classes])
