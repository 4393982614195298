"""The operating curve counts what assign files, and no threshold is chosen that files everything."""

import numpy as np
import pytest

from mep3m.evaluation.promises.estimate import LEAST, LOWEST, THRESHOLDS, filing_curve, least_threshold
from mep3m.label_tree.tree import LabelTree

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z")])


def curve_of(count: int, seed: int, labelled: str = "leaf") -> list[dict[str, object]]:
    from dataclasses import asdict

    draw = np.random.default_rng(seed)
    leaves = draw.dirichlet([0.3] * 3, count).astype(np.float32)
    truth = np.array([draw.choice(3, p=row / row.sum()) for row in leaves.astype(np.float64)])
    proba = np.zeros((count, len(TREE)), np.float32)
    proba[:, TREE.leaves] = leaves
    codes = TREE.encode([TREE.paths[TREE.leaves[one]][: 2 if labelled == "leaf" else 1] for one in truth])
    return [asdict(point) for point in filing_curve(TREE, proba, codes)]


def test_each_point_counts_what_is_filed_and_right() -> None:
    proba = np.zeros((4, len(TREE)), np.float32)
    chances = [0.95, 0.6, 0.6, 0.2]
    proba[np.arange(4), TREE.index(("a", "x"))] = chances
    codes = TREE.encode([("a", "x"), ("a", "x"), ("b", "z"), ("a",)])
    points = {point.threshold: (point.filed, point.right) for point in filing_curve(TREE, proba, codes)}
    assert points[0.0] == (4, 2)  # what goes on below the label counts as wrong
    assert points[0.5] == points[0.6] == (3, 2)
    assert points[0.9] == (1, 1)
    assert 0.99 not in points
    assert filing_curve(TREE, proba, np.full((4, 2), -1, np.int32)) == []


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("precision", [0.7, 0.9])
def test_the_least_threshold_is_as_precise_there_and_above(seed: int, precision: float) -> None:
    curve = curve_of(3000, seed)
    point = least_threshold(curve, precision)
    assert point is not None
    for other in curve:
        if other["threshold"] >= point["threshold"] and other["filed"] >= LEAST:  # type: ignore[operator]
            assert other["right"] / other["filed"] >= precision - 0.02  # type: ignore[operator]


def test_nothing_below_the_lowest_is_chosen_however_good_the_rows_were() -> None:
    perfect = [{"threshold": one, "filed": 1000, "right": 1000, "n": 1000} for one in THRESHOLDS]
    point = least_threshold(perfect, 0.9)
    assert point is not None
    assert point["threshold"] == LOWEST
    few = [one | {"filed": LEAST - 1, "right": LEAST - 1} for one in perfect]
    assert least_threshold(few, 0.5) is None
    assert least_threshold([one | {"filed": 40, "right": 40} for one in perfect], 0.999) is None
    assert least_threshold([], 0.5) is None
