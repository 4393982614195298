"""The nearest of some sparse rows are those of dense cosines."""

import numpy as np
import pytest

from mep3m.models.linear.nearest import nearest_rows
from mep3m.models.linear.ngrams import Rows

WIDTH = 12


def rows(count: int, seed: int) -> tuple[Rows, np.ndarray]:
    """Draw rows of unit length with the constant feature last, and the same as a dense table without it."""
    draw = np.random.default_rng(seed)
    dense = np.where(draw.random((count, WIDTH - 1)) < 0.4, draw.random((count, WIDTH - 1)), 0.0)
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)
    features, values, stops = [], [], []
    for row in dense:
        mine = np.flatnonzero(row)
        features += [*mine.tolist(), WIDTH - 1]
        values += [*row[mine].tolist(), 0.5]
        stops.append(len(features))
    starts = np.array([0, *stops[:-1]], np.int64)
    arrays = (np.array(stops, np.int64), np.array(features, np.int32), np.array(values, np.float32))
    return Rows(starts, *arrays, WIDTH), dense.astype(np.float32)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_they_are_those_of_dense_cosines(seed: int, count: int) -> None:
    (asked, left), (kept, right) = rows(20, seed), rows(30, seed + 10)
    draw = np.random.default_rng(seed)
    first = draw.integers(0, 30, 20)
    ranges = np.stack([first, np.minimum(first + draw.integers(0, 12, 20), 30)], axis=1)
    found = nearest_rows(asked, kept, ranges, count)
    cosines = left @ right.T
    for row, (low, high) in enumerate(ranges.tolist()):
        best = -np.sort(-cosines[row, low:high])[:count]
        best = np.pad(best, (0, count - len(best)))
        assert found.alike[row] == pytest.approx(best, abs=1e-5)
        for place, other in enumerate(found.rows[row].tolist()):
            assert (other < 0) == (found.alike[row, place] == 0)
            assert other < 0 or (low <= other < high)
            assert other < 0 or cosines[row, other] == pytest.approx(found.alike[row, place], abs=1e-5)


def test_the_constant_feature_counts_for_nothing() -> None:
    one = Rows(
        np.array([0]), np.array([1]), np.array([WIDTH - 1], np.int32), np.array([0.5], np.float32), WIDTH
    )
    found = nearest_rows(one, one, np.array([[0, 1]]), 1)
    assert (found.rows.tolist(), found.alike.tolist()) == ([[-1]], [[0.0]])
