"""Heads against arithmetic written out, and against any order of increments and of rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mep3m.arrays import unit_length
from mep3m.models.learned.heads import METHODS, Method, fit_head, prototypes, ridge
from mep3m.models.learned.statistics import ClassStatistics
from tests.models.learned.test_statistics import PATHS, drawn

Steps = list[list[int]]


@st.composite
def partitions(draw: st.DrawFn) -> Steps:
    """Draw increments that bring all classes: any order, any number at a time."""
    order = draw(st.permutations(range(len(PATHS))))
    cuts = sorted(draw(st.sets(st.integers(1, len(PATHS) - 1))))
    return [list(order[start:end]) for start, end in zip([0, *cuts], [*cuts, len(PATHS)], strict=True)]


def taught(vectors: NDArray[np.float32], classes: NDArray[np.int64], steps: Steps) -> ClassStatistics:
    made: ClassStatistics | None = None
    for step in steps:
        mine = np.where(np.isin(classes, step), classes, -1)
        more = ClassStatistics.of(PATHS, mine, lambda rows: vectors[rows])
        made = more if made is None else made + more
    assert made is not None
    return made


def by_path(kept: ClassStatistics, proba: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the columns in the order of `PATHS`."""
    return proba[:, [kept.paths.index(path) for path in PATHS]]


def same(one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    """Both answer the same, and are as sure of it, within what the search for a temperature leaves open."""
    np.testing.assert_allclose(one, other, atol=1e-2)
    clear = np.sort(one, axis=1)[:, -1] - np.sort(one, axis=1)[:, -2] > 0.02
    assert clear.any()
    assert (one.argmax(axis=1) == other.argmax(axis=1))[clear].all()


@settings(max_examples=20)
@given(st.integers(0, 50), partitions(), partitions())
def test_ridge_and_prototypes_answer_the_same_however_classes_came(
    seed: int, steps: Steps, others: Steps
) -> None:
    vectors, classes = drawn(seed, each=8)
    asked = drawn(seed + 100)[0]
    one, other = taught(vectors, classes, steps), taught(vectors, classes, others)
    for head in (ridge, prototypes):
        same(by_path(one, head(one).proba(asked)), by_path(other, head(other).proba(asked)))


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_count_where_all_are_kept(seed: int) -> None:
    """Of at most 16 rows a class all are examples, so that the order has nothing to decide."""
    vectors, classes = drawn(seed, each=8)
    turn = np.random.default_rng(seed).permutation(len(classes))
    asked = drawn(seed + 100)[0]
    whole = [list(range(len(PATHS)))]
    one, other = taught(vectors, classes, whole), taught(vectors[turn], classes[turn], whole)
    same(ridge(one).proba(asked), ridge(other).proba(asked))


def nearest_by_hand(
    vectors: NDArray[np.float32], classes: NDArray[np.int64], query: NDArray[np.float32]
) -> int:
    """Return the class whose mean, less the mean of means, has the largest cosine with the query so moved."""
    means = [vectors[classes == one].astype(np.float64).mean(axis=0) for one in range(len(PATHS))]
    centre = sum(means) / len(means)
    cosines = []
    for mean in means:
        own, moved = mean - centre, query.astype(np.float64) - centre
        cosines.append(float(own @ moved) / (np.linalg.norm(own) * np.linalg.norm(moved)))
    return int(np.argmax(cosines))


@settings(max_examples=40)
@given(st.integers(0, 200), st.integers(1, 20), st.integers(2, 12))
def test_prototypes_are_the_nearest_centred_mean(seed: int, each: int, width: int) -> None:
    vectors, classes = drawn(seed, each, width)
    kept = taught(vectors, classes, [list(range(len(PATHS)))])
    asked = unit_length(np.random.default_rng(seed).normal(size=(25, width)).astype(np.float32))[0]
    proba = prototypes(kept).proba(asked)
    for row, query in enumerate(asked):
        wanted = nearest_by_hand(vectors, classes, query)
        # equal within rounding is equal
        assert proba[row, wanted] == pytest.approx(float(proba[row].max()), abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", ["one row a class", "all rows the same", "one class", "no spread", "wide"])
def test_a_head_of_little_is_finite_and_certain_of_nothing(method: Method, case: str) -> None:
    width = 300 if case == "wide" else 5
    vectors, classes = drawn(2, 1 if case == "one row a class" else 4, width)
    if case == "all rows the same":
        vectors = np.repeat(vectors[:1], len(vectors), axis=0)
    if case == "no spread":
        vectors = vectors[[int(np.flatnonzero(classes == one)[0]) for one in classes]]
    steps = [[0]] if case == "one class" else [list(range(len(PATHS)))]
    head = fit_head(taught(vectors, classes, steps), method)
    proba = head.proba(np.concatenate([vectors, -vectors, np.zeros((1, width), np.float32)]))
    assert np.isfinite(head.weights).all()
    assert np.isfinite(proba).all()
    np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    if case == "all rows the same":
        assert proba[0].max() < 0.5  # nothing tells the five apart


def test_a_class_of_very_many_rows_does_not_push_a_class_of_few_aside() -> None:
    """A row weighs one over the root of its class, and every mean counts once."""
    rng = np.random.default_rng(0)
    centres = np.eye(3, 6)
    sizes = (4000, 5, 5)
    classes = np.repeat(np.arange(3), sizes)
    vectors = unit_length((centres[classes] + rng.normal(size=(len(classes), 6)) * 0.2).astype(np.float32))[0]
    kept = ClassStatistics.of(PATHS[:3], classes, lambda rows: vectors[rows])
    asked = np.repeat(np.arange(3), 100)
    new = unit_length((centres[asked] + rng.normal(size=(300, 6)) * 0.2).astype(np.float32))[0]
    for method in METHODS:
        best = fit_head(kept, method).proba(new).argmax(axis=1)  # type: ignore[arg-type]
        assert [(best[asked == one] == one).mean() > 0.9 for one in range(3)] == [True] * 3
