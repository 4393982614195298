"""Intervals hold: against scipy, on hard cases, and on tables drawn from known populations."""

import numpy as np
import pytest
from bench.intervals import Population, coverage
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from mep3m.evaluation.intervals import macro_f1_interval, mean_interval, share_interval
from mep3m.evaluation.metrics import macro_f1


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (20, 20), (99, 100), (1, 3)])
def test_a_share_has_the_exact_interval_of_a_binomial_and_is_never_certain(hits: int, n: int) -> None:
    found = share_interval(np.arange(n) < hits)
    exact = binomtest(hits, n).proportion_ci(0.95, "exact")
    assert (found.value, found.low, found.high) == pytest.approx((hits / n, exact.low, exact.high))
    assert found.high - found.low > 0.02


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 5)), min_size=1, max_size=80))
def test_the_interval_of_macro_f1_holds_the_score_and_is_within_0_and_1(pairs: list[tuple[int, int]]) -> None:
    predicted, truth = np.array(pairs).T
    found = macro_f1_interval(predicted, truth, 6)
    assert found.value == pytest.approx(macro_f1(predicted, truth, 6))
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_more_rows_of_the_same_make_it_narrow() -> None:
    truth = np.repeat(np.arange(5), 20)
    predicted = np.where(np.arange(100) % 4, truth, (truth + 1) % 5)
    widths = []
    for times in (1, 4, 16):
        found = macro_f1_interval(np.tile(predicted, times), np.tile(truth, times), 5)
        widths.append(found.high - found.low)
    assert widths[0] > 1.8 * widths[1] > 3.2 * widths[2]
    assert widths[2] == pytest.approx(0.051, abs=0.02)


@pytest.mark.parametrize(
    ("classes", "rows", "tail", "kind", "right"),
    [
        (100, 1000, 1.0, "worse in the tail", 0.8),
        (100, 1000, 1.5, "mixed", 0.7),
        (500, 1000, 1.0, "better in the tail", 0.7),
        (10, 100, 1.0, "alike", 0.99),
        (2, 100, 0.0, "alike", 0.9),
    ],
)
def test_intervals_hold_in_at_least_93_of_100_tables(
    classes: int, rows: int, tail: float, kind: str, right: float
) -> None:
    population = Population.draw(classes, tail, kind, right, seed=1)
    held = coverage(population, rows, tables=120, seed=2)
    # three standard errors of 120 tables below .93
    assert held["macro_f1"].held >= 0.86
    assert held["top1"].held >= 0.86


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_seeds_have_students_interval_within_0_and_1(values: list[float]) -> None:
    found, mean, spread = mean_interval(values), np.mean(values), np.std(values, ddof=1)
    assert found.value == pytest.approx(float(mean))
    if spread > 1e-6:
        low, high = t.interval(0.95, len(values) - 1, mean, spread / len(values) ** 0.5)
        assert (found.low, found.high) == pytest.approx((max(low, 0), min(high, 1)))
    else:
        assert (found.low, found.high) == pytest.approx((mean, mean), abs=1e-4)
