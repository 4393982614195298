"""How far probabilities can be trusted, and how far a score on this many rows can."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mep3m.evaluation.metrics import Codes, Floats, confusion, f1_by_class, mean_f1


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability plot: rows whose confidence lies in (low, high] (none is empty)."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Interval:
    """A score with its bootstrap interval of 95 %."""

    value: float
    low: float
    high: float


def reliability(proba: Floats, truth: Codes, bins: int = 15) -> list[Bin]:
    """Return the reliability plot of the most probable class in `bins` equal steps of confidence."""
    confidence = proba.max(axis=1)
    hit = proba.argmax(axis=1) == truth
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    bars = []
    for index in np.unique(place):
        rows = place == index
        mean, right = float(confidence[rows].mean()), float(hit[rows].mean())
        bars.append(Bin(index / bins, (index + 1) / bins, int(rows.sum()), mean, right))
    return bars


def expected_calibration_error(bins: list[Bin]) -> float:
    """Return ECE (Guo et al., 2017): the mean of |accuracy - confidence| over bins, weighted by rows."""
    total = sum(bar.n for bar in bins)
    return sum(bar.n * abs(bar.accuracy - bar.confidence) for bar in bins) / total if total else 0.0


def accuracy(predicted: Codes, truth: Codes, classes: int) -> float:
    """Return the share of rows that are right (`classes` is not used: all scores here have one form)."""
    return float((predicted == truth).mean())


def macro_f1(predicted: Codes, truth: Codes, classes: int) -> float:
    """Return the mean F1 of the classes that occur; see `metrics.mean_f1`."""
    return mean_f1(f1_by_class(confusion(predicted, truth, classes)), truth)


def bootstrap(
    score: Callable[[Codes, Codes, int], float],
    predicted: Codes,
    truth: Codes,
    classes: int,
    seed: int = 0,
    draws: int = 500,
) -> Interval:
    """Return a score with its interval, from `draws` samples of the rows with replacement.

    The percentiles are moved by how far the samples lie from the score in the mean: macro F1 is larger in a
    sample than in all rows, because classes of one row (often wrong) are missing from a third of the samples.
    """
    random = np.random.default_rng(seed)
    values: NDArray[np.float64] = np.empty(draws)
    for draw in range(draws):
        rows = random.integers(0, len(truth), len(truth))
        values[draw] = score(predicted[rows], truth[rows], classes)
    value = score(predicted, truth, classes)
    low, high = np.clip(np.quantile(values, [0.025, 0.975]) + value - values.mean(), 0, 1)
    return Interval(value, float(min(low, value)), float(max(high, value)))
