"""Accuracy of old and new classes after an increment, and what was forgotten; by hand."""

import numpy as np
import pytest

from mep3m.evaluation.increments import score_increment


def flags(text: str) -> np.ndarray:
    return np.array([letter == "1" for letter in text])


def test_by_hand() -> None:
    #      of training | of increment 1 | of 2  | unknown
    born = np.array([0, 0, 0, 0, 1, 1, 2, 2, 2, -1])
    trained = flags("1111000000")
    before = flags("1110110000")
    now = flags("1100101100")
    found = score_increment(2, born, now, before, trained)
    assert found.old == pytest.approx(3 / 6)
    assert found.new == pytest.approx(2 / 3)
    assert found.all == pytest.approx(5 / 10)
    assert found.forgetting == pytest.approx(5 / 6 - 3 / 6)
    assert found.since_training == pytest.approx(1.0 - 0.5)
    assert found.by_increment == pytest.approx((0.5, 0.5, 2 / 3))
    assert found.rows == {"old": 6, "new": 3, "unseen": 1}


def test_what_is_not_tested_is_none() -> None:
    only_new = score_increment(1, np.array([1, 1]), flags("10"), flags("00"), flags("00"))
    assert (only_new.old, only_new.forgetting, only_new.new, only_new.all) == (None, None, 0.5, 0.5)
    assert only_new.by_increment == (None, 0.5)
    assert score_increment(1, np.zeros(1, int), flags("1"), flags("1"), flags("1")).new is None


def test_a_gain_is_below_zero() -> None:
    found = score_increment(1, np.array([0, 0]), flags("11"), flags("10"), flags("10"))
    assert found.forgetting == -0.5
