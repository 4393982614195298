"""Parts of the metrics against scikit-learn and networkx, on cases that are drawn at random."""

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import calibration as sk_calibration
from sklearn import metrics as reference
from sklearn.metrics.cluster import pair_confusion_matrix

from mep3m.evaluation import hierarchy
from mep3m.evaluation.calibration import (
    expected_calibration_error,
    reliability,
)
from mep3m.evaluation.clusters import pairwise
from mep3m.evaluation.metrics import ap_micro, confusion, f1_by_class, macro_f1, ranks, score_level, top_k
from mep3m.label_tree.tree import LabelTree
from tests.label_tree.trees import seeds, trees

CLASSES = 5
answers = st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(-1, CLASSES - 1)), min_size=1)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    predicted, truth = np.array(pairs).T
    return predicted, truth


def draw(seed: int, rows: int = 40) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    proba = random.dirichlet(np.ones(CLASSES), rows).astype(np.float32)
    return proba, random.integers(-1, CLASSES, rows)


def graph(tree: LabelTree) -> nx.DiGraph:
    """Return the tree with its root as node -1."""
    made = nx.DiGraph()
    made.add_node(-1)
    made.add_edges_from((int(parent), column) for column, parent in enumerate(tree.parent))
    return made


@given(pairs=answers)
def test_confusion_is_that_of_scikit_learn_with_unseen_as_the_last_row(pairs: list[tuple[int, int]]) -> None:
    predicted, truth = columns(pairs)
    moved = np.where(truth < 0, CLASSES, truth)
    expected = reference.confusion_matrix(moved, predicted, labels=range(CLASSES + 1))
    assert (confusion(predicted, truth, CLASSES) == expected[:, :CLASSES]).all()
    assert expected[:, CLASSES].sum() == 0  # nobody answers 'unseen'


@given(pairs=answers)
def test_f1_of_every_class_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, truth = columns(pairs)
    moved = np.where(truth < 0, CLASSES, truth)
    mine = f1_by_class(confusion(predicted, truth, CLASSES))
    occurs = sorted({*moved.tolist(), *predicted.tolist()})
    expected = reference.f1_score(moved, predicted, labels=occurs, average=None, zero_division=0)
    assert mine[occurs] == pytest.approx(expected)
    assert np.isnan(np.delete(mine, occurs)).all()
    assert macro_f1(predicted, truth, CLASSES) == pytest.approx(expected.mean())


@given(seed=seeds)
def test_the_rank_of_the_truth_is_its_place_in_a_stable_sort(seed: int) -> None:
    random = np.random.default_rng(seed)
    proba = random.choice([0.1, 0.2, 0.3], (20, CLASSES)).astype(np.float32)  # many ties
    truth = random.integers(0, CLASSES, 20)
    order = np.argsort(-proba, axis=1, kind="stable")
    assert ranks(proba, truth).tolist() == [
        row.tolist().index(t) for row, t in zip(order, truth, strict=True)
    ]


@given(seed=seeds)
def test_more_guesses_never_hurt_and_all_of_them_find_every_known_class(seed: int) -> None:
    proba, truth = draw(seed)
    shares = [top_k(proba, truth, k) for k in range(CLASSES + 2)]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[CLASSES] == pytest.approx((truth >= 0).mean())


@given(seed=seeds)
def test_the_order_of_rows_changes_no_score(seed: int) -> None:
    proba, truth = draw(seed)
    order = np.random.default_rng(seed).permutation(len(truth))
    one, other = score_level(proba, truth), score_level(proba[order], truth[order])
    for name in ("top1", "top5", "macro_f1", "weighted_f1", "ap_macro", "ap_micro"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)
        assert 0 <= getattr(one, name) <= 1


def test_a_model_that_knows_none_of_the_classes_scores_zero_everywhere() -> None:
    proba, _ = draw(1)
    scores = score_level(proba, np.full(len(proba), -1))
    assert (scores.top1, scores.top5, scores.weighted_f1, scores.ap_macro, scores.ap_micro) == (0,) * 5
    assert ap_micro(proba, np.full(len(proba), -1)) == 0


@given(seed=seeds)
def test_the_reliability_plot_is_that_of_scikit_learn(seed: int) -> None:
    proba, truth = draw(seed, rows=200)
    bars = reliability(proba, truth, bins=10)
    confidence = proba.max(axis=1).astype(np.float64)
    hit = proba.argmax(axis=1) == truth
    right, mean = sk_calibration.calibration_curve(hit, confidence, n_bins=10)
    assert [bar.accuracy for bar in bars] == pytest.approx(right)
    assert [bar.confidence for bar in bars] == pytest.approx(mean, rel=1e-5)
    assert sum(bar.n for bar in bars) == 200
    assert all(bar.low < bar.confidence <= bar.high + 1e-6 for bar in bars)


