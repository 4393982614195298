"""Betting against a promise: kept ones are rarely given up, broken ones soon; bounds hold at every moment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.evaluation.promises.betting import ODDS, RESTART, at_least, at_most, fell, money

STREAMS, LENGTH, ALPHA = 1000, 1500, 0.05


def streams(share: float, seed: int, count: int = STREAMS, length: int = LENGTH) -> np.ndarray:
    """Draw (length, count) filings of which a share is wrong."""
    return np.random.default_rng(seed).random((length, count)) < share


@pytest.mark.parametrize("share", [0.01, 0.03, 0.05])
def test_kept_promises_are_given_up_in_few_of_1000_streams(share: float) -> None:
    """The worst case: the precision is just what was promised, all the time."""
    given_up = (money(streams(share, 1), share) >= 1 / ALPHA).any(axis=0)
    assert given_up.mean() <= ALPHA


def test_a_dependent_stream_that_keeps_its_promise_on_average_is_given_up_as_rarely() -> None:
    """The chance of an error may depend on all that came before, if it is never above what was promised."""
    draw = np.random.default_rng(3)
    wrong = np.zeros((LENGTH, STREAMS), bool)
    for time in range(LENGTH):
        last = wrong[max(0, time - 20) : time].sum(axis=0)
        wrong[time] = draw.random(STREAMS) < np.where(last > 0, 0.0, 0.03)
    assert (money(wrong, 0.03) >= 1 / ALPHA).any(axis=0).mean() <= ALPHA


def test_a_fall_from_99_to_95_is_found() -> None:
    """The promise is .98. After 1,000 good audits the fall is found, in the median, within 800 more."""
    wrong = np.concatenate([streams(0.01, 5, 300, 1000), streams(0.05, 6, 300, 1000)])
    reached = money(wrong, 0.02) >= 1 / ALPHA
    after = np.where(reached.any(axis=0), reached.argmax(axis=0), len(wrong)) - 1000
    assert (after < 0).mean() <= ALPHA
    assert np.median(after) < 800


def test_money_is_a_fair_game() -> None:
    """On average over all ways in which three filings can end, the money stays what it was."""
    share, total = 0.1, 0.0
    for number in range(8):
        wrong = np.array([bool(number >> place & 1) for place in range(3)])
        chance = float(np.prod(np.where(wrong, share, 1 - share)))
        total += chance * float(money(wrong, share)[-1])
    assert total == pytest.approx(1)


def test_money_of_one_bet_by_hand() -> None:
    wrong = np.array([True, False])
    won = ODDS / (1 + (ODDS - 1) * 0.1)
    right = 1 / (1 + (ODDS - 1) * 0.1)
    assert money(wrong, 0.1)[0] == pytest.approx(0.5 + 0.5 * won.mean())
    assert money(wrong, 0.1)[1] == pytest.approx(0.5 + 0.5 * (won * right).mean())


@given(st.lists(st.booleans(), max_size=80), st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=40, deadline=None)
def test_the_bound_and_the_alarm_agree(outcomes: list[bool], share: float) -> None:
    wrong = np.array(outcomes, dtype=bool)
    bound, after = at_most(wrong, ALPHA), fell(wrong, 1 - share, ALPHA)
    if after is not None:
        assert bound < 1 - share * 0.93  # the grid of the bound is that coarse
    elif bound < 1:
        assert bound >= 1 - share * 1.07
    assert at_least(wrong, ALPHA) <= bound or not len(wrong)


@pytest.mark.parametrize("share", [0.02, 0.1])
def test_both_bounds_hold_at_every_moment(share: float) -> None:
    missed = 0
    for row in streams(share, 9, 200, 400).T:
        missed += at_least(row, ALPHA) > 1 - share or at_most(row, ALPHA) < 1 - share
    assert missed / 200 <= 2 * ALPHA


def test_bounds_by_hand() -> None:
    assert (at_most(np.zeros(0, bool), ALPHA), at_least(np.zeros(0, bool), ALPHA)) == (1.0, 0.0)
    good, bad = np.zeros(400, bool), np.ones(30, bool)
    assert at_most(good, ALPHA) == 1.0
    assert 0.97 < at_least(good, ALPHA) < 0.999
    assert at_most(bad, ALPHA) < 0.5
    assert fell(bad, 0.95, ALPHA) is not None
    assert fell(good, 0.95, ALPHA) is None
    assert RESTART > 1
