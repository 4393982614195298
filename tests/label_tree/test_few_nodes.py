"""A few nodes that hold many leaves: as deep as they can be, the root where the first level is too wide."""

import numpy as np
import pytest

from mep3m.label_tree.few_nodes import few_nodes
from mep3m.label_tree.tree import LabelTree

TREE = LabelTree.from_paths(
    [("food", "fruit", name) for name in ("apple", "banana", "cherry")]
    + [("food", "tea"), ("home", "lamp", "desk"), ("home", "lamp", "floor"), ("pets",)]
)
FLAT = LabelTree.from_paths([(name,) for name in "abcdefgh"])


def named(tree: LabelTree, nodes: list[int]) -> list[str]:
    return ["/".join(tree.paths[node]) if node >= 0 else "any" for node in nodes]


@pytest.mark.parametrize(
    ("leaves", "most", "expected"),
    [
        (["pets"], 5, ["pets"]),
        (["apple", "banana"], 5, ["food/fruit/apple", "food/fruit/banana"]),
        (["apple", "banana", "cherry"], 2, ["food/fruit"]),
        (["apple", "banana", "desk"], 2, ["food/fruit", "home/lamp/desk"]),  # one leaf stays itself
        (["apple", "tea", "desk", "floor"], 2, ["food", "home/lamp"]),
        (["apple", "tea", "desk", "pets"], 3, ["pets", "food", "home/lamp/desk"]),
        (["apple", "tea", "desk", "pets"], 2, ["any"]),
        (["tea", "banana"], 1, ["food"]),
    ],
)
def test_they_are_the_deepest_that_hold_all(leaves: list[str], most: int, expected: list[str]) -> None:
    chosen = np.array([leaf for leaf in TREE.leaves.tolist() if TREE.paths[leaf][-1] in leaves])
    assert sorted(named(TREE, few_nodes(TREE, chosen, most))) == sorted(expected)


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_the_order_of_leaves_does_not_matter(most: int) -> None:
    random = np.random.default_rng(most)
    for _ in range(30):
        leaves = random.permutation(TREE.leaves)[: random.integers(1, len(TREE.leaves) + 1)]
        assert few_nodes(TREE, leaves, most) == few_nodes(TREE, np.sort(leaves), most)


def test_all_leaves_of_a_small_tree_are_named() -> None:
    assert named(TREE, few_nodes(TREE, TREE.leaves, 7)) == named(TREE, TREE.leaves.tolist())
    assert named(TREE, few_nodes(TREE, TREE.leaves, 3)) == ["food", "pets", "home/lamp"]
    assert named(TREE, few_nodes(TREE, TREE.leaves, 2)) == ["any"]


@pytest.mark.parametrize(("number", "expected"), [(1, 1), (5, 5), (6, 1), (8, 1)])
def test_a_flat_tree_has_its_leaves_or_any(number: int, expected: int) -> None:
    nodes = few_nodes(FLAT, FLAT.leaves[:number])
    assert len(nodes) == expected
    assert (nodes == [-1]) == (number > 5)
