"""How far a score on so many rows can be trusted: 95 % intervals whose coverage is measured.

`bench/intervals.py` draws tables from known populations and counts how often they hold; decision 200.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest, norm, t

from mep3m.evaluation.metrics import Codes, confusion, f1_by_class, mean_f1

LEVEL = 0.95
#: hits and rows added to those of a class, so that one row is no certainty (Agresti and Coull, 1998)
_HITS, _ROWS = 2, 4
#: classes with fewer rows than this have their largest bias looked up; with more it is below .004
_BIASED = 40


@dataclass(frozen=True)
class Interval:
    """A score with its interval of 95 %."""

    value: float
    low: float
    high: float


def share_interval(right: NDArray[np.bool_]) -> Interval:
    """Return the share of rows that are right, (n,), with its exact (Clopper-Pearson) interval."""
    hits, n = int(right.sum()), len(right)
    low, high = binomtest(hits, n).proportion_ci(LEVEL, method="exact")
    return Interval(hits / n, float(low), float(high))


def mean_interval(values: Sequence[float]) -> Interval:
    """Return the mean of the scores of two or more seeds, with Student's interval, kept within 0 and 1.

    It holds the mean of endlessly many seeds on the same rows; what other rows would give it does not say.
    """
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    margin = float(t.ppf((1 + LEVEL) / 2, len(values) - 1)) * spread / len(values) ** 0.5
    return Interval(mean, max(mean - margin, 0.0), min(mean + margin, 1.0))


def macro_f1_interval(predicted: Codes, truth: Codes, classes: int) -> Interval:
    """Return the macro F1 of (n,) answers and truths, with its interval; -1, -2, ... are unseen classes.

    What it holds is the macro F1 of the classes that occur in these rows, each on endlessly many. Of a
    class, m rows have it as truth or answer, and its hits are binomial, so F1 = 2 hits / (hits + m) has a
    variance and a bias that follow from m. Three things make a plain bootstrap too narrow, and each is met on
    the safe side: a class of one row tells nothing of its own variance (two hits and four rows are added); an
    error counts in two classes (its share of the variance is doubled); and the F1 of few rows is too low in
    the mean, by up to .17 for one row (the upper end is moved up by the largest bias).
    """
    matrix = confusion(predicted, truth, classes)
    hits = np.diagonal(matrix)
    rows = matrix.sum(axis=0) + matrix.sum(axis=1)[:-1] - hits
    hits, rows = hits[rows > 0], rows[rows > 0]
    count = len(rows) + len(np.unique(truth[truth < 0]))
    value = mean_f1(f1_by_class(matrix), truth)
    kinds, number = np.unique(np.stack([hits, rows]), axis=1, return_counts=True)
    spread = sum(_variance(*kind) * many for kind, many in zip(kinds.T.tolist(), number, strict=True))
    margin = float(norm.ppf((1 + LEVEL) / 2)) * np.sqrt(spread) / count
    bias = float(_WORST[np.minimum(rows, _BIASED)].sum()) / count
    return Interval(value, max(value - margin, 0.0), min(value + margin + bias, 1.0))


def _variance(hits: int, rows: int) -> float:
    """Return the variance of a class's F1, with the share of its errors doubled."""
    share = (hits + _HITS) / (rows + _ROWS)
    possible = np.arange(rows + 1)
    chance = binom.pmf(possible, rows, share)
    f1 = 2 * possible / (possible + rows)
    mean = float(chance @ f1)
    return float(chance @ (f1 - mean) ** 2) * (1 + share)


def _worst_bias() -> NDArray[np.float64]:
    """Return (_BIASED + 1,): by how much the F1 of so many rows is too low in the mean, at worst."""
    shares = np.linspace(0, 1, 201)
    worst = np.zeros(_BIASED + 1)
    for rows in range(1, _BIASED + 1):
        possible = np.arange(rows + 1)
        mean = binom.pmf(possible[:, None], rows, shares).T @ (2 * possible / (possible + rows))
        worst[rows] = (2 * shares / (1 + shares) - mean).max()
    return worst


_WORST = _worst_bias()
