"""The drafted first-level map: what joins, what stays alone, and that the file can be read again."""

import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.merging.first_level import read_first_level
from mep3m.alignment.merging.first_level_draft import draft_first_level, first_level_toml
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
    assert "# no link leads to another platform" in path.read_text(encoding="utf-8")


def test_classes_whose_names_make_one_id_keep_different_ids() -> None:
    shop = Side("a", tuple(Entry(name, (name, "x"), (name, "x")) for name in ("n:", "n;", "n:2")))
    drafted = draft_first_level([shop, side("b", "m>x")], [])
    assert sorted(one.category.id for one in drafted) == sorted({one.category.id for one in drafted})


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
