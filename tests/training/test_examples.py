from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import UsageError
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.settings.training import TrainingSettings
from mep3m.training.examples import READER, Examples, batches, encode_labels, plan_batches, usable_rows
from tests.models.catalogue import TREE, products


def stored(slots: list[int]) -> Stored:
    """Rows of one number each: the number is the slot."""
    values = np.arange(max(slots) + 1, dtype=np.float32)[:, None]
    return Stored(values, np.array(slots))


def examples(count: int) -> Examples:
    targets = np.zeros((count, 2), np.int32)
    return Examples(Inputs({"one": stored(list(range(count)))}), targets, np.arange(count))


def test_labels_in_a_file_are_the_labels_in_memory(tmp_path: Path) -> None:
    table, _ = products(tmp_path / "images", 9)
    memory, mapped = encode_labels(table, TREE), encode_labels(table, TREE, tmp_path)
    np.testing.assert_array_equal(memory, mapped)
    assert isinstance(mapped, np.memmap)
    assert memory[4].tolist() == [TREE.index(("food",)), -1]
    assert encode_labels(table.slice(0, 0), TREE).shape == (0, 2)


def test_rows_without_label_or_modality_cannot_be_used() -> None:
    targets = np.array([[0, -1], [-1, -1], [0, 1], [0, 1]], np.int32)
    inputs = Inputs({"image": stored([0, 1, -1, 2]), "title": stored([0, 1, -1, -1])})
    assert usable_rows(inputs, targets).tolist() == [0, 3]


def test_nothing_to_train_on_says_how_many_rows_have_what() -> None:
    targets = np.array([[-1, -1], [0, 1]], np.int32)
    with pytest.raises(UsageError, match=r"of 2 rows 1 have a label of the tree and 1 have one of image"):
        usable_rows(Inputs({"image": stored([0, -1])}), targets)


@given(st.integers(2, 60), st.integers(2, 9), st.integers(1, 4), st.data())
def test_the_processes_share_every_batch_and_a_resumed_epoch_goes_on(
    count: int, size: int, parts: int, data: st.DataObject
) -> None:
    made = examples(count)
    settings = TrainingSettings(batch=size)
    order = np.random.default_rng(count).permutation(count)
    plan = plan_batches(order, size * parts)
    seen = [
        [b["one"][:, 0].tolist() for b in batches(made, order, settings, 0, p, parts)] for p in range(parts)
    ]
    assert sorted(row for part in seen for batch in part for row in batch) == list(range(count))
    first = data.draw(st.integers(0, len(plan)))
    rest = [b["one"][:, 0].tolist() for b in batches(made, order, settings, first)]
    whole = [b["one"][:, 0].tolist() for b in batches(made, order, settings)]
    assert rest == whole[first:]


def test_an_absent_row_is_zeros_and_marked() -> None:
    values, present = stored([1, -1, 0]).take(np.array([0, 1, 2]))
    assert present.tolist() == [True, False, True]
    assert values[:, 0].tolist() == [1, 0, 0]


def test_batches_that_are_read_ahead_come_in_order_and_no_process_is_forked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "fork")  # forked beside running threads, a reader may hang or be lost
    made, order = examples(50), np.random.default_rng(0).permutation(50)
    plain, ahead = (list(batches(made, order, TrainingSettings(batch=4, workers=n))) for n in (0, 3))
    assert [b["one"].tolist() for b in plain] == [b["one"].tolist() for b in ahead]
    begun = batches(made, order, TrainingSettings(batch=4, workers=3))
    next(begun)
    begun.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(READER)]


def test_a_processor_has_no_readers_that_nobody_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("mep3m.training.examples.ThreadPoolExecutor")
    made, order = examples(9), np.arange(9)
    read = list(batches(made, order, TrainingSettings(batch=4)))
    assert [len(batch["targets"]) for batch in read] == [4, 5]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
@pytest.mark.parametrize("workers", [None, 0, 2])
def test_batches_for_a_gpu_lie_in_pinned_memory(workers: int | None) -> None:
    made, order = examples(9), np.arange(9)
    for batch in batches(made, order, TrainingSettings(batch=4, workers=workers), gpu=True):
        assert all(value.is_pinned() for value in batch.values())


def test_what_cannot_be_read_ahead_is_an_error_of_the_run() -> None:
    made = examples(4)
    with pytest.raises(IndexError):
        list(batches(made, np.array([0, 1, 2, 9]), TrainingSettings(batch=2, workers=2)))
