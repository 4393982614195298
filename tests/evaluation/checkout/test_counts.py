"""RPC's scores of counts, computed by hand."""

import math

import numpy as np
import pytest

from mep3m.evaluation.checkout.counts import (
    category_distance,
    category_iou,
    checkout_accuracy,
    count_scores,
    counting_distance,
)

#: three images of four products; nobody has the last one
TRUTH = np.array([[2, 1, 0, 0], [0, 3, 1, 0], [1, 0, 1, 0]])
#: the first image is right; on the second one is missed; on the third one is taken for another
COUNTED = np.array([[2, 1, 0, 0], [0, 2, 1, 0], [0, 1, 1, 0]])


def test_scores_by_hand() -> None:
    scores = count_scores(TRUTH, COUNTED)
    assert (scores.images, scores.instances) == (3, 9)
    assert scores.cAcc == pytest.approx(1 / 3)
    assert pytest.approx((0 + 1 + 2) / 3) == scores.ACD
    # errors an instance: product 0 has 1 of 3, product 1 has 1 + 1 of 4, product 2 none of 2
    assert scores.mCCD == pytest.approx((1 / 3 + 2 / 4 + 0) / 3)
    # shared over all: 2 of 3, 1 + 2 of 1 + 3 + 1, 2 of 2
    assert scores.mCIoU == pytest.approx((2 / 3 + 3 / 5 + 1) / 3)


def test_the_truth_alone_is_perfect() -> None:
    scores = count_scores(TRUTH, TRUTH)
    assert scores[2:] == (1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("change", [(0, 0, 1), (1, 1, -1), (2, 3, 1)])
def test_one_wrong_count_is_seen_by_every_score(change: tuple[int, int, int]) -> None:
    image, product, more = change
    counted = TRUTH.copy()
    counted[image, product] += more
    scores = count_scores(TRUTH, counted)
    assert scores.cAcc == pytest.approx(2 / 3)
    assert pytest.approx(1 / 3) == scores.ACD
    assert scores.mCIoU is not None
    assert scores.mCIoU < 1


def test_absent_products_are_no_nan() -> None:
    truth = np.array([[1, 0]])
    assert category_distance(truth, truth) == 0.0
    assert category_iou(truth, truth) == 1.0
    assert all(math.isfinite(value) for value in count_scores(truth, truth))


def test_a_product_that_was_only_counted_lowers_all_but_mccd() -> None:
    truth, counted = np.array([[1, 0]]), np.array([[1, 2]])
    assert checkout_accuracy(truth, counted) == 0.0
    assert counting_distance(truth, counted) == 2.0
    assert category_iou(truth, counted) == 0.5
    assert category_distance(truth, counted) == 0.0


def test_scores_of_nothing_are_none() -> None:
    nothing = np.zeros((0, 3), np.int64)
    assert count_scores(nothing, nothing) == (0, 0, None, None, None, None)
    empty = np.zeros((2, 3), np.int64)
    assert count_scores(empty, empty) == (2, 0, 1.0, 0.0, None, None)


def test_errors_of_opposite_sign_on_two_images_do_not_cancel() -> None:
    truth = np.array([[1, 1], [1, 1]])
    counted = np.array([[2, 1], [0, 1]])
    assert count_scores(truth, counted).ACD == 1.0
    assert category_distance(truth, counted) == pytest.approx((2 / 2 + 0) / 2)


@pytest.mark.parametrize(
    ("truth", "counted"),
    [
        (np.zeros((2, 3), np.int64), np.zeros((2, 4), np.int64)),
        (np.zeros((2, 3), np.int64), np.zeros((3, 3), np.int64)),
        (np.zeros(3, np.int64), np.zeros(3, np.int64)),
        (np.array([[-1]]), np.array([[1]])),
        (np.array([[1]]), np.array([[-1]])),
    ],
)
def test_counts_that_cannot_be_are_refused(truth: np.ndarray, counted: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"counts of|negative"):
        count_scores(truth, counted)
