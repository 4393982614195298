"""The likely path: one node a level, ending where the tree does; above .5 it is what `back_off` answers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mep3m.label_tree.likely_path import likely_paths
from mep3m.label_tree.probabilities import back_off, from_leaves, softmax
from mep3m.label_tree.tree import LabelTree

TREE = LabelTree.from_paths(
    [("a", "x", "1"), ("a", "x", "2"), ("a", "y"), ("b", "z"), ("b", "w", "3"), ("c",)]
)


def some(rows: int, seed: int, sure: float = 3.0) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(0, sure, (rows, len(TREE.leaves))).astype(np.float32)
    return from_leaves(TREE, softmax(scores))


@given(st.integers(0, 10_000), st.floats(0.501, 0.999), st.integers(1, 3))
def test_above_one_half_it_ends_where_back_off_does(seed: int, threshold: float, least: int) -> None:
    proba = some(20, seed)
    found = likely_paths(TREE, proba).until(threshold, least)
    expected = back_off(TREE, proba.astype(np.float64), threshold)
    deep = (expected >= 0) & (TREE.levels[expected] >= least)
    assert (found == np.where(deep, expected, -1)).all()


@given(st.integers(0, 10_000))
def test_each_node_is_a_child_of_the_one_above_and_no_surer(seed: int) -> None:
    paths = likely_paths(TREE, some(20, seed))
    assert (paths.nodes[:, 0] >= 0).all()
    for level in (1, 2):
        there = paths.nodes[:, level] >= 0
        assert (TREE.parent[paths.nodes[there, level]] == paths.nodes[there, level - 1]).all()
        assert np.isin(paths.nodes[~there, level - 1], [-1, *TREE.leaves]).all()
    assert (np.diff(paths.chances, axis=1) <= 0).all()
    assert (paths.chances[paths.nodes < 0] == 0).all()


def test_no_rows_and_a_node_that_is_certain() -> None:
    assert likely_paths(TREE, np.zeros((0, len(TREE)), np.float32)).until(0.9).shape == (0,)
    proba = np.zeros((1, len(TREE)), np.float32)
    proba[0, TREE.index(("c",))] = 1
    assert TREE.paths[likely_paths(TREE, proba).until(1.0)[0]] == ("c",)
    assert likely_paths(TREE, proba).until(1.0, 2)[0] == -1
