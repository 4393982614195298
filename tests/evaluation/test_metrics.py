"""Every metric against scikit-learn's value on the same arrays, and what happens to unseen classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from mep3m.evaluation.calibration import (
    expected_calibration_error,
    reliability,
)
from mep3m.evaluation.metrics import ap_by_class, average_precision, macro_f1, ranks, score_level, top_k


def draw(seed: int, rows: int = 60, classes: int = 7) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows)
    raw = random.random((rows, classes)) + np.eye(classes)[truth] * 0.5
    return (raw / raw.sum(axis=1, keepdims=True)).astype(np.float32), truth


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    proba, truth = draw(seed)
    mine = score_level(proba, truth)
    best = proba.argmax(axis=1)
    assert mine.top1 == pytest.approx(reference.accuracy_score(truth, best))
    labels = np.arange(proba.shape[1])
    assert mine.top5 == pytest.approx(reference.top_k_accuracy_score(truth, proba, k=5, labels=labels))
    assert mine.macro_f1 == pytest.approx(reference.f1_score(truth, best, average="macro"))
    assert mine.weighted_f1 == pytest.approx(reference.f1_score(truth, best, average="weighted"))
    onehot = np.eye(proba.shape[1])[truth]
    present = onehot.any(axis=0)
    by_class = reference.average_precision_score(onehot[:, present], proba[:, present], average="macro")
    assert mine.ap_macro == pytest.approx(by_class)
    assert mine.ap_micro == pytest.approx(reference.average_precision_score(onehot, proba, average="micro"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5]), st.booleans()), min_size=1, max_size=30))
def test_average_precision_treats_ties_as_scikit_learn_does(pairs: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in pairs])
    relevant = np.array([flag for _, flag in pairs])
    if relevant.any():
        expected = reference.average_precision_score(relevant, scores)
        assert average_precision(scores, relevant) == pytest.approx(expected)
    else:
        assert np.isnan(average_precision(scores, relevant))


def test_a_class_that_was_never_seen_counts_as_wrong() -> None:
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], dtype=np.float32)
    scores = score_level(proba, np.array([0, 1, -1]))
    assert (scores.n, scores.unseen, scores.classes) == (3, 1, 3)
    assert scores.top1 == pytest.approx(2 / 3)
    assert scores.top5 == pytest.approx(2 / 3)
    # class 0 has one false positive; the unseen class has F1 and AP 0
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores.ap_macro == pytest.approx((1 + 1 + 0) / 3)


@given(st.integers(0, 10_000))
def test_macro_averages_with_unseen_classes_are_those_of_scikit_learn(seed: int) -> None:
    """Every unseen class stands for itself: lumped together, they would cost one class's zero only."""
    random = np.random.default_rng(seed)
    rows = random.integers(1, 30)
    proba = random.dirichlet(np.ones(4), rows).astype(np.float32)
    truth = random.integers(-4, 4, rows)
    found, answered = score_level(proba, truth), proba.argmax(axis=1)
    assert found.classes == len(set(truth.tolist()))
    assert found.unseen == (truth < 0).sum()
    for average, value in (("macro", found.macro_f1), ("weighted", found.weighted_f1)):
        expected = reference.f1_score(truth, answered, average=average, zero_division=0)
        assert value == pytest.approx(expected, abs=1e-9)
    assert macro_f1(answered, truth, 4) == pytest.approx(found.macro_f1)


def test_no_rows_give_zeros_and_no_error() -> None:
    assert score_level(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)).n == 0


def test_ties_rank_by_column_so_that_a_constant_model_is_not_rewarded() -> None:
    proba = np.full((4, 4), 0.25, dtype=np.float32)
    truth = np.arange(4)
    assert ranks(proba, truth).tolist() == [0, 1, 2, 3]
    assert top_k(proba, truth, 1) == 0.25


def test_average_precision_of_an_absent_class_is_not_a_number() -> None:
    ap = ap_by_class(np.array([[0.5, 0.5]], dtype=np.float32), np.array([0]))
    assert np.isnan(ap[1])


def test_calibration_error_of_a_known_case() -> None:
    proba = np.array([[0.9, 0.1]] * 10, dtype=np.float32)
    truth = np.array([0] * 6 + [1] * 4)
    bins = reliability(proba, truth)
    assert len(bins) == 1
    assert (bins[0].n, bins[0].accuracy) == (10, pytest.approx(0.6))
    assert expected_calibration_error(bins) == pytest.approx(0.3, abs=1e-6)
