"""Scores of counts against their definitions in plain loops, and what no counts may change in them."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mep3m.arrays import Ints
from mep3m.evaluation.checkout.counts import CountScores, count_scores


@st.composite
def counted(draw: st.DrawFn) -> tuple[Ints, Ints]:
    """Return true and counted numbers of up to four products on up to five images."""
    images, products = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rows = st.lists(st.lists(st.integers(0, 3), min_size=products, max_size=products),
                    min_size=images, max_size=images)  # fmt: skip
    return np.array(draw(rows), np.int64), np.array(draw(rows), np.int64)


def by_hand(truth: Ints, found: Ints) -> list[float | None]:
    """Return cAcc, ACD, mCCD and mCIoU with whole numbers alone, image by image, product by product."""
    true, seen = truth.tolist(), found.tolist()
    images = range(len(true))
    errors = [sum(abs(a - b) for a, b in zip(true[i], seen[i], strict=True)) for i in images]
    distances, overlaps = [], []
    for product in range(len(true[0])):
        pairs = [(true[i][product], seen[i][product]) for i in images]
        if there := sum(a for a, _ in pairs):
            distances.append(Fraction(sum(abs(a - b) for a, b in pairs), there))
        if most := sum(max(pair) for pair in pairs):
            overlaps.append(Fraction(sum(min(pair) for pair in pairs), most))
    exact = Fraction(sum(1 for one in errors if not one), len(true))
    means = [sum(values) / len(values) if values else None for values in (distances, overlaps)]
    each = [exact, Fraction(sum(errors), len(true)), *means]
    return [None if value is None else float(value) for value in each]


def same(scores: CountScores, expected: list[float | None]) -> bool:
    pairs = zip(scores[2:], expected, strict=True)
    return all(a is b is None or a == pytest.approx(b) for a, b in pairs)


@given(counted())
def test_scores_are_what_their_definitions_say(given: tuple[Ints, Ints]) -> None:
    truth, found = given
    scores = count_scores(truth, found)
    assert same(scores, by_hand(truth, found))
    assert (scores.images, scores.instances) == (len(truth), sum(map(sum, truth.tolist())))


@given(counted(), st.integers(0, 999))
def test_the_order_of_images_and_products_says_nothing(given: tuple[Ints, Ints], seed: int) -> None:
    truth, found = given
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(truth.shape[0]), rng.permutation(truth.shape[1])
    mixed = count_scores(truth[rows][:, columns], found[rows][:, columns])
    assert same(mixed, list(count_scores(truth, found)[2:]))


@given(counted())
def test_a_product_that_nobody_has_and_nobody_counted_changes_nothing(given: tuple[Ints, Ints]) -> None:
    truth, found = (np.pad(counts, ((0, 0), (0, 1))) for counts in given)
    assert count_scores(truth, found) == count_scores(*given)


@given(counted())
def test_only_the_truth_has_the_best_scores_and_bounds_hold(given: tuple[Ints, Ints]) -> None:
    truth, found = given
    scores = count_scores(truth, found)
    right = bool((truth == found).all())
    assert (scores.cAcc == 1.0) is right
    assert (scores.ACD == 0.0) is right
    assert scores.mCIoU is None or (scores.mCIoU == 1.0) is right
    assert scores.mCIoU is None or 0 <= scores.mCIoU <= 1
    assert scores.mCCD is None or scores.mCCD >= 0


@given(counted(), st.data())
def test_mending_one_count_never_makes_a_score_worse(given: tuple[Ints, Ints], data: st.DataObject) -> None:
    truth, found = given
    wrong = np.argwhere(truth != found)
    assume(len(wrong))
    image, product = wrong[data.draw(st.integers(0, len(wrong) - 1))]
    mended = found.copy()
    mended[image, product] += np.sign(truth[image, product] - found[image, product])
    before, after = count_scores(truth, found), count_scores(truth, mended)
    assert before.cAcc is not None
    assert after.cAcc is not None
    assert after.cAcc >= before.cAcc
    assert before.ACD is not None
    assert pytest.approx(before.ACD - 1 / len(truth)) == after.ACD
    if before.mCCD is not None:
        assert after.mCCD is not None
        assert after.mCCD <= before.mCCD
    # a product that was only counted, and no longer is, leaves the mean of mCIoU: it was worth 0 there
    if before.mCIoU is not None and after.mCIoU is not None:
        assert after.mCIoU >= before.mCIoU - 1e-12
