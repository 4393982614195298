from __future__ import annotations

import numpy as np
import pytest

from mep3m.label_tree.probabilities import deepest, doubt, marginal_log_loss
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import join_scores
from mep3m.training.temperature import best_factor, temperatures

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z"), ("b", "w"), ("c",)])


def drawn(count: int, factor: float) -> tuple[np.ndarray, np.ndarray]:
    """Return scores whose softmax, times `factor`, is the distribution that the hits are drawn from."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(count, 4)).astype(np.float32)
    proba = np.exp(scores * factor)
    proba /= proba.sum(1, keepdims=True)
    drawn = np.array([rng.choice(4, p=row) for row in proba])
    return scores, np.arange(4)[None] == drawn[:, None]


@pytest.mark.parametrize("factor", [0.7, 3.0])
def test_the_factor_that_made_the_labels_is_found(factor: float) -> None:
    assert best_factor(*drawn(4000, factor)) == pytest.approx(factor, rel=0.1)


def test_without_rows_scores_stay() -> None:
    assert best_factor(np.zeros((0, 3), np.float32), np.zeros((0, 3), bool)) == 1.0


@pytest.mark.parametrize("hierarchy", ["flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine"])
def test_held_out_rows_become_more_likely_also_those_with_a_coarse_label(hierarchy: str) -> None:
    rng = np.random.default_rng(1)
    paths = [("a", "x"), ("b",), ("c",), ("b", "w")] * 30
    codes = TREE.encode(paths)
    raw = rng.normal(0, 0.1, (len(paths), len(TREE))).astype(np.float32)
    for row, nodes in enumerate(codes):
        raw[row, nodes[nodes >= 0]] += 0.5
    scale = temperatures(TREE, raw, codes, hierarchy)
    assert scale.shape == (len(TREE),)
    before, after = (
        marginal_log_loss(TREE, join_scores(TREE, raw * factor, hierarchy), deepest(codes))
        for factor in (np.ones_like(scale), scale)
    )
    assert after < before


@pytest.mark.parametrize("count", [1, 8, 40])
def test_held_out_rows_without_a_mistake_give_no_certainty(count: int) -> None:
    truth = np.arange(count) % 4
    hit = np.arange(4)[None] == truth[:, None]
    scores = np.where(hit, 0.5, -0.5).astype(np.float32)
    powers = np.exp(scores * best_factor(scores, hit))
    right = (powers[hit] / powers.sum(1)).mean()
    assert right == pytest.approx(1 - doubt(count), abs=0.01)


def test_more_rows_without_a_mistake_give_more_confidence() -> None:
    scores = np.tile(np.array([[0.5, -0.5, -0.6]], np.float32), (400, 1))
    hit = np.tile(np.array([[True, False, False]]), (400, 1))
    few, some, many = (best_factor(scores[:count], hit[:count]) for count in (4, 40, 400))
    assert few < some < many


def test_a_level_of_one_class_needs_no_factor() -> None:
    assert np.isfinite(best_factor(np.ones((5, 1), np.float32), np.ones((5, 1), bool)))


def test_a_name_below_two_parents_is_calibrated_as_one_class() -> None:
    """Its nodes share one score: counted twice in the sum, the name would look half as sure."""
    rng = np.random.default_rng(2)
    twice = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "x"), ("b", "z")])
    once = LabelTree.from_paths([("x",), ("y",), ("z",)])
    names = [path[-1] for path in twice.paths[2:]]
    raw = rng.normal(size=(200, 3)).astype(np.float32)
    paths = [twice.paths[2 + row] for row in rng.integers(0, 4, 200)]
    alone = temperatures(once, raw, once.encode([(path[-1],) for path in paths]), "flat")
    spread = np.concatenate([np.zeros((200, 2), np.float32), raw[:, ["xyz".index(n) for n in names]]], axis=1)
    found = temperatures(twice, spread, twice.encode(paths), "flat")
    np.testing.assert_allclose(found[2:], alone[0], rtol=1e-3)
