"""The drafted first-level map: what joins, what stays alone, and that the file can be read again."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.merging.first_level import read_first_level
from mep3m.alignment.merging.first_level_draft import DraftClass, draft_first_level, first_level_toml
from mep3m.alignment.records import Entry, Proposal, Side


def side(name: str, *paths: str) -> Side:
    return Side(name, tuple(Entry(path, tuple(path.split(">"))) for path in paths))


def link(left: str, right: str, accept: bool = True, probability: float = 0.9) -> Proposal:
    return Proposal(left, right, "exact", probability, accept, left_source="a", right_source="b")


A = side("a", "服饰>T恤", "服饰>牛仔裤", "服饰>女鞋", "数码>手机", "图书>小说")
B = side("b", "男装>T恤", "男装>牛仔裤", "鞋靴>女鞋", "手机数码>手机", "手机数码>手机壳")
LINKS = [
    link("服饰>T恤", "男装>T恤"),
    link("服饰>牛仔裤", "男装>牛仔裤"),
    link("服饰>女鞋", "鞋靴>女鞋"),
    link("数码>手机", "手机数码>手机"),
    link("图书>小说", "手机数码>手机壳", accept=False),
]


def test_names_join_where_most_of_their_links_lead() -> None:
    drafted = draft_first_level([A, B], LINKS)
    assert [dict(one.members) for one in drafted] == [
        {"a": ("服饰",), "b": ("男装", "鞋靴")},
        {"a": ("数码",), "b": ("手机数码",)},
        {"a": ("图书",)},
    ]
    assert [one.category.name for one in drafted] == ["服饰", "手机数码", "图书"]


def test_one_unsure_link_joins_nothing() -> None:
    drafted = draft_first_level([A, B], [link("数码>手机", "手机数码>手机", probability=0.6)])
    assert all(len(one.members) == 1 for one in drafted)


def test_the_file_can_be_read_and_says_what_it_rests_on(tmp_path: Path) -> None:
    path = tmp_path / "first.toml"
    path.write_text(first_level_toml(draft_first_level([A, B], LINKS)), encoding="utf-8")
    read = read_first_level(path)
    assert read.class_of(("b", ("鞋靴", "女鞋"))) == read.class_of(("a", ("服饰", "T恤")))
    assert read.class_of(("a", ("图书", "小说"))) != read.class_of(("b", ("手机数码",)))
    assert "# 2.7 links join these" in path.read_text(encoding="utf-8")
    assert "# no link joins it to another platform" in path.read_text(encoding="utf-8")


def test_classes_whose_names_make_one_id_keep_different_ids() -> None:
    shop = Side("a", tuple(Entry(name, (name, "x"), (name, "x")) for name in ("n:", "n;", "n:2")))
    drafted = draft_first_level([shop, side("b", "m>x")], [])
    assert sorted(one.category.id for one in drafted) == sorted({one.category.id for one in drafted})


def members(drafted: list[DraftClass]) -> list[set[str]]:
    return [{f"{shop}:{name}" for shop, of in one.members.items() for name in of} for one in drafted]


@pytest.mark.parametrize("name", ["手机", "美妆", "Home & Garden", "Téléphones"])
def test_identical_names_join_first_whatever_the_links_say(name: str) -> None:
    """A flat shop's category has few links or none; its links lead into another class here."""
    shops = [side("a", name, "家电>电视"), side("b", f"{name}>x", f"{name}>y", "数码>手机壳")]
    drafted = draft_first_level(shops, [link(name, "数码>手机壳", probability=1.0)])
    assert {f"a:{name}", f"b:{name}"} <= next(of for of in members(drafted) if f"a:{name}" in of)
    alone = draft_first_level(shops, [])
    assert {f"a:{name}", f"b:{name}"} in members(alone)
    assert "# joined by the name alone" in first_level_toml(alone)


def test_a_chain_of_weak_links_joins_only_its_strongest_pair() -> None:
    """家电 - 健康 - 医药保健 were one class: each had most of its few links to the next."""
    a = side("a", *(f"家电>{n}" for n in range(20)))
    b = side("b", *(f"健康>{n}" for n in range(5)))
    c = side("c", *(f"医药保健>{n}" for n in range(16)))
    links = [
        Proposal("健康>0", "家电>0", "exact", 0.95, True, left_source="b", right_source="a"),
        Proposal("健康>1", "医药保健>1", "exact", 0.95, True, left_source="b", right_source="c"),
        Proposal("健康>2", "医药保健>2", "exact", 0.95, True, left_source="b", right_source="c"),
    ]
    assert {"b:健康", "c:医药保健"} in members(draft_first_level([a, b, c], links))
    assert {"a:家电"} in members(draft_first_level([a, b, c], links))


def test_one_link_among_many_categories_joins_nothing() -> None:
    a, b = (side(shop, *(f"{name}>{n}" for n in range(12))) for shop, name in (("a", "家电"), ("b", "健康")))
    drafted = draft_first_level([a, b], [link("家电>0", "健康>0", probability=1.0)])
    assert all(len(of) == 1 for of in members(drafted))


names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=6).map(
    lambda name: "n" + name.replace(">", "").strip()
)


@given(
    st.lists(names, min_size=1, max_size=5, unique=True), st.lists(names, min_size=1, max_size=5, unique=True)
)
def test_every_first_level_name_stands_in_exactly_one_class_whatever_it_is_called(
    left: list[str], right: list[str]
) -> None:
    sides = [
        Side(name, tuple(Entry(f"{of}/x", (of, "x"), (of, "x")) for of in some))
        for name, some in (("a", left), ("b", right))
    ]
    links = [link(f"{one}/x", f"{other}/x") for one, other in zip(left, right, strict=False)]
    drafted = draft_first_level(sides, links)
    placed = [(shop, name) for one in drafted for shop, of in one.members.items() for name in of]
    assert sorted(placed) == sorted([("a", of) for of in left] + [("b", of) for of in right])
    assert len({one.category.id for one in drafted}) == len(drafted)
    assert len(tomllib.loads(first_level_toml(drafted))["first_level"]) == len(drafted)
