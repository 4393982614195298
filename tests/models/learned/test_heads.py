"""Three heads over what is kept: they tell classes apart, and say how sure they are."""

import numpy as np
import pytest
from scipy.linalg import cho_solve

from mep3m.arrays import unit_length
from mep3m.models.learned.heads import METHODS, Method, _Gaussian, finetune, fit_head, ridge
from mep3m.models.learned.statistics import ClassStatistics
from tests.models.learned.test_statistics import PATHS, drawn


def whole(seed: int = 0, each: int = 20, width: int = 12) -> tuple[ClassStatistics, np.ndarray, np.ndarray]:
    vectors, classes = drawn(seed, each, width)
    return ClassStatistics.of(PATHS, classes, lambda rows: vectors[rows]), vectors, classes


@pytest.mark.parametrize("method", METHODS)
def test_new_vectors_find_their_class(method: Method) -> None:
    vectors, classes = drawn(5, 40, 12)
    first = np.arange(len(classes)) % 2 == 0
    kept = ClassStatistics.of(PATHS, np.where(first, classes, -1), lambda rows: vectors[rows])
    proba = fit_head(kept, method).proba(vectors[~first])
    np.testing.assert_allclose(proba.sum(1), 1, atol=1e-5)
    right = proba.argmax(1) == classes[~first]
    assert right.mean() > 0.85
    assert abs(float(proba.max(1).mean()) - right.mean()) < 0.12  # as sure as it is right


def test_leaving_an_example_out_is_what_learning_without_it_gives() -> None:
    kept, vectors, classes = whole(1, 7)
    scores = _Gaussian.of(kept, 0.3).left_out(kept)
    rows = [np.flatnonzero(classes == one)[0] for one in range(5)]
    for place, row in enumerate(rows):
        others = np.where(np.arange(len(classes)) == row, -1, classes)
        means = np.stack([vectors[others == one].mean(0) for one in range(5)]).astype(np.float64)
        weight = 1 / np.sqrt(kept.counts)
        within = sum(
            weight[one] * (vectors[others == one] - means[one]).T @ (vectors[others == one] - means[one])
            for one in range(5)
        )
        whole_within = (
            kept.products - (kept.means * kept.weights[:, None]).T @ kept.means
        ) / kept.weights.sum()
        level = np.trace(whole_within) / len(whole_within)
        covariance = 0.7 * within / kept.weights.sum() + 0.3 * level * np.eye(vectors.shape[1])
        turned = np.linalg.solve(covariance, means.T)
        wanted = vectors[row] @ turned - 0.5 * np.einsum("dc,cd->c", turned, means)
        first = int(np.flatnonzero(kept.owners == place)[0])
        np.testing.assert_allclose(scores[first], wanted, rtol=2e-3, atol=2e-3)


def test_the_solution_is_that_of_the_covariance() -> None:
    kept, vectors, _ = whole(2)
    made = _Gaussian.of(kept, 0.5)
    np.testing.assert_allclose(cho_solve(made.factor, kept.means.T), made.weights)
    assert np.isfinite(ridge(kept).weights).all()
    assert vectors.shape[1] == made.weights.shape[0]


def test_one_product_a_class_is_enough_to_answer() -> None:
    vectors = unit_length(np.eye(4, 6, dtype=np.float32) + 0.1)[0]
    kept = ClassStatistics.of(PATHS[:4], np.arange(4), lambda rows: vectors[rows])
    for method in METHODS:
        assert fit_head(kept, method).proba(vectors).argmax(1).tolist() == [0, 1, 2, 3]  # type: ignore[arg-type]


def test_fine_tuning_begins_at_ridge_and_makes_the_examples_likelier() -> None:
    kept, _, _ = whole(6)
    rows = np.arange(len(kept.owners))
    before = ridge(kept).proba(kept.examples)[rows, kept.owners]
    after = finetune(kept).proba(kept.examples)[rows, kept.owners]
    assert np.log(after).mean() >= np.log(before).mean()
    assert before.max() < 1  # few examples make nothing certain
