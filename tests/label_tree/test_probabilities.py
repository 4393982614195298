import numpy as np
import pytest
from hypothesis import given, settings

from mep3m.label_tree import probabilities as trees_
from mep3m.label_tree.tree import LabelTree
from tests.label_tree.trees import random_scores, seeds, trees

TREE = LabelTree.from_paths([("food", "tea", "green"), ("food", "tea", "black"), ("food", "rice"), ("toys",)])


def heads_for(tree: LabelTree, seed: int) -> list[np.ndarray]:
    scores = [
        random_scores(seed + level, (3, len(tree.frontier(level)))) for level in range(1, tree.depth + 1)
    ]
    return [np.log(np.maximum(trees_.softmax(score), 1e-30)) for score in scores]


def every_way(tree: LabelTree, seed: int) -> dict[str, np.ndarray]:
    return {
        "leaves": trees_.from_leaves(tree, trees_.softmax(random_scores(seed, (3, len(tree.leaves))))),
        "siblings": trees_.from_siblings(tree, random_scores(seed, (3, len(tree)))),
        "heads": trees_.from_heads(tree, heads_for(tree, seed)),
        "outside": trees_.make_coherent(tree, random_scores(seed, (3, len(tree)))),
    }


@given(trees, seeds)
def test_probabilities_are_coherent_whatever_they_come_from(tree: LabelTree, seed: int) -> None:
    for way, proba in every_way(tree, seed).items():
        assert proba.shape == (3, len(tree)), way
        assert trees_.incoherence(tree, proba) <= trees_.TOLERANCE, way


@given(trees, seeds)
def test_every_frontier_holds_all_the_mass(tree: LabelTree, seed: int) -> None:
    for way, proba in every_way(tree, seed).items():
        if way == "outside":
            continue
        for level in range(1, tree.depth + 1):
            _, here = trees_.at_level(tree, proba, level)
            np.testing.assert_allclose(here.sum(axis=1), 1.0, atol=1e-4)


@given(trees, seeds)
def test_nodes_without_data_get_nothing_and_their_mass_stays_above(tree: LabelTree, seed: int) -> None:
    scores = random_scores(seed, (3, len(tree)))
    empty = np.random.default_rng(seed).random(len(tree)) < 0.4
    scores[:, empty] = -np.inf
    proba = trees_.from_siblings(tree, scores)
    assert np.all(proba[:, empty] == 0)
    assert trees_.incoherence(tree, proba) <= trees_.TOLERANCE


@given(trees, seeds)
def test_coherent_scores_from_outside_are_left_alone(tree: LabelTree, seed: int) -> None:
    proba = trees_.from_siblings(tree, random_scores(seed, (3, len(tree))))
    np.testing.assert_allclose(trees_.make_coherent(tree, proba), proba, atol=1e-5)


@given(trees, seeds)
def test_back_off_answers_lie_on_one_path_and_rise_with_confidence(tree: LabelTree, seed: int) -> None:
    proba = trees_.from_siblings(tree, random_scores(seed, (3, len(tree))))
    sure, unsure = (trees_.back_off(tree, proba, confidence) for confidence in (0.9, 0.55))
    for row in range(3):
        path = set(tree.ancestors[unsure[row]].tolist()) if unsure[row] >= 0 else set()
        assert sure[row] == -1 or int(sure[row]) in path
        assert sure[row] == -1 or proba[row, sure[row]] >= 0.9


@given(trees, seeds)
def test_the_best_leaf_is_the_answer_wherever_it_is_sure_enough(tree: LabelTree, seed: int) -> None:
    proba = trees_.from_siblings(tree, random_scores(seed, (6, len(tree))))
    best, values = trees_.top_paths(tree, proba, 1)
    for confidence in (0.0, 0.2, 0.5, 0.8):
        answer = trees_.back_off(tree, proba, confidence)
        sure = values[:, 0] >= confidence
        np.testing.assert_array_equal(answer[sure], best[sure, 0])
        assert not np.isin(answer[~sure], tree.leaves).any()
        given = answer >= 0
        assert np.all(proba[given, answer[given]] >= confidence)


def test_a_likely_leaf_that_ends_early_beats_an_unlikely_deep_one() -> None:
    proba = trees_.from_leaves(TREE, np.array([[0.6, 0.05, 0.05, 0.3]], dtype=np.float32))  # toys, rice, ...
    for confidence in (0.0, 0.25, 0.55):
        answer = trees_.back_off(TREE, proba, confidence)
        assert TREE.paths[answer[0]] == ("toys",)
    assert trees_.back_off(TREE, proba, 0.7)[0] == -1


