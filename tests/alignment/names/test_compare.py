"""Names in comparable form, and which languages two sides share."""

import numpy as np
import pytest

from mep3m.alignment.names.compare import bags, coverage, plain, segments, stem, terms, trees
from mep3m.alignment.records import Entry, Side


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("饮料/饮品", "饮料饮品"),
        ("Salt & Pepper Shakers", "salt pepper shaker"),
        ("LED 灯泡", "led 灯泡"),
        ("Ｆｕｌｌ　Width", "full width"),
        ("!!", ""),
    ],
)
def test_plain(name: str, expected: str) -> None:
    assert plain(name) == expected


def test_segments_are_the_names_that_a_name_joins() -> None:
    assert segments("糖果/巧克力") == ("糖果", "巧克力")
    assert segments("家居与园艺") == ("家居", "园艺")
    assert segments("Batteries and Chargers") == ("battery", "charger")
    assert segments("手机") == ("手机",)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("boxes", "box"), ("batteries", "battery"), ("glass", "glass"), ("bags", "bag"), ("gas", "gas")],
)
def test_stem(word: str, expected: str) -> None:
    assert stem(word) == expected


def test_terms() -> None:
    assert terms("手机 tv") == ("手", "机", "手机", "w:tv", "^tv", "tv$")


def side(*entries: tuple[tuple[str, ...], tuple[str, ...]]) -> Side:
    return Side("a", tuple(Entry(str(i), zh, en) for i, (zh, en) in enumerate(entries)))


def test_names_are_compared_in_the_languages_that_both_sides_have() -> None:
    both = side((("手机",), ("Phones",)))
    chinese, english = side((("手机",), ())), side((("Phones",), ()))
    assert [len(tree.names) for tree in trees(both, both)] == [2, 2]
    assert [tree.leaf(0) for tree in trees(both, english)] == ["phone", "phone"]
    assert [tree.leaf(0) for tree in trees(both, chinese)] == ["手机", "手机"]
    assert [tree.leaf(0) for tree in trees(chinese, english)] == ["手机", "phone"]


def test_a_tree_knows_parents_children_and_siblings() -> None:
    one = side((("A",), ()), (("A", "B"), ()), (("A", "C"), ()), (("D", "E"), ()))
    tree, _ = trees(one, one)
    assert tree.parent.tolist() == [-1, 0, 0, -1]
    assert tree.children == [[1, 2], [], [], []]
    assert tree.siblings[1] == tree.siblings[2] != tree.siblings[3]


def test_coverage_is_the_share_of_the_inner_text() -> None:
    bag = bags(["手机", ""], ["手机 壳"])
    rows, columns = np.array([0, 1]), np.array([0, 0])
    assert coverage(bag.left, bag.right, bag.idf, rows, columns)[0] == pytest.approx(1)
    assert np.isnan(coverage(bag.left, bag.right, bag.idf, rows, columns)[1])
    assert coverage(bag.right, bag.left, bag.idf, columns, rows)[0] < 1
    assert np.isnan(bag.cosine(rows, columns)[1])
    assert np.isnan(bags([""], [""]).cosine(rows[:1], columns[:1])[0])
