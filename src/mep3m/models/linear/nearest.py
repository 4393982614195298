"""The most similar of some sparse rows, in a compiled loop."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.models.linear.ngrams import Rows


class Nearest(NamedTuple):
    """The k nearest of the rows that N rows were compared with: `rows` (N, k) and `alike` (N, k).

    `alike` is the cosine of both, the largest first; where there are fewer it is 0, and the row -1.
    """

    rows: NDArray[np.int32]
    alike: NDArray[np.float32]


def nearest_rows(asked: Rows, kept: Rows, ranges: Ints, count: int) -> Nearest:
    """Return the `count` nearest of the kept rows in the range (N, 2) of each row; both have unit length.

    The constant feature, which is the last of every row, counts for nothing.
    """
    rows = np.full((len(asked), count), -1, dtype=np.int32)
    alike = np.zeros((len(asked), count), dtype=np.float32)
    _nearest(asked.arrays, kept.arrays, np.ascontiguousarray(ranges), asked.width, rows, alike)
    return Nearest(rows, alike)


@numba.njit(cache=True)
def _nearest(asked: Any, kept: Any, ranges: Any, width: int, rows: Any, alike: Any) -> None:
    starts, stops, features, values = asked
    kept_starts, kept_stops, kept_features, kept_values = kept
    weight = np.zeros(width, dtype=np.float32)
    most = rows.shape[1]
    for row in range(len(starts)):
        for place in range(starts[row], stops[row] - 1):
            weight[features[place]] = values[place]
        for other in range(ranges[row, 0], ranges[row, 1]):
            cosine = np.float32(0.0)
            for place in range(kept_starts[other], kept_stops[other] - 1):
                cosine += weight[kept_features[place]] * kept_values[place]
            rank = most
            while rank > 0 and cosine > alike[row, rank - 1]:
                rank -= 1
            for later in range(most - 1, rank, -1):
                rows[row, later], alike[row, later] = rows[row, later - 1], alike[row, later - 1]
            if rank < most:
                rows[row, rank], alike[row, rank] = other, cosine
        for place in range(starts[row], stops[row] - 1):
            weight[features[place]] = 0.0
