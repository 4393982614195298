"""Forgetting and its kin, counted row by row in plain Python, and over sequences of increments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.increments import right_answers, score_increment, true_nodes
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Classifier, Prediction
from mep3m.product import Product, to_table
from mep3m.store.images import Images

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "x"), ("c",)])
#: the increment that brought a row's class (-1: none did), and whether it was right after each of three steps
rows = st.lists(st.tuples(st.integers(-1, 2), *[st.booleans()] * 3), min_size=1, max_size=30)


def share(flags: Sequence[bool]) -> float | None:
    return sum(flags) / len(flags) if flags else None


def lost(before: float | None, now: float | None) -> float | None:
    return None if before is None or now is None else before - now


@settings(max_examples=100)
@given(rows)
def test_every_figure_is_what_counting_gives(drawn: list[tuple[int, bool, bool, bool]]) -> None:
    born, *steps = zip(*drawn, strict=True)
    trained, before, now = (np.array(step, dtype=bool) for step in steps)
    found = score_increment(2, np.array(born), now, before, trained)
    old = [row for row in drawn if row[0] in (0, 1)]
    first = [row for row in drawn if row[0] == 0]
    assert found.old == pytest.approx(share([row[3] for row in old]))
    assert found.new == pytest.approx(share([row[3] for row in drawn if row[0] == 2]))
    assert found.all == pytest.approx(share([row[3] for row in drawn]))
    assert found.forgetting == pytest.approx(lost(share([row[2] for row in old]), found.old))
    wanted = lost(share([row[1] for row in first]), share([row[3] for row in first]))
    assert found.since_training == pytest.approx(wanted)
    for increment, one in enumerate(found.by_increment):
        assert one == pytest.approx(share([row[3] for row in drawn if row[0] == increment]))
    assert sum(found.rows.values()) == len(drawn)


@given(rows)
def test_what_each_increment_forgot_adds_up_to_what_all_have_forgotten(
    drawn: list[tuple[int, bool, bool, bool]],
) -> None:
    """Where every class is one of training, the losses of two increments are the loss since training."""
    trained, one, two = (np.array(step, dtype=bool) for step in list(zip(*drawn, strict=True))[1:])
    born = np.zeros(len(drawn), np.int64)
    first = score_increment(1, born, one, trained, trained)
    second = score_increment(2, born, two, one, trained)
    assert first.forgetting is not None
    assert second.forgetting is not None
    assert first.forgetting == first.since_training
    assert second.since_training == pytest.approx(first.forgetting + second.forgetting)


def test_forgetting_on_a_small_array_by_hand() -> None:
    """Four old rows: three right before, two after (one lost, one found, two kept wrong or right)."""
    born = np.array([0, 0, 0, 0])
    before, now = np.array([1, 1, 1, 0], bool), np.array([1, 0, 0, 1], bool)
    found = score_increment(1, born, now, before, before)
    assert (found.old, found.forgetting, found.since_training) == (0.5, 0.25, 0.25)


@dataclass(frozen=True)
class Told:
    """A classifier that answers what it was told, row by row."""

    proba: NDArray[np.float32]
    tree: LabelTree = TREE
    reads: tuple[str, ...] = ("title",)

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        return Prediction(self.proba, np.ones(len(self.proba), bool), [])

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> NDArray[np.float32]:
        return self.proba

    def save(self, folder: object) -> None:
        raise NotImplementedError


def labelled(cells: list[tuple[str | None, ...]]) -> Dataset:
    table = to_table(Product(str(n), "t", str(n), title="t") for n in range(len(cells)))
    return Dataset(table, tuple(cells))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=20))
def test_a_row_is_right_where_the_best_leaf_is_its_label_or_below_it(drawn: list[tuple[int, int]]) -> None:
    labels = [("a", "x"), ("a", None), ("b", "x"), ("c", None), ("d", "x")]
    leaves = [TREE.paths[node] for node in TREE.leaves]
    proba = np.zeros((len(drawn), len(TREE)), np.float32)
    for row, (_, best) in enumerate(drawn):
        for depth in range(1, len(leaves[best]) + 1):
            proba[row, TREE.index(leaves[best][:depth])] = 1
    told: Classifier = Told(proba)  # type: ignore[assignment]
    dataset = labelled([labels[label] for label, _ in drawn])
    right = right_answers(told, dataset, None)
    nodes = true_nodes(TREE, dataset)
    for row, (label, best) in enumerate(drawn):
        wanted = tuple(name for name in labels[label] if name is not None)
        assert right[row] == (wanted[0] != "d" and leaves[best][: len(wanted)] == wanted)
        assert nodes[row] == TREE.index(wanted) if wanted[0] != "d" else nodes[row] == -1
