"""Scores of sparse rows under dense weights, in compiled loops: what predicting with a linear model costs."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from mep3m.models.linear.ngrams import Rows


@numba.njit(cache=True, fastmath=True)
def score_row(features: Any, values: Any, weights: Any, out: Any) -> None:
    """Fill `out` (C,) with the scores of one row: its `features` (K,) and their `values` (K,)."""
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
        score_row(features[begin:end], values[begin:end], weights, out[row])


def scores(rows: Rows, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (N, C) scores of sparse rows under weights (V, C)."""
    out = np.empty((len(rows), weights.shape[1]), dtype=np.float32)
    _score(rows.arrays, weights, out)
    return out
