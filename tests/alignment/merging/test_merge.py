from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath
from mep3m.alignment.merging.merge import Catalogue, Merge, MergeInputs, find_problems, merge
from mep3m.errors import TaxonomyError
from mep3m.settings.align import MergeSettings
from mep3m.taxonomy import Category
from tests.alignment.shops import FIRST, ROWS, link, side

CATALOGUE = Catalogue.of([side("a"), side("b")], ROWS)
TV = link("家电 > 电视", "电器 > 平板电视", 8, name_zh="电视机", name_en="TV sets")
AIR = link("家电 > 空调", "电器 > 空调", 9, reviewer="wang")
PHONE = link("手机 > 手机", "数码 > 手机", 10)
POWER = link("手机 > 充电宝", "数码 > 移动电源", 11)


def review(*decisions: object, **values: object) -> MergeInputs:
    return MergeInputs(tuple(decisions), **{"first_level": FIRST, **values})  # type: ignore[arg-type]


def names(merged: Merge, source: str, *path: str) -> list[str]:
    return [merged.taxonomy[str(label.category)].name for label in merged.mapping[(source, path)]]


def test_the_tree_and_the_label_paths() -> None:
    merged = merge(CATALOGUE, review(TV, AIR, PHONE, POWER))
    assert [node.name_en for node in merged.taxonomy.at_level(1)] == ["Appliances", "Phones"]
    assert (
        names(merged, "a", "家电", "电视") == names(merged, "b", "电器", "平板电视") == ["家用电器", "电视机"]
    )
    assert [len(merged.taxonomy.at_level(level)) for level in (1, 2, 3)] == [2, 4, 2]


def test_the_third_level_exists_where_one_platform_is_finer() -> None:
    merged = merge(CATALOGUE, review(AIR))
    assert names(merged, "b", "电器", "空调", "挂机") == ["家用电器", "空调", "挂机"]
    assert names(merged, "a", "家电", "空调") == ["家用电器", "空调"]


def test_labels_say_who_decided() -> None:
    phone = replace(PHONE, verdict="open", by_method=True, probability=0.995)
    merged = merge(CATALOGUE, review(TV, phone, settings=MergeSettings(unreviewed="skip")))
    first, second = merged.mapping[("a", ("家电", "电视"))]
    assert (first.origin, first.by) == ("mapped", "first-level map")
    assert (second.origin, second.by, second.confidence) == ("reviewed", "li", None)
    own = merged.mapping[("b", ("数码", "手机"))][1]
    assert (own.origin, own.by) == ("mapped", "tree of b")


def test_what_only_the_method_accepted_is_applied_unless_it_is_to_be_skipped() -> None:
    method = replace(PHONE, verdict="open", by_method=True, probability=0.995, reviewer=None)
    asked = MergeSettings(unreviewed="accept", accept_above=0.99)
    merged = merge(CATALOGUE, review(method, settings=asked))
    label = merged.mapping[("a", ("手机", "手机"))][1]
    assert (label.origin, label.by, label.confidence) == ("mapped", "mep3m align", 0.995)
    assert len(merged.joined) == 1
    assert not merge(CATALOGUE, review(method, settings=MergeSettings(unreviewed="skip"))).joined
    assert not merge(CATALOGUE, review(replace(method, probability=0.98), settings=asked)).joined


def test_unmapped_categories_are_listed_with_the_reason() -> None:
    merged = merge(CATALOGUE, review(TV))
    assert set(merged.unmapped) == {("a", ("图书",)), ("a", ("图书", "小说"))}
    assert "first-level map" in merged.unmapped[("a", ("图书", "小说"))]
    assert ("a", ("图书", "小说")) not in merged.mapping


def test_an_accepted_link_places_what_the_map_leaves_out() -> None:
    novel = link("图书 > 小说", "数码 > 手机", relation="narrower")
    merged = merge(CATALOGUE, review(novel))
    assert names(merged, "a", "图书", "小说") == ["手机数码", "手机", "小说"]
    assert merged.mapping[("a", ("图书", "小说"))][1].origin == "reviewed"


def test_without_a_map_the_shops_own_first_levels_stay() -> None:
    merged = merge(CATALOGUE, MergeInputs((TV,)))
    assert not merged.unmapped
    assert len(merged.taxonomy.at_level(1)) == 5
    assert any("under different parents" in note for note in merged.notes)


