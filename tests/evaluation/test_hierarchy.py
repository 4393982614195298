import itertools

import numpy as np
import pytest
from hypothesis import given

from mep3m.evaluation import hierarchy
from mep3m.label_tree.probabilities import from_leaves, from_siblings
from mep3m.label_tree.tree import LabelTree
from tests.label_tree.trees import random_scores, seeds, trees

TREE = LabelTree.from_paths([("food", "tea", "green"), ("food", "tea", "black"), ("food", "rice"), ("toys",)])


def columns(*paths: tuple[str, ...]) -> np.ndarray:
    return np.array([TREE.index(path) for path in paths], dtype=np.int32)


def one_hot(*paths: tuple[str, ...]) -> np.ndarray:
    proba = np.zeros((len(paths), len(TREE)), dtype=np.float32)
    for row, path in enumerate(paths):
        for depth in range(1, len(path) + 1):
            proba[row, TREE.index(path[:depth])] = 1.0
    return proba


def test_scores_by_hand() -> None:
    truth = columns(("food", "tea", "green"), ("food", "tea", "green"), ("toys",))
    answers = columns(("food", "tea", "black"), ("toys",), ("toys",))
    scores = hierarchy.score_answers(TREE, answers, truth)
    # shared ancestors 2 + 0 + 1; answered 3 + 1 + 1; true 3 + 3 + 1
    assert scores["precision"] == pytest.approx(3 / 5)
    assert scores["recall"] == pytest.approx(3 / 7)
    assert scores["f1"] == pytest.approx(2 * 3 / (5 + 7))
    assert scores["distance"] == pytest.approx((2 + 4 + 0) / 3)
    assert scores["mistake_distance"] == pytest.approx(3.0)
    assert scores["lca_depth"] == pytest.approx(1.0)


def test_an_answer_below_a_coarse_truth_is_cut_not_punished() -> None:
    scores = hierarchy.score_answers(TREE, columns(("food", "tea", "black")), columns(("food", "tea")))
    assert scores["f1"] == 1.0
    assert scores["distance"] == 0.0


def test_rows_without_a_known_label_are_left_out() -> None:
    codes = TREE.encode([("cars",), ("toys",)])
    scores = hierarchy.score_hierarchy(TREE, one_hot(("toys",), ("toys",)), codes)
    assert (scores.n, scores.f1, scores.consistent) == (1, 1.0, 1.0)
    assert hierarchy.score_hierarchy(TREE, one_hot(("toys",)), codes[:1]).n == 0
    assert hierarchy.operating_curve(TREE, one_hot(("toys",)), codes[:1]) == []


def test_consistency_sees_a_level_that_disagrees() -> None:
    tree = LabelTree.from_paths([("a", "x"), ("b", "y"), ("b", "z")])
    proba = from_leaves(tree, np.array([[0.45, 0.3, 0.25], [0.2, 0.5, 0.3]], dtype=np.float32))
    assert hierarchy.consistency(tree, proba) == 0.5


def test_backing_off_trades_information_for_being_right() -> None:
    proba = np.zeros((1, len(TREE)), dtype=np.float32)
    for path, value in [(("food",), 0.9), (("food", "tea"), 0.8), (("food", "tea", "green"), 0.6)]:
        proba[0, TREE.index(path)] = value
    codes = TREE.encode([("food", "tea", "black")])
    leaf, tea, food, nothing = hierarchy.operating_curve(TREE, proba, codes, (0.5, 0.7, 0.85, 0.95))
    assert [point.correct for point in (leaf, tea, food, nothing)] == [0.0, 1.0, 1.0, 1.0]
    assert [point.depth for point in (leaf, tea, food, nothing)] == [3.0, 2.0, 1.0, 0.0]
    assert leaf.informative == 1.0
    assert tea.informative == pytest.approx(1 - np.log(2) / np.log(4))
    assert nothing.informative == 0.0
    assert nothing.answered == 0.0


@given(trees, seeds)
def test_bounds_and_a_perfect_answer(tree: LabelTree, seed: int) -> None:
    proba = from_siblings(tree, random_scores(seed, (6, len(tree))))
    truth = np.random.default_rng(seed).integers(0, len(tree), 6).astype(np.int32)
    codes = tree.encode([tree.paths[node] for node in truth])
    scores = hierarchy.score_hierarchy(tree, proba, codes)
    assert scores.n == 6
    assert 0 <= scores.f1 <= 1
    assert scores.distance <= scores.mistake_distance
    assert hierarchy.score_answers(tree, truth, truth)["f1"] == 1.0


@given(trees, seeds)
def test_more_confidence_is_never_more_informative(tree: LabelTree, seed: int) -> None:
    proba = from_siblings(tree, random_scores(seed, (6, len(tree))))
    codes = tree.encode([tree.paths[node] for node in np.random.default_rng(seed).integers(0, len(tree), 6)])
    curve = hierarchy.operating_curve(tree, proba, codes, (0.55, 0.7, 0.9, 0.99))
    assert all(a.informative >= b.informative - 1e-9 for a, b in itertools.pairwise(curve))
    assert all(a.correct <= b.correct for a, b in itertools.pairwise(curve))


def test_the_report_has_the_scores_the_size_of_the_tree_and_the_curve() -> None:
    report = hierarchy.hierarchical_report(TREE, one_hot(("toys",)), TREE.encode([("toys",)]))
    assert (report.scores.f1, report.names_with_several_parents) == (1.0, 0)
    assert [point.confidence for point in report.operating_curve] == list(hierarchy.CONFIDENCES)
    said = report.to_json()
    assert list(said) == [
        "n", "precision", "recall", "f1", "distance", "mistake_distance", "lca_depth", "consistent",
        "nodes", "leaves", "names_with_several_parents", "operating_curve",
    ]  # fmt: skip
    assert said["operating_curve"][0]["confidence"] == 0.0