@given(trees, seeds)
def test_marginal_of_a_node_is_the_sum_over_the_leaves_below(tree: LabelTree, seed: int) -> None:
    proba = every_way(tree, seed)["leaves"]
    nodes = np.arange(len(tree), dtype=np.int32)
    below = trees_.leaf_mask(tree, nodes)
    np.testing.assert_allclose(proba[:, tree.leaves] @ below.T, proba, atol=1e-4)
    assert trees_.leaf_mask(tree, np.array([-1], dtype=np.int32)).all()


@given(trees, seeds)
def test_top_paths_are_the_most_probable_leaves_in_order(tree: LabelTree, seed: int) -> None:
    proba = every_way(tree, seed)["siblings"]
    columns, values = trees_.top_paths(tree, proba, 3)
    assert np.isin(columns, tree.leaves).all()
    assert np.all(np.diff(values, axis=1) <= 0)
    np.testing.assert_array_equal(values[:, 0], proba[:, tree.leaves].max(axis=1))


def test_siblings_multiply_down_the_path() -> None:
    scores = np.zeros((1, len(TREE)), dtype=np.float32)
    proba = trees_.from_siblings(TREE, scores)[0]
    assert proba[TREE.index(("food",))] == pytest.approx(0.5)
    assert proba[TREE.index(("food", "tea"))] == pytest.approx(0.25)
    assert proba[TREE.index(("food", "tea", "green"))] == pytest.approx(0.125)


def test_a_sure_coarse_head_corrects_a_fine_one() -> None:
    fine = np.log(np.array([[0.45, 0.05, 0.1, 0.4]], dtype=np.float32))  # toys, rice, black, green
    coarse = np.log(np.array([[0.95, 0.05]], dtype=np.float32))  # food, toys
    middle = np.log(np.full((1, 3), 1 / 3, dtype=np.float32))
    best, _ = trees_.top_paths(TREE, trees_.from_heads(TREE, [coarse, middle, fine]), 1)
    assert TREE.paths[best[0, 0]] == ("food", "tea", "green")
    alone, _ = trees_.top_paths(TREE, trees_.from_heads(TREE, [coarse, middle, fine], [0.0, 0.0, 1.0]), 1)
    assert TREE.paths[alone[0, 0]] == ("toys",)


def test_by_name_adds_nodes_that_share_a_name() -> None:
    tree = LabelTree.from_paths([("home", "lamp"), ("garden", "lamp"), ("garden", "hose")])
    proba = trees_.from_leaves(tree, np.array([[0.5, 0.2, 0.3]], dtype=np.float32))
    names, here = trees_.by_name(tree, proba, 2)
    assert names == ["hose", "lamp"]
    np.testing.assert_allclose(here, [[0.5, 0.5]])


def test_marginal_log_loss_of_coarse_rows() -> None:
    proba = trees_.from_siblings(TREE, np.zeros((2, len(TREE)), dtype=np.float32))
    nodes = trees_.deepest(TREE.encode([("food",), ("food", "tea", "green")]))
    assert trees_.marginal_log_loss(TREE, proba, nodes) == pytest.approx(-np.log([0.5, 0.125]).mean())
    assert trees_.marginal_log_loss(TREE, proba, np.array([-1, -1], dtype=np.int32)) == 0.0


def test_prior_shares_each_family_among_the_rows_labelled_at_its_level() -> None:
    counts = np.zeros(len(TREE), dtype=np.int64)
    for path, count in [(("food",), 8), (("toys",), 2), (("food", "tea"), 3), (("food", "rice"), 1)]:
        counts[TREE.index(path)] = count
    prior = trees_.prior(TREE, counts)
    assert prior[TREE.index(("food", "tea"))] == pytest.approx(0.8 * 0.75)
    assert prior[TREE.index(("food", "tea", "green"))] == 0
    assert trees_.incoherence(TREE, prior[None]) <= trees_.TOLERANCE


def test_deepest_known_node() -> None:
    codes = TREE.encode([("food", "tea", "unknown"), ("cars",), ("food", "tea", "black")])
    assert trees_.deepest(codes).tolist() == [
        TREE.index(("food", "tea")),
        -1,
        TREE.index(("food", "tea", "black")),
    ]


@settings(max_examples=2)
@given(seeds)
def test_sixty_thousand_leaves_stay_coherent(seed: int) -> None:
    tree = LabelTree.from_paths((f"{i // 2000}", f"{i // 50}", f"{i}") for i in range(60_000))
    proba = trees_.from_leaves(tree, trees_.softmax(random_scores(seed, (4, 60_000))))
    assert trees_.incoherence(tree, proba) <= trees_.TOLERANCE
    assert (
        trees_.incoherence(tree, trees_.from_siblings(tree, random_scores(seed, (4, len(tree)))))
        <= trees_.TOLERANCE
    )