def test_a_name_of_the_map_that_no_platform_has_is_told() -> None:
    wrong = FirstLevelMap(FIRST.classes, {**FIRST.entries, ("a", ("図書",)): "phones"})
    notes = merge(CATALOGUE, review(TV, first_level=wrong)).notes
    assert any("a has no category '図書'" in note and "图书" in note for note in notes)


@pytest.mark.parametrize(
    ("left", "right", "joined"),
    [
        ("手机 > 老人机", "手机 > 智能机", True),
        ("手机", "手机 > 智能机", True),
        ("手机 > 老人机", "手机", True),
        ("Home & Garden > Lamps", "Home and Garden", True),
        ("手机", "手机", False),
        ("手机 > 老人机", "数码 > 手机", False),
        ("手机 > 老人机", "手表", False),
    ],
)
def test_without_a_map_equal_first_levels_join_and_others_stay_apart(
    left: str, right: str, joined: bool
) -> None:
    """Two flat categories are for the proposals to join; a person's rejection counts."""
    ends = {"a": tuple(left.split(" > ")), "b": tuple(right.split(" > "))}
    catalogue = Catalogue.of([], dict.fromkeys(ends.items(), 3))
    merged = merge(catalogue, MergeInputs())
    roots = {merged.mapping[node][0].category for node in ends.items()}
    assert (len(roots) == 1) is joined
    if joined:
        refused = link(ends["a"][0], ends["b"][0], verdict="reject")
        assert len(merge(catalogue, MergeInputs((refused,))).taxonomy.at_level(1)) == 2


def test_a_first_level_category_can_be_a_second_level_one() -> None:
    same = link("手机", "数码 > 手机")
    merged = merge(CATALOGUE, review(same))
    assert names(merged, "a", "手机", "手机") == ["手机数码", "手机", "手机"]


def test_names_that_differ_and_nobody_chose_are_listed() -> None:
    merged = merge(CATALOGUE, review(TV, POWER, PHONE))
    assert [merged.taxonomy[i].name for i in merged.unnamed] == ["移动电源"]


def test_siblings_of_one_name_that_are_not_merged_are_noted() -> None:
    assert any("'手机'" in note for note in merge(CATALOGUE, review(TV)).notes)


def test_deeper_levels_than_asked_for_fold_into_the_last() -> None:
    merged = merge(CATALOGUE, review(AIR, settings=MergeSettings(depth=2)))
    assert names(merged, "b", "电器", "空调", "挂机") == ["家用电器", "空调"]
    assert len(merged.taxonomy.at_level(3)) == 0


def test_ids_stay_when_the_decisions_change() -> None:
    before = merge(CATALOGUE, review(TV, PHONE))
    after = merge(CATALOGUE, review(TV, POWER, previous=before.ids()))
    kept = ("a", ("家电", "电视"))
    assert after.mapping[kept][1].category == before.mapping[kept][1].category
    phones = {
        after.mapping[(s, p)][1].category for s, p in [("a", ("手机", "手机")), ("b", ("数码", "手机"))]
    }
    assert before.mapping[("a", ("手机", "手机"))][1].category in phones
    assert len(phones) == 2


def test_the_order_of_shops_and_rows_does_not_change_ids() -> None:
    one = merge(CATALOGUE, review(TV, AIR, PHONE))
    other = merge(Catalogue.of([side("b"), side("a")], ROWS), review(PHONE, AIR, TV))
    assert one.mapping == other.mapping
    assert one.taxonomy.version == other.taxonomy.version


