import numpy as np
import pytest
from hypothesis import given

from mep3m.errors import ModelError, TaxonomyError
from mep3m.label_tree.tree import LabelTree
from mep3m.taxonomy import Category, Taxonomy, from_paths
from tests.label_tree.trees import trees

TREE = LabelTree.from_paths([("food", "tea", "green"), ("food", "tea", "black"), ("food", "rice"), ("toys",)])


def test_columns_run_by_level_then_path() -> None:
    assert TREE.paths[: TREE.starts[1]] == (("food",), ("toys",))
    assert TREE.depth == 3
    assert [TREE.paths[leaf][-1] for leaf in TREE.leaves] == ["toys", "rice", "black", "green"]


def test_frontier_is_the_level_and_the_leaves_above_it() -> None:
    assert [TREE.paths[column][-1] for column in TREE.frontier(3)] == ["toys", "rice", "black", "green"]
    assert [TREE.paths[column][-1] for column in TREE.frontier(2)] == ["toys", "rice", "tea"]


def test_targets_carry_a_leaf_down_and_leave_the_unknown() -> None:
    codes = TREE.encode([("toys",), ("food", "tea"), ("food",), ("food", "rice"), ("cars",)])
    targets = TREE.targets(codes)
    toys, food, rice, tea = (
        TREE.index(path) for path in [("toys",), ("food",), ("food", "rice"), ("food", "tea")]
    )
    assert targets.tolist() == [
        [toys, toys, toys],
        [food, tea, -1],
        [food, -1, -1],
        [food, rice, rice],
        [-1, -1, -1],
    ]


@given(trees)
def test_every_frontier_parts_the_leaves(tree: LabelTree) -> None:
    for level in range(1, tree.depth + 1):
        frontier = set(tree.frontier(level).tolist())
        for leaf in tree.leaves:
            path = {int(node) for node in tree.ancestors[leaf] if node >= 0}
            assert len(path & frontier) == 1


@given(trees)
def test_json_round_trip_keeps_columns_and_version(tree: LabelTree) -> None:
    again = LabelTree.from_json(tree.to_json())
    assert again.paths == tree.paths
    assert again.version == tree.version


def test_a_name_below_two_parents_is_two_nodes_and_is_said() -> None:
    tree = LabelTree.from_paths([("home", "lamp"), ("garden", "lamp"), ("garden", "hose")])
    assert tree.shared_names() == {(2, "lamp"): (("garden", "lamp"), ("home", "lamp"))}
    names, place = tree.names(2)
    assert names == ["hose", "lamp"]
    assert place.tolist() == [0, 1, 1]


def test_contradictions_name_the_parent_in_the_tree() -> None:
    found = TREE.contradictions(
        [("toys", "rice"), ("toys", "rice"), ("food", "rice"), ("food", "salt", "sea")]
    )
    assert found == {
        (("toys", "rice"), "stands below 'food' in the tree"): 2,
        (("food", "salt"), "is not in the tree"): 1,
    }


@pytest.mark.parametrize(
    "paths",
    [((),), (("a",), ("a",)), (("b",), ("a",)), (("a",), ("b", "c"))],
    ids=["empty", "twice", "order", "orphan"],
)
def test_a_damaged_tree_is_refused(paths: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(TaxonomyError, match="label path"):
        LabelTree(paths)


def test_from_taxonomy_leaves_out_what_is_archived_and_below() -> None:
    taxonomy = Taxonomy(
        (Category("1"), Category("2", parent="1"), Category("3", archived=True), Category("4", parent="3"))
    )
    assert LabelTree.from_taxonomy(taxonomy).paths == (("1",), ("1", "2"))


def test_a_cycle_and_two_parents_are_refused_where_a_tree_is_made() -> None:
    with pytest.raises(TaxonomyError, match="cycle"):
        Taxonomy((Category("1", parent="2"), Category("2", parent="1")))
    with pytest.raises(TaxonomyError, match="occurs twice"):
        Taxonomy((Category("1"), Category("2"), Category("3", parent="1"), Category("3", parent="2")))


def test_another_tree_is_refused_with_the_difference() -> None:
    other = LabelTree.from_taxonomy(from_paths([("food", "tea")]))
    TREE.require_same(LabelTree.from_json(TREE.to_json()), "the store")
    with pytest.raises(
        ModelError, match=r"the tree of the store .* 1 only in the store \(such as food > food > tea\)"
    ):
        TREE.require_same(other, "the store")


def test_ancestors_of_a_leaf_end_with_itself() -> None:
    green = TREE.index(("food", "tea", "green"))
    assert TREE.ancestors[green].tolist() == [TREE.index(("food",)), TREE.index(("food", "tea")), green]
    assert np.all(TREE.ancestors[TREE.index(("toys",)), 1:] == -1)


def test_namesakes_share_a_column_within_their_level_only() -> None:
    tree = LabelTree.from_paths([("a", "x"), ("b", "x"), ("b", "y"), ("x", "a")])
    first = {path: tree.paths[column] for path, column in zip(tree.paths, tree.first_of_name, strict=True)}
    assert first.pop(("b", "x")) == ("a", "x")
    assert all(path == other for path, other in first.items())
