"""The compiled loop of `tree.from_siblings`: a softmax in every family, multiplied down the path."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

#: what of fast arithmetic is allowed: infinities must stay infinities, -inf is a node without data
_FAST = {"reassoc", "contract", "arcp", "nsz"}


@numba.njit(cache=True, parallel=True, fastmath=_FAST)
def multiply_down(scores: Any, firsts: Any, lasts: Any, parents: Any, out: Any) -> None:
    """Write the (N, C) probabilities of scores (N, C) into `out`.

    Family f has the columns firsts[f]:lasts[f] below the column parents[f] (-1 at the first level);
    families come level by level, so a parent is written before its children are.
    """
    for row in numba.prange(len(scores)):
        for family in range(len(firsts)):
            first, last = firsts[family], lasts[family]
            top = np.float32(-np.inf)
            for column in range(first, last):
                top = max(top, scores[row, column])
            above = np.float32(1.0) if parents[family] < 0 else out[row, parents[family]]
            if top == -np.inf:
                out[row, first:last] = 0.0
                continue
            if last - first == 1:
                out[row, first] = above
                continue
            total = np.float32(0.0)
            for column in range(first, last):
                out[row, column] = np.exp(scores[row, column] - top)
                total += out[row, column]
            for column in range(first, last):
                out[row, column] *= above / total
