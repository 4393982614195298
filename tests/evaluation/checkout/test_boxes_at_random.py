"""Average precision against a plain evaluation of COCO's rules, and what may not change it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.evaluation.checkout.boxes import Boxes, box_scores

IMAGES = np.arange(3)
#: an image, a product, and the left, top, width and height of a box
Row = tuple[int, int, tuple[int, ...]]
#: boxes on a coarse grid, so that they overlap, and equal boxes occur
places = st.tuples(*[st.sampled_from([0, 3, 6])] * 2, *[st.sampled_from([4, 6, 9])] * 2)
rows = st.tuples(st.integers(0, 2), st.integers(0, 1), places)


def boxes(given: Sequence[Row]) -> Boxes:
    """Return the boxes; those found first are the most certain, and no two are equally so."""
    scores = 1 - np.arange(len(given)) / 64
    return Boxes(
        np.array([image for image, _, _ in given], np.int64),
        np.array([product for _, product, _ in given], np.int64),
        np.array([place for _, _, place in given], np.float64).reshape(-1, 4),
        scores,
    )


def overlap(one: list[float], other: list[float]) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(across, 0) * max(down, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def precision_of(truth: Boxes, found: Boxes, product: int, least: float) -> float:
    """Return the average precision of one product: COCO's greedy matching, 101 recalls."""
    true = [(int(i), p.tolist()) for i, k, p, _ in zip(*truth, strict=True) if k == product]
    seen = [(int(i), p.tolist()) for i, k, p, _ in zip(*found, strict=True) if k == product]
    free, right = set(range(len(true))), []
    for image, place in seen:
        near = [(overlap(place, true[n][1]), n) for n in sorted(free) if true[n][0] == image]
        best, number = max(near, default=(0.0, -1))
        right.append(best >= least - 1e-10)
        free -= {number} if right[-1] else set()
    hits = np.cumsum(right) if right else np.zeros(0)
    recall, precision = hits / len(true), hits / np.arange(1, len(right) + 1)
    at = [precision[recall >= step / 100 - 1e-12].max(initial=0.0) for step in range(101)]
    return float(np.mean(at))


def plain(truth: Boxes, found: Boxes) -> tuple[float, float]:
    thresholds = np.linspace(0.5, 0.95, 10)
    kinds = sorted(set(truth.product.tolist()))
    table = [[precision_of(truth, found, kind, least) for kind in kinds] for least in thresholds]
    return float(np.mean(table[0])), float(np.mean(table))


@settings(max_examples=40)
@given(st.lists(rows, min_size=1, max_size=6), st.lists(rows, max_size=8))
def test_the_scores_are_those_of_a_plain_evaluation(truth: list[Row], found: list[Row]) -> None:
    known, seen = boxes(truth), boxes(found)
    assert tuple(box_scores(known, seen, IMAGES)) == pytest.approx(plain(known, seen), abs=1e-6)


@settings(max_examples=25)
@given(st.lists(rows, min_size=1, max_size=6), st.lists(rows, max_size=8), st.permutations(range(8)))
def test_the_order_of_the_boxes_and_the_size_of_scores_say_nothing(
    truth: list[Row],
    found: list[Row],
    order: list[int],
) -> None:
    known, seen = boxes(truth), boxes(found)
    mixed = [number for number in order if number < len(found)]
    other = Boxes(*(values[mixed] for values in seen._replace(score=seen.score / 1000)))
    assert box_scores(known, other, IMAGES) == pytest.approx(box_scores(known, seen, IMAGES))


@settings(max_examples=25)
@given(st.lists(rows, min_size=1, max_size=6), st.data())
def test_each_kind_of_error_in_a_perfect_answer_is_seen(truth: list[Row], data: st.DataObject) -> None:
    known = boxes(truth)
    assert box_scores(known, known, IMAGES) == pytest.approx((1.0, 1.0))
    number = data.draw(st.integers(0, len(truth) - 1))
    keep = np.arange(len(truth)) != number
    missed = box_scores(known, Boxes(*(values[keep] for values in known)), IMAGES)
    assert missed.mAP50 is not None
    assert missed.mAP50 < 1
    place = known.place.copy()
    place[number, 2] *= 0.7  # an overlap of .7 with its own: right at .50, wrong at .75
    small = box_scores(known, known._replace(place=place), IMAGES)
    assert small.mmAP is not None
    assert small.mmAP < 1
    far = known.place.copy()
    far[number] += 1000
    moved = box_scores(known, known._replace(place=far), IMAGES)
    assert moved.mAP50 is not None
    assert moved.mAP50 < 1


@pytest.mark.parametrize("wrong", [1, 2, 5])
def test_wrong_boxes_before_the_right_one_divide_its_precision(wrong: int) -> None:
    truth = boxes([(0, 0, (0, 0, 9, 9))])
    stray: list[Row] = [(0, 0, (90 + 20 * n, 90, 9, 9)) for n in range(wrong)]
    scores = box_scores(truth, boxes([*stray, (0, 0, (0, 0, 9, 9))]), IMAGES)
    assert scores.mAP50 == pytest.approx(1 / (wrong + 1))
    behind = box_scores(truth, boxes([(0, 0, (0, 0, 9, 9)), *stray]), IMAGES)
    assert behind.mAP50 == pytest.approx(1.0)
