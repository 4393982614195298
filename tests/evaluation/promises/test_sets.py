"""Prediction sets hold the truth as often as they say, whatever the probabilities are worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.evaluation.promises.sets import SetThresholds, calibrate, sets, true_chances
from mep3m.label_tree.few_nodes import few_nodes
from mep3m.label_tree.probabilities import from_leaves
from mep3m.label_tree.tree import LabelTree

TREE = LabelTree.from_paths(
    [("a", "x", "1"), ("a", "x", "2"), ("a", "y"), ("b", "z"), ("b", "w", "3"), ("c",), ("d", "v")]
)


def holds(nodes: list[int], truth: int, tree: LabelTree = TREE) -> bool:
    return any(node < 0 or tree.paths[truth][: len(tree.paths[node])] == tree.paths[node] for node in nodes)


def draw(random: np.random.Generator, n: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of n rows, sharpened (over-confident) by a power, and the true leaves."""
    honest = random.dirichlet(np.full(len(TREE.leaves), 0.4), n)
    truth = np.array([random.choice(TREE.leaves, p=row) for row in honest])
    sharp = honest**power
    proba = from_leaves(TREE, (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32))
    return proba, truth.astype(np.int32)


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("by_branch", [False, True])
def test_sets_hold_the_truth_as_often_as_they_say(power: float, by_branch: bool) -> None:
    random, held, of_branch = np.random.default_rng(1), [], {"a": [], "b": []}
    for _ in range(60):
        proba, truth = draw(random, 300, power)
        thresholds = calibrate(TREE, true_chances(TREE, proba, truth), truth, 0.9, by_branch)
        assert thresholds is not None
        new, true = draw(random, 100, power)
        found = [holds(nodes, node) for nodes, node in zip(sets(TREE, new, thresholds), true, strict=True)]
        held += found
        for name, rows in of_branch.items():
            rows += [one for one, node in zip(found, true, strict=True) if TREE.paths[node][0] == name]
    assert np.mean(held) >= 0.9 - 3 * (0.09 / len(held)) ** 0.5 - 0.005
    if by_branch:
        assert min(np.mean(rows) for rows in of_branch.values()) >= 0.88


def test_sets_are_small_where_the_model_is_good_and_any_category_where_it_is_not() -> None:
    random = np.random.default_rng(2)
    proba, truth = draw(random, 2000, 1.0)
    thresholds = calibrate(TREE, true_chances(TREE, proba, truth), truth, 0.8)
    assert thresholds is not None
    assert np.mean([len(nodes) for nodes in sets(TREE, proba, thresholds)]) < 3
    wrong = np.random.default_rng(3).permutation(truth)
    loose = calibrate(TREE, true_chances(TREE, proba, wrong), wrong, 0.99)
    assert loose is not None
    # seven leaves are four branches, which is few enough to name
    assert min(len(nodes) for nodes in sets(TREE, proba, loose)) >= 4


def test_too_few_rows_make_no_sets_and_unknown_labels_are_held_by_none() -> None:
    proba, truth = draw(np.random.default_rng(4), 100, 1.0)
    chances = true_chances(TREE, proba, truth)
    assert calibrate(TREE, chances[:15], truth[:15], 0.9) is None
    unknown = np.full(100, -1, dtype=np.int32)
    assert (true_chances(TREE, proba, unknown) == -1).all()
    everything = calibrate(TREE, true_chances(TREE, proba, unknown), unknown, 0.9)
    assert everything is not None
    assert everything.others == 0


def test_a_coarse_label_has_the_chance_of_the_best_leaf_below() -> None:
    proba = from_leaves(TREE, np.array([[0.1, 0.2, 0.3, 0.1, 0.1, 0.1, 0.1]], dtype=np.float32))
    below = [proba[0, leaf] for leaf in TREE.leaves if TREE.paths[leaf][0] == "a"]
    node = np.array([TREE.index(("a",))], dtype=np.int32)
    assert true_chances(TREE, proba, node)[0] == max(below)


@given(st.sets(st.integers(0, 6), min_size=1), st.integers(1, 6))
def test_few_nodes_hold_all_leaves_and_are_few(chosen: set[int], most: int) -> None:
    leaves = TREE.leaves[sorted(chosen)]
    nodes = few_nodes(TREE, leaves, most)
    assert len(nodes) <= most
    assert all(holds(nodes, leaf) for leaf in leaves)
    if len(leaves) <= most:
        assert nodes == sorted(leaves.tolist())
    for node in nodes:
        if node >= 0:  # nothing deeper would do
            mine = [TREE.paths[leaf] for leaf in leaves if holds([node], leaf)]
            depth = len(TREE.paths[node])
            assert len({path[: depth + 1] for path in mine}) > 1 or mine == [TREE.paths[node]]


def test_it_comes_back_from_json() -> None:
    from dataclasses import asdict

    made = SetThresholds(0.9, 100, 0.05, {"a": 0.1})
    assert SetThresholds.parse(asdict(made)) == made
