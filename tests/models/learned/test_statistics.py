"""What is kept of classes: it adds up, whatever the order and the number of increments."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mep3m.arrays import unit_length
from mep3m.errors import ModelError
from mep3m.label_tree.tree import LabelPath
from mep3m.models.learned.heads import Method, fit_head
from mep3m.models.learned.statistics import EACH, FILE, ClassStatistics

PATHS: tuple[LabelPath, ...] = (("a",), ("b",), ("c", "x"), ("c", "y"), ("d",))


def drawn(seed: int, each: int = 6, width: int = 5) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return vectors of five classes, and the class of each."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.repeat(np.arange(len(PATHS)), each))
    centres = rng.normal(size=(len(PATHS), width)) * 2
    return unit_length((centres[classes] + rng.normal(size=(len(classes), width))).astype(np.float32))[
        0
    ], classes


def kept(vectors: NDArray[np.float32], classes: NDArray[np.int64], only: tuple[int, ...]) -> ClassStatistics:
    mine = np.where(np.isin(classes, only), classes, -1)
    return ClassStatistics.of(PATHS, mine, lambda rows: vectors[rows])


@given(st.integers(0, 50), st.permutations(range(5)), st.integers(1, 4))
def test_increments_give_what_all_at_once_gives(seed: int, order: list[int], cut: int) -> None:
    vectors, classes = drawn(seed)
    steps = kept(vectors, classes, tuple(order[:cut])) + kept(vectors, classes, tuple(order[cut:]))
    whole = kept(vectors, classes, tuple(range(5)))
    places = [whole.paths.index(path) for path in steps.paths]
    np.testing.assert_allclose(steps.products, whole.products, atol=1e-5)
    np.testing.assert_allclose(steps.means, whole.means[places], atol=1e-6)
    assert steps.counts.tolist() == whole.counts[places].tolist()
    assert steps.paths[:cut] == kept(vectors, classes, tuple(order[:cut])).paths


@pytest.mark.parametrize("method", ["ridge", "prototypes", "finetune"])
def test_heads_do_not_depend_on_the_increments(method: Method) -> None:
    vectors, classes = drawn(3)
    one_by_one = kept(vectors, classes, (0,))
    for number in range(1, 5):
        one_by_one = one_by_one + kept(vectors, classes, (number,))
    whole = kept(vectors, classes, tuple(range(5)))
    steps, once = fit_head(one_by_one, method).proba(vectors), fit_head(whole, method).proba(vectors)
    np.testing.assert_allclose(steps, once, atol=2e-3)


def test_a_class_keeps_its_place_and_a_row_of_no_class_counts_for_none() -> None:
    vectors, classes = drawn(1)
    first = kept(vectors, classes, (2, 4))
    more = first + kept(vectors, classes, (0,))
    assert first.paths == (("c", "x"), ("d",))
    assert more.paths == (("c", "x"), ("d",), ("a",))
    assert more.counts.tolist() == [6, 6, 6]


def test_few_vectors_are_kept_of_each_class_evenly() -> None:
    vectors, classes = drawn(2, each=100)
    found = kept(vectors, classes, (0, 1))
    assert np.bincount(found.owners).tolist() == [EACH, EACH]
    rows = np.flatnonzero(classes == 0)
    np.testing.assert_array_equal(found.examples[0], vectors[rows[0]])
    np.testing.assert_array_equal(found.examples[EACH - 1], vectors[rows[-1]])


def test_the_file_holds_it_all(tmp_path: Path) -> None:
    vectors, classes = drawn(4)
    before = kept(vectors, classes, (0, 1, 3))
    before.save(tmp_path)
    again = ClassStatistics.load(tmp_path)
    assert again is not None
    assert again.paths == before.paths
    np.testing.assert_allclose(again.products, before.products, atol=1e-6)
    np.testing.assert_allclose(again.examples, before.examples, atol=1e-3)
    assert ClassStatistics.load(tmp_path / "elsewhere") is None
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-7])
    with pytest.raises(ModelError, match="damaged"):
        ClassStatistics.load(tmp_path)


def test_vectors_without_a_direction_are_zeros() -> None:
    made, has = unit_length(np.array([[3, 4], [0, 0], [np.nan, 1]], np.float32))
    assert has.tolist() == [True, False, False]
    np.testing.assert_allclose(made, [[0.6, 0.8], [0, 0], [0, 0]], atol=1e-6)