@given(seed=seeds)
def test_calibration_error_is_zero_for_the_truth_and_bounded(seed: int) -> None:
    proba, truth = draw(seed)
    assert 0 <= expected_calibration_error(reliability(proba, truth)) <= 1
    known = np.maximum(truth, 0)
    sure = np.eye(CLASSES, dtype=np.float32)[known]
    assert expected_calibration_error(reliability(sure, known)) == 0
    assert expected_calibration_error(reliability(sure, (known + 1) % CLASSES)) == 1
    assert expected_calibration_error([]) == 0


@settings(max_examples=40)
@given(
    groups=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=20).map(
        lambda pairs: tuple(zip(*pairs, strict=True))
    )
)
def test_pairs_are_counted_as_scikit_learn_counts_them(groups: tuple[tuple[int, ...], ...]) -> None:
    found, true = groups
    matrix = pair_confusion_matrix(true, found)
    hits, extra, lost = matrix[1, 1], matrix[0, 1], matrix[1, 0]
    score = pairwise(found, true)
    assert score.precision == pytest.approx(hits / (hits + extra) if hits + extra else 1)
    assert score.recall == pytest.approx(hits / (hits + lost) if hits + lost else 1)


@settings(max_examples=25)
@given(tree=trees)
def test_common_ancestors_and_distances_are_those_of_the_graph(tree: LabelTree) -> None:
    made = graph(tree)
    nodes = [-1, *range(len(tree))][:12]
    pairs = list(combinations(nodes, 2))
    left, right = (np.array(side, dtype=np.int32) for side in zip(*pairs, strict=True))
    depth = nx.single_source_shortest_path_length(made, -1)
    common = [nx.lowest_common_ancestor(made, *pair) for pair in pairs]
    assert hierarchy.lca_levels(tree, left, right).tolist() == [depth[node] for node in common]
    assert hierarchy.node_levels(tree, left).tolist() == [depth[node] for node in left.tolist()]
    undirected = made.to_undirected()
    known = [(a, b) for a, b in pairs if b >= 0 and a >= 0 and depth[a] <= depth[b]]
    for answer, truth in known:
        scores = hierarchy.score_answers(tree, np.array([answer], np.int32), np.array([truth], np.int32))
        assert scores["distance"] == nx.shortest_path_length(undirected, answer, truth)


@settings(max_examples=40)
@given(tree=trees)
def test_an_answer_informs_by_how_many_leaves_it_rules_out(tree: LabelTree) -> None:
    made = graph(tree)
    found = hierarchy.information(tree)
    leaves = {node for node in made if made.out_degree(node) == 0}
    for node in range(len(tree)):
        below = len(leaves & ({node} | nx.descendants(made, node)))
        expected = 1 - np.log(below) / np.log(max(len(leaves), 2))
        assert found[node] == pytest.approx(expected)
    assert found[-1] == 0


@settings(max_examples=40)
@given(tree=trees, seed=seeds)
def test_cutting_gives_the_ancestor_at_the_level_or_the_node_itself(tree: LabelTree, seed: int) -> None:
    random = np.random.default_rng(seed)
    nodes = random.integers(0, len(tree), 8).astype(np.int32)
    levels = random.integers(0, tree.depth + 1, 8).astype(np.int32)
    for node, level, cut in zip(nodes, levels, hierarchy.cut(tree, nodes, levels), strict=True):
        path = tree.paths[node][:level]
        assert cut == (tree.index(path) if path else -1)


@given(seed=seeds)
def test_calibration_error_is_that_of_scikit_learn_s_curve_weighted_by_rows(seed: int) -> None:
    proba, truth = draw(seed, rows=200)
    confidence = proba.max(axis=1).astype(np.float64)
    right, mean = sk_calibration.calibration_curve(proba.argmax(axis=1) == truth, confidence, n_bins=15)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], confidence), minlength=15)
    expected = float(np.abs(right - mean) @ counts[counts > 0] / 200)
    assert expected_calibration_error(reliability(proba, truth)) == pytest.approx(expected, abs=1e-6)


@given(pairs=answers)
def test_weighted_f1_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted, truth = columns(pairs)
    proba = np.eye(CLASSES, dtype=np.float32)[predicted]
    moved = np.where(truth < 0, CLASSES, truth)
    expected = reference.f1_score(moved, predicted, average="weighted", zero_division=0)
    assert score_level(proba, truth).weighted_f1 == pytest.approx(expected)
