"""Held-out rows bound what trained classes lose: by hand, for any numbers, and from a damaged file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import ModelError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.learned.held_out import FILE, MOST, HeldOut
from mep3m.models.tensors import save_tensors

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b",)])


def held(sure: list[float], right: list[bool] | None = None) -> HeldOut:
    told = np.ones(len(sure), bool) if right is None else np.array(right)
    return HeldOut(tuple("t" * len(sure)), np.array(sure, np.float32), told)


def lost(rows: HeldOut, trained: np.ndarray, learned: np.ndarray, shift: float) -> int:
    """Count the right rows that a learned class takes."""
    ours = np.log(trained) + 2 * np.log(rows.sure)
    return int((rows.right & (np.log(learned) + shift > ours)).sum())


def test_a_row_is_right_at_its_leaf_or_below_its_category() -> None:
    proba = np.zeros((4, len(TREE)), np.float32)
    for row, path in enumerate([("a", "x"), ("a", "y"), ("a", "y"), ("b",)]):
        proba[row, TREE.index(path)] = 0.75
        proba[row, TREE.index(path[:1])] = 0.75
    nodes = np.array([TREE.index(("a", "x")), TREE.index(("a",)), TREE.index(("b",)), -1])
    rows = HeldOut.of(TREE, proba, nodes, pa.chunked_array([["one", None, "three", "four"]]))
    assert rows is not None
    assert rows.right.tolist() == [True, True, False, False]
    assert rows.sure.tolist() == [0.75] * 4
    assert rows.texts == ("one", "", "three", "four")


def test_no_row_is_nothing_and_many_are_thinned() -> None:
    none = np.zeros((0, len(TREE)), np.float32)
    assert HeldOut.of(TREE, none, np.zeros(0, np.int64), pa.chunked_array([[]], pa.string())) is None
    count = MOST + 500
    proba = np.full((count, len(TREE)), 0.5, np.float32)
    titles = pa.chunked_array([[str(n) for n in range(count)]])
    rows = HeldOut.of(TREE, proba, np.zeros(count, np.int64), titles)
    assert rows is not None
    assert len(rows) == MOST
    assert rows.texts[-1] == str(count - 1)


@pytest.mark.parametrize(("forget", "expected"), [(0.0, 0), (0.1, 0), (0.2, 1), (0.5, 4), (0.99, 8)])
def test_as_many_are_lost_as_the_bound_allows(forget: float, expected: int) -> None:
    """Nine rows, of which learned classes would take all: a share `forget` of them may be lost."""
    rows = held([0.9] * 9)
    trained, learned = np.linspace(0.1, 0.3, 9), np.full(9, 0.7)
    shift = rows.shift(trained, learned, forget)
    assert shift < 0
    assert lost(rows, trained, learned, shift) == expected


def test_scores_are_never_raised_and_a_bound_of_one_leaves_them() -> None:
    rows = held([0.9] * 5)
    assert rows.shift(np.full(5, 0.99), np.full(5, 0.01), 0.0) == 0.0
    assert rows.shift(np.full(5, 0.01), np.full(5, 0.99), 1.0) == 0.0


def test_what_the_model_had_wrong_cannot_be_lost() -> None:
    trained, learned = np.array([0.1, 0.9]), np.array([0.9, 0.05])
    assert held([0.9, 0.9], [False, True]).shift(trained, learned, 0.0) == 0.0
    assert held([0.9, 0.9], [True, True]).shift(trained, learned, 0.0) < 0
    assert held([0.9, 0.9], [False, False]).shift(trained, learned, 0.0) == 0.0


@given(
    st.lists(
        st.tuples(st.floats(0, 1, width=32), st.floats(0.125, 1, width=32), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    st.floats(0, 1),
)
def test_no_more_are_lost_than_asked_for_whatever_the_opinions(
    drawn: list[tuple[float, float, bool]], forget: float
) -> None:
    taken, sure, right = (np.array(one) for one in zip(*drawn, strict=True))
    rows = HeldOut(tuple("t" * len(drawn)), sure.astype(np.float32), right.astype(bool))
    trained, learned = np.maximum(1 - taken, 1e-9), np.maximum(taken, 1e-9)
    shift = rows.shift(trained, learned, forget)
    assert np.isfinite(shift)
    assert shift <= 0
    assert lost(rows, trained, learned, shift - 1e-5) <= forget * len(rows) + 1e-5


def test_it_is_the_same_when_loaded(tmp_path: Path) -> None:
    rows = HeldOut(("苹果 红", "", "x"), np.array([0.5, 0.25, 1], np.float32), np.array([True, False, True]))
    rows.save(tmp_path)
    again = HeldOut.load(tmp_path)
    assert again is not None
    assert again.texts == rows.texts
    assert again.right.tolist() == [True, False, True]
    assert again.sure.tolist() == [0.5, 0.25, 1.0]
    assert HeldOut.load(tmp_path / "nowhere") is None


@pytest.mark.parametrize("broken", ["cut", "names", "lengths"])
def test_a_damaged_file_is_an_error_that_says_so(broken: str, tmp_path: Path) -> None:
    held([0.5, 0.5]).save(tmp_path)
    file = tmp_path / FILE
    if broken == "cut":
        file.write_bytes(file.read_bytes()[:-3])
    elif broken == "names":
        save_tensors(file, {"texts": np.zeros(2, np.uint8)})
    else:
        texts = np.frombuffer(b'["a"]', dtype=np.uint8)
        save_tensors(file, {"texts": texts, "sure": np.ones(2, np.float32), "right": np.ones(2, np.uint8)})
    with pytest.raises(ModelError, match="damaged"):
        HeldOut.load(tmp_path)
