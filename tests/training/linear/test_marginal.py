from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
from hypothesis import given, settings

from mep3m.label_tree.probabilities import TOLERANCE, deepest, incoherence, leaf_mask, marginal_log_loss
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import join_scores
from mep3m.models.linear.ngrams import Rows
from mep3m.models.linear.scores import scores
from mep3m.training.linear.marginal import LeafLearner, leaf_runs
from tests.label_tree.trees import seeds, trees

TREE = LabelTree.from_paths([("a", "x", "1"), ("a", "x", "2"), ("a", "y"), ("b", "z", "3"), ("b", "z", "4")])


def rows_of(dense: np.ndarray) -> Rows:
    """Return dense (N, V) values as sparse rows."""
    count, width = dense.shape
    starts = np.arange(count, dtype=np.int64) * width
    features = np.tile(np.arange(width, dtype=np.int32), count)
    return Rows(starts, starts + width, features, dense.astype(np.float32).ravel(), width)


def examples(seed: int, count: int = 60) -> tuple[Rows, np.ndarray]:
    """Return rows whose features show their leaf, with noise, and the leaves' codes."""
    rng = np.random.default_rng(seed)
    leaf = rng.integers(0, len(TREE.leaves), count)
    dense = np.eye(len(TREE.leaves))[leaf] + rng.normal(0, 0.1, (count, len(TREE.leaves)))
    return rows_of(dense), TREE.encode([TREE.paths[TREE.leaves[place]] for place in leaf])


@given(trees)
def test_every_node_has_the_run_of_its_leaves(tree: LabelTree) -> None:
    leaves, runs = leaf_runs(tree)
    below = leaf_mask(tree, np.arange(len(tree), dtype=np.int32))
    assert sorted(leaves.tolist()) == tree.leaves.tolist()
    for node in range(len(tree)):
        low, high = runs[node]
        assert sorted(leaves[low:high].tolist()) == tree.leaves[below[node]].tolist()


def test_it_learns_and_stays_coherent() -> None:
    rows, codes = examples(0)
    learner = LeafLearner(len(TREE.leaves), TREE)
    for _ in range(20):
        learner.learn(rows, codes, 1.0)
    proba = join_scores(TREE, scores(rows, learner.weights), "fine-to-coarse")
    assert incoherence(TREE, proba) <= TOLERANCE
    assert (TREE.leaves[proba[:, TREE.leaves].argmax(1)] == deepest(codes)).mean() > 0.95


def test_a_leaf_step_lowers_the_marginal_loss_of_coarse_rows() -> None:
    """Rows that are known as 'a' only pull up the leaves of 'a' together."""
    rows, codes = examples(1)
    codes[:, 1:] = -1
    learner = LeafLearner(len(TREE.leaves), TREE)
    losses = []
    for _ in range(4):
        proba = join_scores(TREE, scores(rows, learner.weights), "fine-to-coarse")
        losses.append(marginal_log_loss(TREE, proba, deepest(codes)))
        learner.learn(rows, codes, 0.3)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.8 * losses[0]


def test_rows_without_a_label_teach_nothing() -> None:
    rows, codes = examples(2)
    learner = LeafLearner(len(TREE.leaves), TREE)
    learner.learn(rows, np.full_like(codes, -1), 1.0)
    assert not learner.weights.any()


def test_the_leaf_gradient_is_the_gradient_of_the_marginal_loss() -> None:
    rows, codes = examples(3, count=1)
    codes[:, 2:] = -1
    small = LeafLearner(len(TREE.leaves), TREE)
    rng = np.random.default_rng(0)
    small._weights[:] = rng.normal(size=small._weights.shape)

    def loss() -> float:
        proba = join_scores(TREE, scores(rows, small.weights), "fine-to-coarse")
        return marginal_log_loss(TREE, proba, deepest(codes))

    before = small._weights.copy()
    numeric = np.zeros_like(before)
    for place in np.ndindex(*before.shape):
        small._weights[place] += 1e-2
        high = loss()
        small._weights[place] -= 2e-2
        numeric[place] = (high - loss()) / 2e-2
        small._weights[place] = before[place]
    small.learn(rows, codes, 1e-3)
    step = (before - small._weights) / 1e-3
    ratio = (step * numeric).sum() / np.sqrt((step**2).sum() * (numeric**2).sum())
    # Adagrad scales each feature by a positive number, so signs agree and directions nearly do
    assert ratio > 0.8
    large = np.abs(numeric) > 0.02
    assert (np.sign(step[large]) == np.sign(numeric[large])).all()


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_the_number_of_threads_does_not_matter(seed: int) -> None:
    rows, codes = examples(seed % 1000)
    found = []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        learner = LeafLearner(len(TREE.leaves), TREE)
        learner.learn(rows, codes, 1.0)
        found.append(learner.weights.copy())
    np.testing.assert_array_equal(*found)


#: learns from drawn rows with 200 leaves and prints what the weights are
DRAWN = """
import hashlib
import numpy as np
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.ngrams import Rows
from mep3m.training.linear.marginal import LeafLearner

draw = np.random.default_rng(0)
tree = LabelTree.from_paths([(f"{n // 20}", f"{n}") for n in range(200)])
codes = tree.encode([(f"{n // 20}", f"{n}") for n in draw.integers(0, 200, 640)])
starts = np.arange(640, dtype=np.int64) * 9
features = draw.integers(0, 300, 640 * 9).astype(np.int32)
values = draw.random(640 * 9).astype(np.float32)
learner = LeafLearner(300, tree)
for start in range(0, 640, 64):
    rows = np.arange(start, start + 64)
    learner.learn(Rows(starts, starts + 9, features, values, 300).take(rows), codes[rows], 0.5)
print(hashlib.sha256(learner.weights.tobytes()).hexdigest())
"""


def test_a_run_that_compiles_learns_the_same_as_one_that_finds_it_compiled(tmp_path: Path) -> None:
    surroundings = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, second = (
        subprocess.check_output([sys.executable, "-c", DRAWN], env=surroundings) for _ in range(2)
    )
    assert first == second
