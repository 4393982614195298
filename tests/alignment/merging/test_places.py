"""Where each category went: relation, probability and one sentence, for every category with rows."""

from dataclasses import replace
from pathlib import Path

import pytest

from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath
from mep3m.alignment.merging.impact import Counts, MergeResult
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, merge
from mep3m.alignment.merging.overlaps import overlapping
from mep3m.alignment.merging.places import (
    COLUMNS,
    CategoryPlace,
    largest_first,
    merged_places,
    own_places,
    recounted,
    write_places,
)
from mep3m.alignment.merging.policy import Waiting
from mep3m.alignment.review.decisions import Decision
from mep3m.alignment.table import read_rows
from mep3m.settings.align import MergeSettings
from mep3m.taxonomy import Category, Taxonomy
from tests.alignment.shops import FIRST, ROWS, link

TREE = Taxonomy((Category("1", "食品"), Category("11", "茶", parent="1")))

#: the first levels that the map of the tests names
SHOWN: dict[PlatformPath, int] = {
    ("a", ("家电",)): 1,
    ("a", ("手机",)): 2,
    ("b", ("电器",)): 1,
    ("b", ("数码",)): 3,
}


def counted(rows: dict[PlatformPath, int]) -> Counts:
    return Counts(rows, {node: {(): count} for node, count in rows.items()})


def places(
    *decisions: Decision,
    first_level: FirstLevelMap | None = None,
    waiting: tuple[Waiting, ...] = (),
    rows: dict[PlatformPath, int] = ROWS,
    depth: int = 3,
) -> dict[PlatformPath, CategoryPlace]:
    catalogue = Catalogue.of((), rows)
    merged = merge(catalogue, MergeInputs(decisions, first_level, None, MergeSettings(depth=depth)))
    made = merged_places(catalogue, counted(rows), MergeResult(merged, (), waiting, decisions))
    return {place.node: place for place in made}


def test_every_category_with_rows_has_one_place_and_the_largest_comes_first() -> None:
    made = places()
    assert set(made) == set(ROWS)
    assert [place.rows for place in made.values()] == sorted(ROWS.values(), reverse=True)
    assert sum(place.rows for place in made.values()) == sum(ROWS.values())


def test_a_link_of_a_person_names_the_person_and_has_no_probability() -> None:
    place = places(link("家电 > 电视", "电器 > 平板电视"))["a", ("家电", "电视")]
    assert (place.relation, place.to, place.probability) == ("exact", "b '电器 > 平板电视'", None)
    assert place.why == "is the same as b '电器 > 平板电视' (decided by li)"
    assert place.placed == ("电器", "平板电视")


def test_a_link_of_the_method_says_how_sure_it_is_and_what_speaks_for_it() -> None:
    words = "same name; parents 0.00; titles 0.50; left rows filed under right 0.75; pictures 0.40"
    made = places(
        link("家电 > 电视", "电器 > 平板电视", verdict="open", by_method=True, probability=0.93, words=words)
    )
    place = made["b", ("电器", "平板电视")]
    assert (place.relation, place.to, place.probability) == ("exact", "a '家电 > 电视'", 0.93)
    assert place.why == (
        "is the same as a '家电 > 电视' "
        "(the method, probability 0.93; same name; a rows filed under b 0.75; titles 0.50)"
    )


def test_a_narrower_link_is_seen_from_both_of_its_sides() -> None:
    made = places(link("手机 > 充电宝", "数码", relation="narrower", verdict="open", by_method=True))
    inner = made["a", ("手机", "充电宝")]
    assert (inner.relation, inner.to, inner.placed) == ("narrower", "b '数码'", ("数码", "充电宝"))
    assert inner.why.startswith("lies within b '数码' (the method, probability 0.90")
    outer = places(
        link("手机 > 充电宝", "数码 > 移动电源", relation="narrower", verdict="open", by_method=True)
    )["b", ("数码", "移动电源")]
    assert (outer.relation, outer.to, outer.probability) == ("broader", "a '手机 > 充电宝'", 0.9)
    assert outer.why.startswith("its own place: no link is sure enough; it contains a '手机 > 充电宝'")


def test_what_is_linked_to_nothing_is_kept_apart_and_names_what_waits() -> None:
    decision = link("图书 > 小说", "数码 > 手机", 12, verdict="open", probability=0.4)
    made = places(waiting=(Waiting(decision, "probability 0.40 is below 0.8", 8),))
    alone = made["a", ("家电", "空调")]
    assert (alone.relation, alone.to, alone.probability) == ("kept apart", "", None)
    assert alone.why == "its own place: no link is sure enough"
    for node in (("a", ("图书", "小说")), ("b", ("数码", "手机"))):
        assert "line 12 waits" in made[node].why
        assert "probability 0.40 is below 0.8" in made[node].why


def test_a_category_below_a_joined_one_says_so() -> None:
    place = places(link("家电", "电器"))["a", ("家电", "电视")]
    assert place.placed[0] == "电器"
    assert place.why.endswith("; above it, '家电' is the same as b '电器' (decided by li)")


def test_a_class_of_the_map_is_no_link() -> None:
    made = places(first_level=FIRST, rows=SHOWN | {("b", ("别的",)): 1})
    assert {place.relation for place in made.values()} == {"first level", "unmapped"}
    assert made["a", ("手机",)].why == "is part of '手机数码' by the first-level map"
    lost = made["b", ("别的",)]
    assert (lost.placed, lost.relation) == ((), "unmapped")
    assert "not in the first-level map" in lost.why


