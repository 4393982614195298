"""What filing one platform on another says: shares with direction, and home."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.crossing.tables import Crossing, Crossings, Filing, ancestors
from mep3m.alignment.records import Side
from tests.alignment.crossing.shelves import WORDS, platform

COARSE = platform("coarse", {"家电": "电视+空调+lamps", "食品": "茶+小米"}, count=60)
FINE = platform("fine", {"平板电视": "电视", "茶叶": "茶", "鞋": "shoes"}, seed=2)


def between(left: Side, right: Side) -> Crossing:
    crossing = Crossings((left, right)).between(left, right)
    assert crossing is not None
    return crossing


def cell(filing: Filing, own: Side, other: Side, pair: tuple[str, str]) -> float:
    ids = [entry.id for entry in own], [entry.id for entry in other]
    return float(filing.share[ids[0].index(pair[0]), ids[1].index(pair[1])])


def test_a_fine_category_files_under_the_coarse_one_and_not_back() -> None:
    crossing = between(FINE, COARSE)
    assert cell(crossing.there, FINE, COARSE, ("平板电视", "家电")) > 0.6
    assert cell(crossing.back, COARSE, FINE, ("家电", "平板电视")) < 0.5
    assert cell(crossing.there, FINE, COARSE, ("平板电视", "食品")) < 0.05
    turned = between(COARSE, FINE)
    assert np.allclose(turned.back.share.toarray(), crossing.there.share.toarray())


def test_what_the_other_platform_lacks_has_no_home_there() -> None:
    crossing = between(FINE, COARSE)
    shoes = [entry.id for entry in FINE].index("鞋")
    assert crossing.there.home[shoes] < 0.05
    assert crossing.there.share[shoes].sum() < 0.05


def test_the_wrong_nearest_does_not_take_everything() -> None:
    """Sixteen health categories were once the nearest of everything that a shop sold."""
    shop = platform("shop", {"家电": "电视+空调", "鞋": "shoes", "книги": "книги", "حقائب": "حقائب"})
    health = platform("health", {"养生茶饮": "茶", "米": "小米"}, seed=2)
    crossing = between(shop, health)
    assert crossing.there.home.max() < 0.05
    assert crossing.there.share.max() < 0.05


def test_identical_platforms_file_each_category_on_itself() -> None:
    kinds = {kind: kind for kind in WORDS}
    one, two = platform("one", kinds), platform("two", kinds)
    crossing = between(one, two)
    assert crossing.there.home.min() > 0.95
    assert np.allclose(crossing.there.share.toarray(), np.eye(len(one)), atol=0.05)
    assert np.allclose(crossing.there.share.toarray(), crossing.back.share.toarray())


def test_an_inner_category_counts_the_titles_of_what_lies_below_it() -> None:
    tree = platform("tree", {"a": "", "a > 电视": "电视", "a > 茶": "茶", "b": "小米"}, seed=2)
    crossing = between(tree, COARSE)
    assert crossing.there.titles.tolist() == [60, 30, 30, 30]
    both = [cell(crossing.there, tree, COARSE, (path, "家电")) for path in ("a", "a > 电视", "a > 茶")]
    assert both[0] == pytest.approx((both[1] + both[2]) / 2)
    assert both[1] > 0.6
    back = [cell(crossing.back, COARSE, tree, ("家电", below)) for below in ("a", "a > 电视", "a > 茶")]
    assert back[0] == pytest.approx(back[1] + back[2])


def test_a_platform_without_titles_has_no_crossing() -> None:
    for kinds, count in (({"茶": ""}, 30), ({"茶": "茶"}, 1), ({}, 30)):
        bare = platform("bare", kinds, count=count)
        assert Crossings((bare, FINE)).between(bare, FINE) is None
        assert Crossings((bare, FINE)).between(FINE, bare) is None


def test_a_category_without_titles_has_a_row_of_nothing() -> None:
    some = platform("some", {"茶": "茶", "空": ""}, seed=2)
    filing = between(some, COARSE).there
    assert (filing.titles[1], filing.home[1], filing.share[1].sum()) == (0, 0, 0)


def test_the_ancestors_of_a_side() -> None:
    side = platform("a", {"x": "", "x > y": "", "x > y > z": "", "xy": ""})
    assert ancestors(side).toarray().tolist() == [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert ancestors(Side("none", ())).shape == (0, 0)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_order_of_categories_changes_nothing(seed: int) -> None:
    entries = list(COARSE.entries)
    random.Random(seed).shuffle(entries)
    other = Side("coarse", tuple(entries))
    one, two = between(FINE, COARSE), between(FINE, other)
    for own in FINE:
        for theirs in COARSE:
            pair = (own.id, theirs.id)
            assert cell(one.there, FINE, COARSE, pair) == pytest.approx(cell(two.there, FINE, other, pair))
            assert cell(one.back, COARSE, FINE, pair[::-1]) == pytest.approx(
                cell(two.back, other, FINE, pair[::-1])
            )
