"""A category that the map puts below a class may be joined with that class, which stays at the top."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.merging.first_level import FirstLevelMap
from mep3m.alignment.merging.merge import Catalogue, MergeInputs, find_problems, merge
from mep3m.alignment.review.decisions import Decision, Ref
from mep3m.taxonomy import Category
from tests.alignment.shops import link

CLASSES = (Category("wear", "服饰"), Category("food", "食品"))
PATHS = ["x", "x > y", "z", "z > y", "z > y > x"]
NODES = [(shop, path) for shop in "abc" for path in PATHS]
CATALOGUE = Catalogue.of([], {(shop, tuple(path.split(" > "))): 3 for shop, path in NODES})


def of(left: tuple[str, str], right: tuple[str, str], line: int, relation: str = "exact") -> Decision:
    said = link(left[1], right[1], line, relation=relation)
    return replace(said, left=Ref(*left), right=Ref(*right))


@pytest.mark.parametrize(
    "links",
    [
        [("ax", "bz > y", "exact"), ("ax", "cx", "exact")],
        [("ax", "bz > y", "exact"), ("cx", "bz > y", "exact"), ("ax", "cx", "exact")],
        [("az > y", "bz", "exact"), ("az", "bz", "exact"), ("cz", "az", "exact")],
        [("ax", "bz > y", "exact"), ("cx", "ax", "exact"), ("cz", "bz > y > x", "narrower")],
    ],
)
def test_a_class_is_never_below_itself(links: list[tuple[str, str, str]]) -> None:
    entries = {(shop, (name,)): "wear" for shop in "abc" for name in "xz"}
    decisions = [
        of((one[0], one[1:]), (other[0], other[1:]), line, relation)
        for line, (one, other, relation) in enumerate(links, start=2)
    ]
    review = MergeInputs(tuple(decisions), first_level=FirstLevelMap(CLASSES[:1], entries))
    if not find_problems(CATALOGUE, review):
        assert [node.name for node in merge(CATALOGUE, review).taxonomy.at_level(1)] == ["服饰"]


nodes = st.sampled_from(NODES)
said = st.lists(
    st.tuples(nodes, nodes, st.sampled_from(["exact", "narrower"])).filter(lambda one: one[0][0] < one[1][0]),
    max_size=6,
)
mapped = st.dictionaries(
    st.sampled_from([(shop, tuple(path.split(" > "))) for shop, path in NODES]),
    st.sampled_from(["wear", "food"]),
    min_size=1,
)


@given(said, mapped)
def test_any_review_beside_any_map_is_merged_or_its_problems_are_named(
    links: list[tuple[tuple[str, str], tuple[str, str], str]], entries: dict[tuple[str, tuple[str, ...]], str]
) -> None:
    decisions = tuple(of(one, other, line, kind) for line, (one, other, kind) in enumerate(links, start=2))
    review = MergeInputs(decisions, first_level=FirstLevelMap(CLASSES, entries))
    if not find_problems(CATALOGUE, review):
        assert {node.id for node in merge(CATALOGUE, review).taxonomy.at_level(1)} <= {"wear", "food"}
