"""Average precision of boxes, by hand where that can be done, and what pycocotools leaves undefined."""

from typing import Any

import numpy as np
import pytest

from mep3m.evaluation.checkout.boxes import Boxes, box_scores

IMAGES = np.array([0, 1])
#: product 3 and 5 on the first image, 3 again on the second
TRUTH = Boxes(
    np.array([0, 0, 1]),
    np.array([3, 5, 3]),
    np.array([[0, 0, 10, 10], [20, 20, 10, 10], [5, 5, 20, 20]], np.float64),
    np.ones(3),
)


def changed(**fields: Any) -> Boxes:
    return TRUTH._replace(**fields)


def only(keep: list[int]) -> Boxes:
    return Boxes(*(values[keep] for values in TRUTH))


def test_the_truth_alone_is_perfect() -> None:
    assert box_scores(TRUTH, TRUTH, IMAGES) == pytest.approx((1.0, 1.0))


def test_half_of_a_product_found_is_half_of_its_precision() -> None:
    # product 3: recall .5 at precision 1, so 51 of 101 recalls have precision 1; product 5: none
    scores = box_scores(TRUTH, only([0]), IMAGES)
    assert scores.mAP50 == pytest.approx((51 / 101 + 0) / 2, abs=1e-6)
    assert scores.mmAP == scores.mAP50


def test_a_box_that_is_too_small_counts_up_to_its_overlap() -> None:
    # product 5 overlaps by .6: right at .50, .55 and .60, wrong at the seven thresholds above
    place = TRUTH.place.copy()
    place[1] = [20, 20, 10, 6]
    scores = box_scores(TRUTH, changed(place=place), IMAGES)
    assert scores.mAP50 == pytest.approx(1.0)
    assert scores.mmAP == pytest.approx((1.0 + 0.3) / 2)


def test_products_taken_for_each_other_are_worth_nothing() -> None:
    swapped = changed(product=np.array([5, 3, 5]))
    assert box_scores(TRUTH, swapped, IMAGES) == (0.0, 0.0)


def test_a_wrong_box_of_more_certainty_lowers_the_precision() -> None:
    found = Boxes(
        np.array([0, 0]),
        np.array([5, 5]),
        np.array([[70, 70, 5, 5], [20, 20, 10, 10]], np.float64),
        np.array([0.9, 0.8]),
    )
    alone = only([1])
    assert box_scores(alone, found, IMAGES).mAP50 == pytest.approx(0.5)
    assert box_scores(alone, found._replace(score=np.array([0.8, 0.9])), IMAGES).mAP50 == pytest.approx(1.0)


def test_nothing_found_is_zero_and_nothing_to_find_is_none() -> None:
    assert box_scores(TRUTH, only([]), IMAGES) == (0.0, 0.0)
    assert box_scores(only([]), TRUTH, IMAGES) == (None, None)


def test_products_that_are_on_no_image_do_not_count() -> None:
    extra = Boxes(*(np.concatenate([values, values[:1]]) for values in TRUTH))
    extra.product[-1] = 9
    assert box_scores(TRUTH, extra, IMAGES) == pytest.approx((1.0, 1.0))


def test_other_images_are_not_looked_at() -> None:
    wrong_elsewhere = changed(product=np.array([3, 5, 8]))
    assert box_scores(TRUTH, wrong_elsewhere, np.array([0])) == pytest.approx((1.0, 1.0))


def test_boxes_of_some_images() -> None:
    assert TRUTH.on(np.array([1])).product.tolist() == [3]
    assert TRUTH.on(np.array([], np.int64)).place.shape == (0, 4)


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    box_scores(TRUTH, TRUTH, IMAGES)
    assert capsys.readouterr().out == ""
