"""How far probabilities can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mep3m.evaluation.metrics import Codes, Floats


@dataclass(frozen=True)
class Bin:
    """One bar of a reliability plot: rows whose confidence lies in (low, high] (none is empty)."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


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