def test_one_name_in_the_same_place_needs_no_link() -> None:
    rows: dict[PlatformPath, int] = SHOWN | {
        ("a", ("家电", "大家电")): 2,
        ("a", ("家电", "大家电", "冰箱")): 1,
        ("b", ("电器", "大家电")): 3,
        ("b", ("电器", "大家电", "洗衣机")): 1,
    }
    place = places(first_level=FIRST, rows=rows)["a", ("家电", "大家电")]
    assert (place.relation, place.to) == ("same name", "b '电器 > 大家电'")
    assert "one name in the same place" in place.why


def test_what_lies_deeper_than_the_tree_says_that_it_has_the_label_above() -> None:
    place = places(depth=2)["b", ("电器", "空调", "挂机")]
    assert place.placed == ("电器", "空调")
    assert place.why.endswith("it has the label of the category above it")


def test_a_platform_alone_waits_for_nothing() -> None:
    rows: dict[PlatformPath, int] = {("a", ("食品", "茶")): 2}
    assert places(rows=rows)["a", ("食品", "茶")].why == "its own place: there is no other platform"


def test_without_a_merge_the_place_is_what_the_rows_say() -> None:
    counts = Counts(
        {("a", ("食品", "茶")): 3, ("a", ()): 2},
        {("a", ("食品", "茶")): {("1", "11"): 2, (): 1}, ("a", ()): {(): 2}},
    )
    tea, none = own_places(counts, TREE)
    assert (tea.placed, tea.relation, tea.rows) == (("食品", "茶"), "kept apart", 3)
    assert (none.relation, none.shown, none.why) == (
        "unmapped",
        "(no category)",
        "its rows have no category path",
    )


def test_rows_are_those_of_the_last_store() -> None:
    before = [CategoryPlace("a", ("食品", "茶"), ("食品", "茶"), "exact", "b '茶'", 0.9, 9, "why")]
    counts = Counts({("a", ("食品", "茶")): 4, ("a", ("新",)): 5}, {("a", ("新",)): {(): 5}})
    new, tea = recounted(before, counts, TREE)
    assert (new.path, new.rows, new.relation) == (("新",), 5, "unmapped")
    assert tea == replace(before[0], rows=4)


@pytest.mark.parametrize("probability", [None, 0.5])
def test_json_gives_the_place_back(probability: float | None) -> None:
    place = CategoryPlace("a", ("食品",), ("1", "2"), "exact", "b", probability, 3, "why", ("t",), ("i",))
    assert CategoryPlace.from_json(place.to_json()) == place


def test_the_table_has_one_line_a_category_whatever_is_in_the_titles(tmp_path: Path) -> None:
    rows = [
        CategoryPlace(
            "a", ("食品", "茶"), ("食品",), "exact", "b '茶'", 0.98765, 7, "a\twhy", ("绿\n茶", "红 || 茶")
        ),
        CategoryPlace("b", (), (), "unmapped", "", None, 9, "none"),
    ]
    file = tmp_path / "where.tsv"
    write_places(file, largest_first(rows))
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "platform\tpath\tplaced\trelation\tprobability\trows\twhy\tsamples"
    cells = [row for _, row in read_rows(file, COLUMNS)]
    assert [row["rows"] for row in cells] == ["9", "7"]
    assert (cells[0]["path"], cells[0]["placed"], cells[0]["probability"]) == ("(no category)", "", "")
    assert cells[1]["samples"] == "绿 茶 || 红 | 茶"
    assert (cells[1]["probability"], cells[1]["why"]) == ("0.9877", "a why")


def test_a_table_that_says_the_same_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "where.tsv"
    write_places(file, [])
    before = file.stat().st_mtime_ns
    write_places(file, [])
    assert file.stat().st_mtime_ns == before


def test_an_overlap_is_told_and_puts_the_category_nowhere() -> None:
    row = link("手机 > 充电宝", "数码 > 移动电源", relation="overlaps", verdict="open", probability=0.7)
    catalogue = Catalogue.of((), ROWS)
    merged = merge(catalogue, MergeInputs((row,), None, None, MergeSettings()))
    result = MergeResult(merged, overlaps=overlapping(catalogue, [row]))
    made = {place.node: place for place in merged_places(catalogue, counted(ROWS), result)}
    for node, other in (
        (("a", ("手机", "充电宝")), "b '数码 > 移动电源'"), (("b", ("数码", "移动电源")), "a '手机 > 充电宝'")
    ):  # fmt: skip
        assert made[node].relation == "kept apart"
        assert f"it overlaps {other} (the method, probability 0.70), which is never applied (line 10)" in (
            made[node].why
        )


def test_no_cell_of_the_table_is_a_formula(tmp_path: Path) -> None:
    place = CategoryPlace("=a", ("-b",), ("+c",), "kept apart", "", None, 3, "@why", ("=1+1",))
    write_places(tmp_path / "where.tsv", [place])
    cells = (tmp_path / "where.tsv").read_text(encoding="utf-8").split("\n")[1].split("\t")
    assert cells == ["'=a", "'-b", "'+c", "kept apart", "", "3", "'@why", "'=1+1"]
