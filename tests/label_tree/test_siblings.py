"""The compiled softmax among siblings beside the definition, family by family."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.label_tree.probabilities import from_siblings
from mep3m.label_tree.tree import LabelTree
from tests.label_tree.trees import trees


def by_definition(tree: LabelTree, scores: np.ndarray) -> np.ndarray:
    """Multiply each node's softmax among its siblings with its parent's probability, in double precision."""
    proba = np.zeros(scores.shape)
    for column, path in enumerate(tree.paths):
        siblings = [
            k for k, other in enumerate(tree.paths) if len(other) == len(path) and other[:-1] == path[:-1]
        ]
        above = proba[:, tree.index(path[:-1])] if len(path) > 1 else np.ones(len(scores))
        family = scores[:, siblings].astype(np.float64)
        top = family.max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            exponents = np.where(np.isneginf(top), 0.0, np.exp(family - top))
        total = exponents.sum(axis=1)
        share = exponents[:, siblings.index(column)] / np.where(total > 0, total, 1)
        proba[:, column] = above * share
    return proba


def drawn(seed: int, tree: LabelTree, hidden: float) -> np.ndarray:
    """Return scores of eight rows; a share of the nodes has no data (-inf)."""
    draw = np.random.default_rng(seed)
    scores = draw.normal(0, 4, (8, len(tree))).astype(np.float32)
    scores[draw.random(scores.shape) < hidden] = -np.inf
    return scores


@given(tree=trees, seed=st.integers(0, 999), hidden=st.sampled_from([0.0, 0.0, 0.3, 1.0]))
def test_probabilities_are_those_of_the_definition(tree: LabelTree, seed: int, hidden: float) -> None:
    scores = drawn(seed, tree, hidden)
    np.testing.assert_allclose(from_siblings(tree, scores), by_definition(tree, scores), atol=2e-6)


@given(tree=trees, seed=st.integers(0, 999), shift=st.floats(-50, 50))
def test_a_constant_on_a_family_changes_nothing(tree: LabelTree, seed: int, shift: float) -> None:
    scores = drawn(seed, tree, 0.0)
    first = [column for column, path in enumerate(tree.paths) if len(path) == 1]
    moved = scores.copy()
    moved[:, first] += np.float32(shift)
    np.testing.assert_allclose(from_siblings(tree, moved), from_siblings(tree, scores), atol=2e-4)


@given(tree=trees, seed=st.integers(0, 999))
def test_rows_are_answered_alone(tree: LabelTree, seed: int) -> None:
    scores = drawn(seed, tree, 0.1)
    whole = from_siblings(tree, scores)
    for row in range(len(scores)):
        np.testing.assert_array_equal(from_siblings(tree, scores[row : row + 1])[0], whole[row])


@pytest.mark.parametrize("large", [88.0, 1e4, 3e38])
def test_large_scores_do_not_overflow(large: float) -> None:
    tree = LabelTree.from_paths([("a",), ("b",)])
    found = from_siblings(tree, np.array([[large, -large]], np.float32))
    assert found.tolist() == [[1.0, 0.0]]
