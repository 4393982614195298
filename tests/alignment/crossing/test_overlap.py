"""Two categories that share one kind of product, and have others of their own, overlap."""

from itertools import combinations

import numpy as np
import pytest

from mep3m.alignment.crossing.overlap import overlapping
from mep3m.alignment.propose import propose
from mep3m.settings.align import AlignSettings
from tests.alignment.crossing.shelves import platform


def features(left: float, right: float) -> dict[str, np.ndarray]:
    return {"filed_l": np.array([left, np.nan]), "filed_r": np.array([right, np.nan])}


@pytest.mark.parametrize(
    ("left", "right", "linked", "expected"),
    [(0.2, 0.1, 0.1, True), (0.1, 0.2, 0.1, True), (0.2, 0.01, 0.1, False), (0.1, 0.1, 0.1, False),
     (0.6, 0.5, 0.6, False)],
)  # fmt: skip
def test_both_have_rows_filed_under_the_other_and_neither_is_linked(
    left: float, right: float, linked: float, expected: bool
) -> None:
    found = overlapping(features(left, right), np.array([linked, 0.0]))
    assert found.tolist() == [expected, False]  # of the second pair nothing is known


def test_nothing_overlaps_where_no_products_were_filed() -> None:
    assert not overlapping({}, np.zeros(3)).any()


def test_an_overlap_is_proposed_beside_the_links_and_never_accepted() -> None:
    left = platform("a", {"甲柜 > 杂货": "小米+茶", "乙柜 > 电视": "电视"}, count=60)
    right = platform("b", {"一层 > 综合": "茶+空调", "二层 > 电视": "电视"}, count=60, seed=2)
    found = propose([left, right], AlignSettings())
    mixed = [one for one in found if (one.left_id, one.right_id) == ("甲柜 > 杂货", "一层 > 综合")]
    assert [(one.relation, one.accept) for one in mixed] == [("overlaps", False)]
    assert max(mixed[0].evidence["filed_l"], mixed[0].evidence["filed_r"]) >= 0.15
    assert all(one.relation != "overlaps" for one in found if one.accept)
    turned = propose([right, left], AlignSettings())
    assert ("一层 > 综合", "甲柜 > 杂货") in {
        (one.left_id, one.right_id) for one in turned if one.relation == "overlaps"
    }


def test_no_pair_is_both_linked_and_an_overlap() -> None:
    left = platform("a", {"x > 小米": "小米", "x > 茶": "小米+茶", "y > 电视": "电视+空调"}, count=60)
    right = platform("b", {"p > 小米": "小米+茶", "q > 茶": "茶", "r > 家电": "电视+茶"}, count=60, seed=3)
    pairs = [(one.left_id, one.right_id) for one in propose([left, right], AlignSettings())]
    assert not any(one == other for one, other in combinations(pairs, 2))
