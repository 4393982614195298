"""Rows in a right place, and joinable rows joined, counted by hand on small merges."""

from pathlib import Path

import pytest

from mep3m.alignment.gold import Gold, gold_of_rows
from mep3m.alignment.merging.first_level import FirstLevelMap, PlatformPath
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, merge
from mep3m.alignment.review.decisions import Decision, Ref
from mep3m.alignment.row_score import RowScores, score_rows
from mep3m.alignment.truth import allowed, containers, gold_containers
from mep3m.errors import FormatError
from mep3m.settings.align import MergeSettings
from mep3m.taxonomy import Category

ROWS: dict[PlatformPath, int] = {
    ("a", ("家电", "电视")): 10,
    ("a", ("家电", "空调")): 4,
    ("b", ("平板电视",)): 6,
    ("b", ("茶",)): 5,
    ("c", ("电器",)): 3,
}
GOLD = gold_of_rows(
    enumerate(
        [
            {"left_platform": left[0], "left_id": left[1], "right_platform": right[0], "right_id": right[1],
             "relation": relation}
            for left, relation, right in [
                (("a", "家电 > 电视"), "exact", ("b", "平板电视")),
                (("c", "电器"), "broader", ("a", "家电")),
                (("b", "茶"), "overlaps", ("c", "电器")),
            ]
        ],
        start=2,
    ),
    "gold",
)  # fmt: skip


def link(left: str, relation: str, right: str) -> Decision:
    ends = [Ref(*end.split(": ")) for end in (left, right)]
    return Decision(*ends, relation, "accept", 8, left_label=ends[0].id, right_label=ends[1].id)  # type: ignore[arg-type]


def scored(*links: Decision, first_level: FirstLevelMap | None = None, depth: int = 3) -> RowScores:
    catalogue = Catalogue.of([], ROWS)
    merged = merge(catalogue, MergeInputs(links, first_level, None, MergeSettings(depth=depth)))
    return score_rows(merged, ROWS, gold_containers(GOLD, catalogue))


def test_what_contains_a_category_follows_through_others_and_the_trees() -> None:
    within = gold_containers(GOLD, Catalogue.of([], ROWS))
    assert allowed(("b", ("平板电视",)), within) == {
        ("a", ("家电", "电视")), ("a", ("家电",)), ("c", ("电器",))
    }  # fmt: skip
    assert allowed(("b", ("茶",)), within) == allowed(("c", ("电器",)), within) == frozenset()


def test_nothing_merged_is_right_and_joins_nothing() -> None:
    told = scored().to_dict()
    assert told["rows"] == {"n": 28, "right_place": 1.0, "joinable": 20, "joined": 0.0}
    assert told["categories"] == {"n": 5, "right_place": 1.0, "joinable": 3, "joined": 0.0}
    assert not told["wrong_place"]
    assert [row["category"] for row in told["not_joined"]] == [
        "a '家电 > 电视'",
        "b '平板电视'",
        "a '家电 > 空调'",
    ]


def test_a_right_merge_joins_rows_and_categories_each_by_their_own_weight() -> None:
    told = scored(link("a: 家电 > 电视", "exact", "b: 平板电视")).to_dict()
    assert told["rows"] == {"n": 28, "right_place": 1.0, "joinable": 20, "joined": 16 / 20}
    assert told["categories"]["joined"] == pytest.approx(2 / 3)


def test_a_wrong_place_counts_every_row_below_it_and_names_what_is_above() -> None:
    told = scored(link("b: 茶", "narrower", "a: 家电")).to_dict()
    assert told["rows"]["right_place"] == pytest.approx(23 / 28)
    assert told["wrong_place"] == [{"category": "b '茶'", "rows": 5, "others": ["a '家电'"]}]


def test_a_row_that_is_partly_right_is_wrong_and_not_joined() -> None:
    """Also that of the wrong category's own platform: no tree of its own says that it lies there."""
    links = link("a: 家电 > 电视", "exact", "b: 平板电视"), link("a: 家电", "narrower", "b: 茶")
    told = scored(*links).to_dict()
    assert told["wrong_place"][0]["category"] == "a '家电 > 电视'"
    assert told["wrong_place"][0]["others"] == ["b '茶'"]
    assert told["rows"]["joined"] == 0.0


def test_classes_of_a_first_level_map_are_not_judged_and_rows_without_a_label_are_wrong() -> None:
    entries = dict.fromkeys((("a", ("家电",)), ("c", ("电器",)), ("b", ("平板电视",))), "x")
    first = FirstLevelMap((Category("x", "大类", "All"),), entries)
    told = scored(first_level=first).to_dict()
    assert told["wrong_place"] == [{"category": "b '茶'", "rows": 5, "others": []}]
    assert told["rows"]["joined"] == 0.0


def test_what_is_folded_away_is_on_no_path() -> None:
    """Below the last level a category has the label of what is above it, and is above nothing itself."""
    links = link("b: 平板电视", "narrower", "a: 家电 > 电视"), link("b: 茶", "narrower", "a: 家电 > 空调")
    told = scored(*links, depth=1).to_dict()
    assert [one["category"] for one in told["wrong_place"]] == ["b '茶'"]
    assert told["wrong_place"][0]["others"] == ["a '家电'"]


def test_a_gold_without_platforms_must_not_be_ambiguous(tmp_path: Path) -> None:
    catalogue = Catalogue.of([], {("a", ("手机",)): 1, ("b", ("手机",)): 1, ("c", ("电话",)): 1})
    stated = Gold({}, stated=((("", "电话"), "exact", ("", "手机")),))
    with pytest.raises(FormatError, match=r"'手机', which a and b has.*left_platform"):
        gold_containers(stated, catalogue)
    within = gold_containers(stated, catalogue, ("c", "b"))
    assert allowed(("c", ("电话",)), within) == {("b", ("手机",))}


def test_a_cycle_of_containers_ends() -> None:
    a, b, c = (("a", ("1",)), ("b", ("1",)), ("c", ("1",)))
    within = containers([a, b, c], [(a, "narrower", b), (b, "narrower", c), (c, "narrower", a)])
    assert all(above == {a, b, c} for above in within.values())