PROBLEMS = [
    ("unknown", [link("家电 > 电视剧", "电器 > 平板电视")], "did you mean '家电 > 电视'"),
    ("unknown", [replace(TV, right=replace(TV.right, source="c"))], "unknown platform 'c'"),
    ("contradiction", [TV, replace(TV, verdict="reject", line=12)], "accepted and rejected"),
    ("contradiction", [TV, replace(TV, relation="broader", line=12)], "'exact' and as 'broader'"),
    ("contradiction", [replace(TV, right=TV.left)], "with itself"),
    ("join", [PHONE, link("手机 > 充电宝", "数码 > 手机", 12)], "a '手机 > 充电宝' and a '手机 > 手机'"),
    ("class", [link("家电 > 电视", "数码 > 手机", 12)], "first-level map"),
    ("cycle", [link("家电 > 电视", "电器 > 空调", 8, relation="narrower"), AIR,
               link("家电 > 空调", "电器 > 平板电视", 12, relation="narrower"), TV], "cycle"),
    ("parent", [replace(POWER, relation="narrower"),
                link("手机 > 充电宝", "数码 > 手机", 12, relation="narrower")], "do not lie in one line"),
    ("name", [AIR, *(replace(AIR, name_zh=name, line=12) for name in ("冷气", "冰"))], "two Chinese"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "decisions", "message"), PROBLEMS)
def test_contradictions_are_named_with_their_lines(kind: str, decisions: list[object], message: str) -> None:
    problems = find_problems(CATALOGUE, review(*decisions))
    assert kind in {problem.kind for problem in problems}
    text = "\n".join(str(problem) for problem in problems)
    assert message in text
    assert "line" in text
    with pytest.raises(TaxonomyError, match="nothing was applied"):
        merge(CATALOGUE, review(*decisions))


def test_a_rejected_pair_that_others_join_is_a_contradiction() -> None:
    rows = {**ROWS, ("c", ("电视",)): 1}
    catalogue = Catalogue.of([], rows)
    to_c = replace(TV, right=replace(TV.right, source="c", id="电视"), name_zh=None, name_en=None)
    c_to_b = replace(to_c, left=TV.right, right=to_c.right, line=12)
    problems = find_problems(catalogue, MergeInputs((to_c, c_to_b, replace(TV, verdict="reject", line=13))))
    assert [problem.lines for problem in problems] == [(8, 12, 13)]


def test_joins_within_a_platform_can_be_allowed() -> None:
    both = [PHONE, link("手机 > 充电宝", "数码 > 手机", 12)]
    merged = merge(CATALOGUE, review(*both, settings=MergeSettings(allow_joins=True)))
    assert merged.mapping[("a", ("手机", "充电宝"))] == merged.mapping[("b", ("数码", "手机"))]


def test_a_zero_that_a_spreadsheet_cut_is_found() -> None:
    shop = side("a")
    shop = replace(shop, entries=tuple(replace(e, id=f"00{i}") for i, e in enumerate(shop.entries)))
    problems = find_problems(Catalogue.of([shop, side("b")]), MergeInputs((link("1", "电器 > 空调"),)))
    assert "did you mean '001'? a spreadsheet" in problems[0].text


def test_the_map_may_split_a_first_level() -> None:
    first = FirstLevelMap(
        (*FIRST.classes, Category("x", "其他")), {**FIRST.entries, ("a", ("手机", "充电宝")): "x"}
    )
    merged = merge(CATALOGUE, review(PHONE, first_level=first))
    assert names(merged, "a", "手机", "充电宝") == ["其他", "充电宝"]
    assert names(merged, "a", "手机", "手机") == ["手机数码", "手机"]


def ids(merged: Merge, node: PlatformPath) -> list[str | None]:
    return [label.category for label in merged.mapping[node]]


nodes = st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("xyz"), min_size=1, max_size=3).map(tuple))


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[PlatformPath, int], list[tuple[PlatformPath, PlatformPath, str]]]:
    rows = draw(st.dictionaries(nodes, st.integers(0, 9), min_size=1, max_size=8))
    known = sorted({(s, p[:d]) for s, p in rows for d in range(1, len(p) + 1)})
    ends = st.sampled_from(known)
    relations = st.sampled_from(["exact", "exact", "narrower"])
    return rows, draw(st.lists(st.tuples(ends, ends, relations), max_size=5))


