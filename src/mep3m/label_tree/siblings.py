"""The compiled loops of `tree.from_siblings`: a softmax in every family, multiplied down the path.

Between the two loops numpy takes the exponentials: several at a time, which compiled scalar code does not.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

#: what of fast arithmetic is allowed: infinities must stay infinities, -inf is a node without data
_FAST = {"reassoc", "contract", "arcp", "nsz"}


@numba.njit(cache=True, fastmath=_FAST)
def below_top(scores: Any, firsts: Any, lasts: Any, out: Any) -> None:
    """Write the (N, C) scores less the largest of their family, firsts[f]:lasts[f], into `out`.

    A family in which every score is -inf keeps them.
    """
    for row in range(len(scores)):
        for family in range(len(firsts)):
            first, last = firsts[family], lasts[family]
            top = np.float32(-np.inf)
            for column in range(first, last):
                top = max(top, scores[row, column])
            top = top if top > -np.inf else np.float32(0.0)
            for column in range(first, last):
                out[row, column] = scores[row, column] - top


@numba.njit(cache=True, fastmath=_FAST)
def multiply_down(firsts: Any, lasts: Any, parents: Any, out: Any) -> None:
    """Scale every family of (N, C) `out`, in place, to the probability of its parent.

    Family f has the columns firsts[f]:lasts[f] below the column parents[f] (-1 at the first level);
    families come level by level, so a parent is scaled before its children are.
    """
    for row in range(len(out)):
        for family in range(len(firsts)):
            first, last = firsts[family], lasts[family]
            total = np.float32(0.0)
            for column in range(first, last):
                total += out[row, column]
            above = np.float32(1.0) if parents[family] < 0 else out[row, parents[family]]
            share = above / total if total > 0 else np.float32(0.0)
            for column in range(first, last):
                out[row, column] *= share
