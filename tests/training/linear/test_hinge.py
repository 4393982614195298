from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.optimize import minimize
from sklearn.svm import LinearSVC

from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.ngrams import Rows
from mep3m.models.linear.scores import scores
from mep3m.training.linear import hinge
from mep3m.training.linear.hinge import Contests, SolverPlan, level_contests, sibling_contests, solve
from tests.label_tree.trees import seeds, trees
from tests.training.linear.test_marginal import TREE, examples, rows_of

NOBODY = np.zeros(0, dtype=np.int64)


def flat(classes: int) -> Contests:
    return Contests(np.array([0]), np.array([classes]), np.array([0]))


def drawn(seed: int, count: int, classes: int, width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Return dense rows and (N, 1) classes that a linear model tells apart in part."""
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(count, width)).astype(np.float32)
    kinds = (dense @ rng.normal(size=(width, classes)) + rng.normal(size=(count, classes))).argmax(1)
    return dense, kinds.astype(np.int32)[:, None]


def even(classes: int, cost: float = 1.0) -> np.ndarray:
    return np.full((2, classes), cost, dtype=np.float32)


def objective(dense: np.ndarray, own: np.ndarray, weights: np.ndarray, cost: float) -> float:
    """What a linear SVM minimises, for one class."""
    miss = np.maximum(0, 1 - np.where(own, 1, -1) * (dense @ weights))
    return float(0.5 * weights @ weights + cost * (miss**2).sum())


@pytest.mark.parametrize("classes", [2, 3, 70])
def test_it_finds_the_weights_of_a_linear_svm(monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
    monkeypatch.setattr(hinge, "_WIDTH", 8)
    dense, codes = drawn(0, 300, classes)
    found, _ = solve(rows_of(dense), codes, NOBODY, flat(classes), even(classes, 0.3), SolverPlan(200, 0, 0))
    for column in range(min(classes, 5)):
        own = codes[:, 0] == column
        if not own.any():
            continue
        svm = LinearSVC(C=0.3, fit_intercept=False, tol=1e-8, max_iter=20_000).fit(dense, own)
        best = objective(dense, own, svm.coef_[0], 0.3)
        assert objective(dense, own, found[:, column], 0.3) <= 1.01 * best


def test_a_bound_makes_large_errors_cost_in_proportion() -> None:
    """What is then minimised: the square up to bound / (2 cost), its tangent beyond (here by scipy)."""
    dense, codes = drawn(3, 200, 3)
    cost, bound = 2.0, 0.5

    def robust(weights: np.ndarray, own: np.ndarray) -> float:
        miss = np.maximum(0, 1 - np.where(own, 1, -1) * (dense @ weights))
        square, line = cost * miss**2, bound * miss - bound**2 / (4 * cost)
        return float(0.5 * weights @ weights + np.where(miss <= bound / (2 * cost), square, line).sum())

    found, _ = solve(rows_of(dense), codes, NOBODY, flat(3), even(3, cost), SolverPlan(300, 0, 0, bound))
    plain, _ = solve(rows_of(dense), codes, NOBODY, flat(3), even(3, cost), SolverPlan(300, 0, 0))
    for column in range(3):
        own = codes[:, 0] == column
        best = minimize(robust, np.zeros(dense.shape[1]), own, method="L-BFGS-B").fun
        assert robust(found[:, column], own) <= 1.01 * best
        assert robust(plain[:, column], own) > 1.01 * best


def test_a_bound_keeps_a_wrong_label_from_bending_a_class() -> None:
    rng = np.random.default_rng(0)
    dense = np.zeros((60, 3), dtype=np.float32)
    codes = (np.arange(60) % 2).astype(np.int32)[:, None]
    dense[np.arange(60), codes[:, 0]] = 1
    dense[:, 2] = rng.normal(0, 0.1, 60)
    dense[0], codes[0] = (0, 3, 0), 0  # a row of the second kind under the first label
    scored = []
    for bound in (np.inf, 0.5):
        weights, _ = solve(rows_of(dense), codes, NOBODY, flat(2), even(2, 2.0), SolverPlan(100, 0, 0, bound))
        scored.append(float(weights[1, 1]))
    assert scored[1] > scored[0] + 0.1


def test_dear_errors_on_its_own_rows_give_a_rare_class_more_of_them() -> None:
    rng = np.random.default_rng(0)
    kinds = (rng.random(600) < 0.1).astype(np.int32)
    dense = rng.normal(0, 1, (600, 3)).astype(np.float32)
    dense[:, 0] += 2 * kinds
    dense[:, 2] = 0.5
    rows = rows_of(dense)
    found = []
    for own in (1.0, 8.0):
        costs = np.array([[1, 1], [1, own]], dtype=np.float32)
        weights, _ = solve(rows, kinds[:, None], NOBODY, flat(2), costs, SolverPlan(10, 0, 0))
        found.append(scores(rows, weights).argmax(axis=1)[kinds == 1].mean())
    assert found[0] < found[1]


def test_two_classes_have_opposite_weights() -> None:
    dense, codes = drawn(1, 80, 2)
    weights, raw = solve(rows_of(dense), codes, np.arange(9), flat(2), even(2), SolverPlan(5, 2, 0))
    np.testing.assert_array_equal(weights[:, 0], -weights[:, 1])
    np.testing.assert_array_equal(raw[:, 0], -raw[:, 1])
    assert weights.any()


@settings(max_examples=10, deadline=None)
@given(seeds)
def test_held_out_scores_do_not_know_the_held_out_labels(seed: int) -> None:
    rows, codes = examples(seed % 1000)
    held = np.arange(0, len(codes), 4)
    other = codes.copy()
    other[held] = codes[held[::-1]]
    plan = SolverPlan(4, 2, 0)
    one, two = (
        solve(rows, known, held, sibling_contests(TREE), even(len(TREE)), plan) for known in (codes, other)
    )
    np.testing.assert_array_equal(one[1], two[1])
    blank = codes.copy()
    blank[held] = -1
    first, _ = solve(rows, blank, NOBODY, sibling_contests(TREE), even(len(TREE)), SolverPlan(4, 0, 0))
    np.testing.assert_allclose(one[1], scores(rows.take(held), first), atol=1e-5)


def test_held_out_rows_teach_the_final_weights() -> None:
    rows, codes = examples(3)
    held = np.flatnonzero(codes[:, 0] == 0)
    contests, costs = level_contests(TREE), even(len(TREE))
    weights, raw = solve(rows, codes, held, contests, costs, SolverPlan(6, 6, 0))
    after = scores(rows.take(held), weights)[:, 0]
    assert (after > 0.5).all()
    assert (raw[:, 0] < 0.5).all(), "the class was never seen before its rows were scored"


@settings(max_examples=15, deadline=None)
@given(trees)
def test_contests_hold_every_family_and_only_children_have_no_part(tree: LabelTree) -> None:
    contests = sibling_contests(tree)
    for first, last, level in zip(contests.firsts, contests.lasts, contests.levels, strict=True):
        assert len(set(tree.parent[first:last].tolist())) == 1
        assert (tree.levels[first:last] == level + 1).all()
    covered = np.concatenate([np.arange(a, b) for a, b in zip(contests.firsts, contests.lasts, strict=True)])
    assert sorted(covered.tolist()) == list(range(len(tree)))
    sizes = (contests.lasts - contests.firsts).tolist()
    known = np.sort(tree.targets(tree.ancestors[tree.leaves]), axis=0)
    assert len(contests.parts(known)) == sum(size > 1 for size in sizes)


def test_a_row_teaches_only_the_families_on_its_path() -> None:
    rows, codes = examples(4)
    inside = codes.copy()
    inside[codes[:, 0] == TREE.index(("b",)), 1:] = -1
    weights, _ = solve(rows, inside, NOBODY, sibling_contests(TREE), even(len(TREE)), SolverPlan(3, 0, 0))
    whole, _ = solve(rows, codes, NOBODY, sibling_contests(TREE), even(len(TREE)), SolverPlan(3, 0, 0))
    below_b = [place for place, path in enumerate(TREE.paths) if path[0] == "b" and len(path) > 1]
    assert whole[:, below_b].any()
    assert not weights[:, below_b].any()
    rest = np.setdiff1d(np.arange(len(TREE)), below_b)
    np.testing.assert_array_equal(weights[:, rest], whole[:, rest])


def test_a_level_without_label_teaches_nothing() -> None:
    rows, codes = examples(5)
    codes[:, 1:] = -1
    weights, _ = solve(rows, codes, NOBODY, level_contests(TREE), even(len(TREE)), SolverPlan(3, 0, 0))
    assert weights[:, TREE.nodes(1)].any()
    assert not weights[:, TREE.nodes(2).start :].any()


@settings(max_examples=8, deadline=None)
@given(seeds)
def test_threads_gaps_between_rows_and_strange_features_change_nothing(seed: int) -> None:
    rows, codes = examples(seed % 1000)
    plan, costs = SolverPlan(3, 1, seed % 7), even(len(TREE))
    held = np.array([1, 5])
    gaps = Rows(rows.starts + 2, rows.stops + 2, np.append([0, 0], rows.features).astype(np.int32),
                np.append([9, 9], rows.values).astype(np.float32), rows.width + 3)  # fmt: skip
    before = numba.get_num_threads()
    found = []
    for threads, mine in ((1, rows), (min(2, numba.config.NUMBA_NUM_THREADS), rows), (1, gaps)):
        numba.set_num_threads(threads)
        found.append(solve(mine, codes, held, sibling_contests(TREE), costs, plan))
    numba.set_num_threads(before)
    for weights, raw in found[1:]:
        np.testing.assert_array_equal(weights[: rows.width], found[0][0])
        np.testing.assert_array_equal(raw, found[0][1])
        assert not weights[rows.width :].any()


def test_many_rows_are_solved_few_classes_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dual variables of a part stay few; the answer is that of one wide part."""
    dense, codes = drawn(2, 200, 30)
    found = []
    for most in (1 << 26, 200 * 6):
        monkeypatch.setattr(hinge, "_DUALS", most)
        parts = flat(30).parts(np.sort(codes, axis=0))
        assert len(parts) == (1 if most > 6000 else 5)
        found.append(solve(rows_of(dense), codes, NOBODY, flat(30), even(30, 0.1), SolverPlan(60, 0, 0))[0])
    np.testing.assert_allclose(*found, atol=0.01)
