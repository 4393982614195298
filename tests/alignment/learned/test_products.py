"""What products say about two categories, on shops so small that every number can be counted."""

import numpy as np
import pytest
from scipy import sparse

from mep3m.alignment.learned import titles as module
from mep3m.alignment.learned.products import FEATURES, HALF_TRUSTED, Products, _beyond_chance, largest
from mep3m.alignment.records import Entry, Side
from mep3m.settings.align import EvidenceSettings


def side(name: str, **titles: tuple[str, ...]) -> Side:
    return Side(name, tuple(Entry(key, (key,), titles=of, count=len(of)) for key, of in titles.items()))


TEA = ("龙井 绿茶 250g", "碧螺春 绿茶 100g", "祁门 红茶 罐装", "正山小种 红茶 袋装")
PHONE = ("华为 手机 全网通", "小米 手机 双卡", "苹果 手机 128G")
LEFT = side("a", tea=TEA, phone=PHONE)
RIGHT = side("b", green=TEA[:2], drinks=("柠檬 汽水 500ml", "雪碧 汽水 2L", *TEA), mobile=PHONE[:2])


def features(left: Side, right: Side, pairs: list[tuple[int, int]]) -> dict[str, np.ndarray]:
    rows, columns = np.array(pairs).T
    return Products(left, right, EvidenceSettings()).features(rows, columns)


def test_a_narrower_category_lies_within_the_broader_and_not_the_other_way() -> None:
    found = features(LEFT, RIGHT, [(0, 1), (0, 0)])
    trusted = np.array([4, 2]) / (np.array([4, 2]) + HALF_TRUSTED)
    within, back = found["near_l"] / trusted, found["near_r"] / trusted
    assert within[0] == pytest.approx(1)
    assert back[0] < 1
    assert within[1] < 1
    assert back[1] == pytest.approx(1)
    assert (found["reach_l"] / trusted)[0] == pytest.approx(1)


def test_the_same_title_in_both_shops_is_one_product_sold_twice() -> None:
    found = features(LEFT, RIGHT, [(0, 0), (0, 1), (1, 2), (1, 0)])
    assert np.expm1(found["sold"]).round().tolist() == [2, 4, 2, 0]
    assert found["sold_l"].tolist() == pytest.approx([2 / 4, 4 / 4, 2 / 3, 0])
    assert found["sold_r"].tolist() == pytest.approx([2 / 2, 4 / 6, 2 / 2, 0])


def test_home_tells_a_shop_whose_goods_the_other_does_not_sell() -> None:
    found = features(LEFT, side("b", green=TEA, cars=("轮胎 17寸",)), [(0, 0), (1, 0)])
    assert found["home_l"][0] > 1 > found["home_l"][1]
    assert np.expm1(found["stock_l"]).round().tolist() == [4, 3]


def test_turning_the_sides_around_swaps_left_and_right() -> None:
    pairs = [(i, j) for i in range(2) for j in range(3)]
    there = features(LEFT, RIGHT, pairs)
    back = features(RIGHT, LEFT, [(j, i) for i, j in pairs])
    for name in FEATURES:
        twin = {"_l": "_r", "_r": "_l"}.get(name[-2:])
        assert there[name].tolist() == pytest.approx(
            back[name[:-2] + twin if twin else name].tolist(), nan_ok=True
        ), name


def test_the_order_of_categories_and_titles_changes_nothing() -> None:
    turned = Side(
        "a", tuple(Entry(e.id, e.path, titles=e.titles[::-1], count=e.count) for e in reversed(LEFT.entries))
    )
    there, again = features(LEFT, RIGHT, [(0, 1), (1, 2)]), features(turned, RIGHT, [(1, 1), (0, 2)])
    for name in FEATURES:
        assert there[name].tolist() == again[name].tolist() or np.isnan(there[name]).all(), name


def test_without_titles_on_a_side_products_say_nothing() -> None:
    found = features(LEFT, side("b", green=(), mobile=()), [(0, 0), (1, 1)])
    for name in FEATURES:
        assert name == "size" or np.isnan(found[name]).all(), name


def test_titles_without_any_word_break_nothing() -> None:
    found = features(side("a", x=("!!!", "…")), side("b", y=("???",)), [(0, 0)])
    assert np.isnan(found["near_l"]).all(), "the other shop has one category: all lies nearest to it"
    assert found["sold"].tolist() == [0]


