"""Calibration through what was true: it rises, follows the shares, and lets every family count alike."""

import numpy as np
import pytest

from mep3m.alignment.fitting.curves import SMALL, ProposedPairs, fit_curve
from mep3m.alignment.learned.boosted import Curve, probability


def proposed(share: float, count: int = 4000, seed: int = 0) -> ProposedPairs:
    """Return pairs whose scores are uniform and of which `share` times the score is true."""
    draw = np.random.default_rng(seed)
    score = draw.uniform(0.02, 0.98, count)
    true = (draw.random(count) < share * score).astype(float)
    return ProposedPairs(score, true, np.ones(count), np.zeros(count))


def said(curve: Curve, score: float) -> float:
    return float(probability(np.array([score]), curve, 1000)[0])


def test_scores_that_are_right_stay_and_scores_that_are_too_high_are_lowered() -> None:
    right, high = fit_curve([proposed(1.0)]), fit_curve([proposed(0.5)])
    for score in (0.2, 0.5, 0.8):
        assert said(right, score) == pytest.approx(score, abs=0.05)
        assert said(high, score) == pytest.approx(score / 2, abs=0.06)


def test_the_curve_rises() -> None:
    curve = fit_curve([proposed(0.7)])
    values = [said(curve, score) for score in np.linspace(0.01, 0.99, 99)]
    assert (np.diff(values) > 0).all()


def test_a_large_family_counts_no_more_than_another_large_one() -> None:
    families = [proposed(1.0, 20_000), proposed(0.5, 4000, seed=1)]
    both = said(fit_curve(families), 0.6)
    assert both == pytest.approx(0.45, abs=0.04)


def test_a_small_family_counts_less() -> None:
    small = proposed(0.0, SMALL // 6)
    assert said(fit_curve([proposed(1.0), small]), 0.6) > 0.45
