"""The two models, fitted on pairs whose relation is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.crossing.fitting import (
    Labelled,
    Said,
    fit_calibration,
    fit_calibrations,
    fit_heads,
)
from mep3m.alignment.crossing.heads import Heads
from mep3m.alignment.crossing.relation import relations
from mep3m.alignment.records import Side
from tests.alignment.crossing.test_relation import LEFT, PAIRS, RIGHT, crossing, known


def labelled() -> Labelled:
    """Return nine pairs: appliances hold television sets, tea is tea."""
    broader = np.array([pair == (0, 0) for pair in PAIRS], float)
    equal = np.array([pair == (1, 1) for pair in PAIRS], float)
    said = known(exact=0.9 * equal, same=equal, broader=0.6 * broader, names=0.5 * (equal + broader))
    return Labelled(LEFT, RIGHT, crossing(), said, equal, equal + broader, equal)


def test_what_was_shown_is_learned_with_its_direction() -> None:
    one = labelled()
    found = relations(LEFT, RIGHT, one.crossing, one.known, fit_heads([one], strength=100))
    said = dict(zip(PAIRS, found, strict=True))
    assert (said[0, 0].argmax(), said[1, 1].argmax()) == (2, 0)
    assert min(said[0, 0].max(), said[1, 1].max()) > 0.5
    assert max(said[pair].max() for pair in PAIRS if pair not in {(0, 0), (1, 1)}) < 0.5


def test_a_weight_counts_as_so_many_copies() -> None:
    one = labelled()
    twice, heavy = fit_heads([one, one]), fit_heads([replace(one, weight=2.0)])
    assert np.allclose(twice.equal.weights, heavy.equal.weights, atol=1e-2)
    assert np.allclose(twice.within.weights, heavy.within.weights, atol=1e-2)


def test_fitted_models_can_be_written_and_read() -> None:
    heads = fit_heads([labelled()])
    assert Heads.from_json(heads.to_json()).to_json() == heads.to_json()


def sure(said: list[float], right: list[float], at: float, weight: float = 1.0) -> float:
    """Return the probability of a link said with `at`, from links with what was said and what was right."""
    line = fit_calibration(np.array(said), np.array(right), np.full(len(said), weight))
    return float(line.probability(np.array([at]))[0])


def test_few_links_make_nothing_sure() -> None:
    assert sure([0.99] * 3, [1.0] * 3, 0.99) == pytest.approx(0.75, abs=0.01)
    assert sure([0.99] * 99, [1.0] * 99, 0.99) == pytest.approx(0.99, abs=0.01)
    assert sure([0.99] * 99, [1.0] * 99, 0.99, weight=0.03) < 0.76


def test_what_said_too_much_is_brought_down_and_what_said_too_little_up() -> None:
    said = [0.6] * 100 + [0.99] * 100
    right = [1.0] * 90 + [0.0] * 10 + [1.0] * 95 + [0.0] * 5
    assert sure(said, right, 0.6) == pytest.approx(0.89, abs=0.01)
    assert sure(said, right, 0.99) == pytest.approx(0.94, abs=0.01)


def test_a_link_counts_by_the_share_of_its_rows_that_stand_right() -> None:
    assert sure([0.9] * 99, [0.5] * 99, 0.9) == pytest.approx(0.5, abs=0.01)


@given(st.lists(st.tuples(st.floats(0.3, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_a_calibration_rises_and_is_never_certain(links: list[tuple[float, float]]) -> None:
    line = fit_calibration(*np.array(links).T, np.ones(len(links)))
    found = line.probability(np.linspace(0, 1, 101))
    assert (np.diff(found) >= 0).all()
    assert found[0] == 0
    assert found[-1] < 1


@pytest.mark.parametrize("near", [1 - 2**-53, 0.5, 0.9], ids=str)
@pytest.mark.parametrize("right", [0.0, 1.0])
def test_links_said_almost_alike_are_said_alike(near: float, right: float) -> None:
    line = fit_calibration(np.array([np.nextafter(near, 2), 0.4, near]), np.full(3, right), np.ones(3))
    found = line.probability(np.linspace(0, 1, 101))
    assert np.isfinite(found).all()
    assert found[-1] == pytest.approx(0.75 * right, abs=0.01)


def test_wrong_as_equal_is_right_for_the_side_that_lies_within() -> None:
    one = labelled()
    equal = replace(
        one, known=known(exact=np.full(9, 0.99), same=np.ones(9), names=np.ones(9), paths=np.ones(9))
    )
    narrower = replace(equal, narrower=np.ones(9), broader=np.zeros(9), equal=np.zeros(9))
    small = Side("left", tuple(replace(entry, count=20) for entry in LEFT))
    heads = fit_heads([one])
    assert Said.of(replace(equal, equal=np.ones(9)), heads).right.tolist() == [1.0] * 9
    assert Said.of(narrower, heads).right.tolist() == pytest.approx([0.5] * 9)
    assert Said.of(replace(narrower, left=small), heads).right.tolist() == pytest.approx([20 / 80] * 9)


def test_each_kind_of_link_is_calibrated_on_its_own() -> None:
    kinds = np.array(["named"] * 50 + ["renamed"] * 50)
    said = Said(np.full(100, 0.9), np.repeat([1.0, 0.0], 50), kinds, np.ones(100))
    found = fit_calibrations([said])
    assert set(found) == {"named", "renamed"}
    assert (
        found["named"].probability(np.array([0.9]))
        > 0.95
        > 0.05
        > found["renamed"].probability(np.array([0.9]))
    )
    assert set(fit_calibrations([said.of_kind(("named",))])) == {"named"}