def test_of_too_many_titles_every_category_keeps_as_many_as_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEIGHBOURLY", 12)
    many = side("a", small=TEA[:2], large=tuple(f"手机 {n}" for n in range(40)))
    found = Products(many, RIGHT, EvidenceSettings()).features(np.array([0, 1]), np.array([0, 2]))
    assert np.expm1(found["stock_l"]).round().tolist()[0] == 2
    assert 8 <= np.expm1(found["stock_l"])[1] <= 10
    assert found["near_l"][1] > 0


def test_to_a_shop_that_sells_one_kind_of_thing_everything_lies_nearest() -> None:
    found = features(LEFT, side("b", mobile=PHONE), [(0, 0), (1, 0)])
    for name in ("votes_l", "near_l", "reach_l"):
        assert np.isnan(found[name]).all(), name
    assert found["near_r"][1] > found["near_r"][0], "its own titles still choose among two categories"


def test_what_chance_gives_does_not_count() -> None:
    table = sparse.csr_matrix(np.array([[0.5, 0.5], [0.9, 0.1]], np.float32))
    rows, columns = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    even = _beyond_chance(table, rows, columns, np.array([10.0, 10.0]))
    assert even.tolist() == pytest.approx([0, 0, 0.8, 0])
    uneven = _beyond_chance(table, rows, columns, np.array([1.0, 3.0]))
    assert uneven.tolist() == pytest.approx([1 / 3, 0, 0.65 / 0.75, 0])


def test_in_a_crowd_the_average_says_what_chance_gives() -> None:
    share = np.full((5, 4), 0.1, np.float32)
    share[:, 0] = 0.7
    share[4] = [0.1, 0.1, 0.1, 0.7]
    found = _beyond_chance(
        sparse.csr_matrix(share), np.array([0, 4]), np.array([0, 3]), np.array([1.0, 1, 1, 1])
    )
    assert found[0] == pytest.approx((0.7 - 0.58) / 0.42, abs=1e-5)
    assert found[1] == pytest.approx((0.7 - 0.25) / 0.75, abs=1e-5)


def everywhere(name: str, count: int) -> Side:
    """Return a shop whose categories all sell the same and something of their own."""
    return side(name, **{f"{name}{n}": (*TEA, f"{TEA[n % 4]} 礼盒 {n}") for n in range(count)})


@pytest.mark.parametrize("most", [1, 3, 10])
def test_titles_sold_everywhere_suggest_no_more_than_are_asked_for(most: int) -> None:
    left, right = everywhere("a", 12), everywhere("b", 30)
    products = Products(left, right, EvidenceSettings())
    orders = np.zeros(12, np.float32), np.zeros(30, np.float32)
    of_left, of_left_too = (products.candidates(most, orders)[place] for place in (0, 2))
    of_right, of_right_too = (products.candidates(most, orders)[place] for place in (1, 3))
    for suggested, count in ((of_left, 12), (of_left_too, 12)):
        assert np.bincount(suggested[0], minlength=count).max() <= most
    for suggested, count in ((of_right, 30), (of_right_too, 30)):
        assert np.bincount(suggested[1], minlength=count).max() <= most


def test_the_largest_cells_of_each_row_and_none_that_is_zero() -> None:
    table = sparse.csr_matrix(np.array([[0.1, 0.0, 0.5, 0.3], [0, 0, 0, 0], [0, 0.2, 0, 0]], np.float32))
    table.data[table.data == np.float32(0.3)] = 0  # written down, and zero all the same
    assert largest(table, 2, np.zeros(4, np.float32)).T.tolist() == [[0, 2], [0, 0], [2, 1]]
    assert largest(table, 1, np.zeros(4, np.float32)).T.tolist() == [[0, 2], [2, 1]]
    assert largest(sparse.csr_matrix((2, 3), dtype=np.float32), 2, np.zeros(3, np.float32)).shape == (2, 0)


def test_equal_shares_are_told_apart_by_the_order_and_not_by_their_place() -> None:
    equal, tiny = sparse.csr_matrix(np.full((1, 4), 0.5, np.float32)), np.float32(1e-6)
    order = np.array([0, 2, 1, 3], np.float32) * tiny
    assert {*largest(equal, 2, order)[1].tolist()} == {1, 3}
    turned = largest(equal, 2, order[::-1])[1]
    assert {3 - column for column in turned.tolist()} == {1, 3}
