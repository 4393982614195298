"""What is a kind of what, by names; and what is surely something else."""

import math

import pytest

from mep3m.stages.evidence.kinds import hierarchy, kinship, read_kinds


def akin(left: str, right: str) -> tuple[float, float, float]:
    """Return the kinship of two categories, each `name` or `parent>name`."""
    ours, theirs = ((*("", *of.split(">"))[-2:],)[::-1] for of in (left, right))
    return kinship((ours[0], ours[1]), (theirs[0], theirs[1]))


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("面霜", "护肤"),
        ("手机壳", "手机配件"),
        ("苹果手机壳", "手机配件"),
        ("花茶", "茶叶"),
        ("游戏本", "笔记本电脑"),
        ("男士衬衫", "男装"),
        ("男装>衬衫", "男装"),
        ("饼干/糖果", "休闲零食"),
        ("男士面霜", "男士护肤"),
        ("中性笔", "笔"),
        ("Facial masks", "Skin care"),
        ("Sofas", "家具"),
    ],
)
def test_a_kind_lies_within_its_class_and_not_the_other_way_round(inner: str, outer: str) -> None:
    assert akin(inner, outer) == (1, 0, 0)
    assert akin(outer, inner) == (0, 1, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("手机", "手机壳"),
        ("手机", "智能手表"),
        ("电视", "电视柜"),
        ("男士衬衫", "女装"),
        ("猫粮", "狗粮"),
        ("充电器", "充电宝"),
        ("中性笔", "钢笔"),
        ("Vitamins", "Ginseng"),
    ],
)
def test_two_known_things_that_nothing_joins_are_apart(one: str, other: str) -> None:
    assert akin(one, other)[2] == 1
    assert akin(one, other) == akin(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("茗茶", "茶叶"), ("洁面", "洗面奶"), ("男装>衬衫", "男士衬衫"), ("平板电视", "彩电")]
)
def test_two_names_of_one_thing_are_neither_apart_nor_within_each_other(one: str, other: str) -> None:
    assert akin(one, other) == (0, 0, 0)


def test_of_names_that_are_in_no_class_nothing_is_known() -> None:
    assert all(math.isnan(value) for value in akin("量子纠缠", "护肤"))
    assert all(math.isnan(value) for value in akin("", "护肤"))


def test_half_of_a_joined_name_may_be_a_kind() -> None:
    assert akin("面霜/冰箱", "护肤")[:2] == (0.5, 0)


def test_classes_are_read_with_other_names_sums_and_what_words_say() -> None:
    known = read_kinds("# words\n男装 = 男\n冷饮 饮料 : 汽水 男+果汁\n")
    assert {len(word) for word in known.above} == {1, 2}
    assert len(known.saying) == 1
    (soda,) = (word for word, of in known.above.items() if len(of) == 2 and len(word) == 1)
    assert len(list(known.upwards(soda))) == 2


def test_no_class_of_the_package_lies_within_itself() -> None:
    known = hierarchy()
    for word, above in known.above.items():
        assert word not in above
    assert len(known.above) > 800