@given(case=cases(), joins=st.booleans())
def test_a_merge_is_a_partition_or_names_its_problems(
    case: tuple[dict[PlatformPath, int], list[tuple[PlatformPath, PlatformPath, str]]], joins: bool
) -> None:
    rows, drawn = case
    decisions = [
        replace(
            link("x", "y", line, relation=relation),
            left=replace(TV.left, source=left[0], id=" > ".join(left[1])),
            right=replace(TV.right, source=right[0], id=" > ".join(right[1])),
        )
        for line, (left, right, relation) in enumerate(drawn, start=2)
    ]
    catalogue = Catalogue.of([], rows)
    given_review = MergeInputs(tuple(decisions), settings=MergeSettings(allow_joins=joins))
    if problems := find_problems(catalogue, given_review):
        assert all(problem.lines for problem in problems)
        return
    merged = merge(catalogue, given_review)
    assert set(rows) <= set(merged.mapping)
    members = [node for group in merged.joined.values() for node in group]
    assert len(members) == len(set(members))
    for node, labels in merged.mapping.items():
        path = [category.id for category in merged.taxonomy.path(str(labels[-1].category))]
        assert [label.category for label in labels] == path
        assert len(labels) <= 3, node
    for decision in decisions:
        left, right = catalogue.ids[decision.left], catalogue.ids[decision.right]
        if decision.relation == "exact":
            assert ids(merged, left) == ids(merged, right)
    again = merge(catalogue, replace(given_review, previous=merged.ids()))
    assert again.mapping == merged.mapping
    assert again.taxonomy == merged.taxonomy


INNER: dict[PlatformPath, int] = {
    ("a", ("家电", "大家电", "电视")): 5,
    ("b", ("家电", "大家电", "平板电视")): 3,
    ("b", ("家电", "大家电", "冰箱")): 3,
}
BIG = {("a", ("家电",)): "appliances", ("b", ("家电",)): "appliances"}
TVS = link("家电 > 大家电 > 电视", "家电 > 大家电 > 平板电视", 8)


@pytest.mark.parametrize("first", [None, FirstLevelMap(FIRST.classes, BIG)])
def test_inner_categories_of_one_name_join_unless_somebody_says_no(first: FirstLevelMap | None) -> None:
    catalogue = Catalogue.of([], INNER)
    merged = merge(catalogue, MergeInputs((TVS,), first))
    big = ids(merged, ("b", ("家电", "大家电")))
    assert ids(merged, ("a", ("家电", "大家电"))) == big
    assert merged.mapping[("a", ("家电", "大家电"))][1].by == "same name"
    no = link("家电 > 大家电", "家电 > 大家电", 9, verdict="reject")
    for review_ in (
        MergeInputs((no,), first),
        MergeInputs((), first, settings=MergeSettings(join_inner=False)),
    ):
        apart = merge(catalogue, review_)
        assert ids(apart, ("a", ("家电", "大家电"))) != ids(apart, ("b", ("家电", "大家电")))


def test_a_level_that_the_map_names_too_is_flattened_away() -> None:
    first = FirstLevelMap(FIRST.classes, {**BIG, ("a", ("家电", "大家电")): "appliances"})
    merged = merge(Catalogue.of([], INNER), MergeInputs((), first))
    assert names(merged, "a", "家电", "大家电", "电视") == ["家用电器", "电视"]
    assert names(merged, "b", "家电", "大家电", "冰箱") == ["家用电器", "大家电", "冰箱"]


def test_levels_that_do_not_fit_are_noted() -> None:
    notes = merge(CATALOGUE, review(settings=MergeSettings(depth=2))).notes
    assert "2 categories lie below level 2" in notes[0]


def test_a_category_without_products_still_links_but_is_not_in_the_tree() -> None:
    rows = {node: count for node, count in ROWS.items() if node != ("b", ("电器", "平板电视"))}
    row = replace(TV, left_label=TV.left.id, right_label=TV.right.id)
    merged = merge(Catalogue.of([], rows), review(row))
    assert ids(merged, ("a", ("家电", "电视")))
    assert merged.joined == {}
    assert ("b", ("电器", "平板电视")) not in merged.mapping
    gone = {node: count for node, count in rows.items() if node != ("a", ("家电", "电视"))}
    assert "电视机" not in {category.name for category in merge(Catalogue.of([], gone), review(row)).taxonomy}
    typo = replace(row, left=replace(row.left, id="家电 > 电视剧"))
    assert [p.kind for p in find_problems(Catalogue.of([], rows), review(typo))] == ["unknown"]
    listed = Catalogue.of([replace(side("b"), entries=side("b").entries[1:]), side("a")], rows)
    assert [p.kind for p in find_problems(listed, review(row))] == ["unknown"]
