"""What more audited rows would buy: few rows say little, and the interval says so."""

import numpy as np
import pytest

from mep3m.evaluation.guarantees import Audited, prove
from mep3m.evaluation.promises.audit_plan import plan


def rows(n: int, wrong: int = 0) -> Audited:
    """N rows at probabilities from .5 to 1, of which the first are wrong."""
    files = np.random.default_rng(n).uniform(0.5, 1, n)
    return Audited(files, np.where(np.arange(n) < wrong, files, -1.0))


@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize("precision", [0.9, 0.95, 0.99])
def test_a_few_rows_without_an_error_are_no_certainty(n: int, precision: float) -> None:
    """A stranger audited two rows, and was told that 500 more would file everything for sure."""
    point = plan(rows(n), precision, 0.95, (5000,))[0]
    assert point.low == 0
    assert point.proven < 1


@pytest.mark.parametrize("n", [1, 2, 30])
def test_rows_that_are_all_wrong_promise_nothing(n: int) -> None:
    assert {point.proven for point in plan(rows(n, n), 0.95, 0.95)} == {0.0}


def test_many_rows_leave_little_open() -> None:
    point = plan(rows(5000, 20), 0.95, 0.95, (5000,))[0]
    assert point.proven == 1
    assert point.low > 0.97
    assert plan(rows(0), 0.95, 0.95) == []


@pytest.mark.parametrize(("n", "wrong"), [(90, 0), (700, 3), (5000, 20)])
def test_no_more_rows_are_the_rows_there_are(n: int, wrong: int) -> None:
    """It said .374 to .547 of what was proven on the same rows."""
    audited = rows(n, wrong)
    proof = prove(audited, 0.97, 0.95)
    now = 0.0 if proof is None else proof.coverage
    point = plan(audited, 0.97, 0.95, (0,))[0]
    assert (point.low, point.coverage, point.high) == (now, now, now)


def test_the_interval_narrows_with_the_rows() -> None:
    points = [plan(rows(n, n // 50), 0.97, 0.95, (5000,))[0] for n in (50, 500, 5000)]
    widths = [point.high - point.low for point in points]
    assert widths[0] >= widths[1] >= widths[2]
