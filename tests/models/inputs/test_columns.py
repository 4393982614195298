"""Rows to tensors: what is taken is what the row holds, whatever the batch, the file or the order."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mep3m.models.inputs import columns
from mep3m.models.inputs.columns import PAD, Inputs, Stored, Tokens, texts_of
from mep3m.store.rejects import Reject

texts = st.lists(st.none() | st.text("茶杯ab", max_size=6), min_size=1, max_size=12)


class Signs:
    """A coder for tests: a token a character."""

    def __len__(self) -> int:
        return 0x10000

    def encode(self, given: Sequence[str]) -> list[NDArray[np.int32]]:
        return [np.array([ord(mark) for mark in text], np.int32) for text in given]

    def save(self, folder: Path, name: str) -> None:
        raise NotImplementedError


def table(given: Sequence[str | None]) -> pa.Table:
    return pa.table({"title": pa.array(given, pa.string())})


@given(given=texts, chunk=st.integers(1, 5))
def test_texts_come_in_order_and_a_missing_one_is_empty(given: list[str | None], chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "CHUNK", chunk)
        parts = list(texts_of(table(given), "title"))
    assert [text for part in parts for text in part] == [text or "" for text in given]
    assert all(len(part) <= chunk for part in parts)


@given(given=texts, chunk=st.integers(1, 5), data=st.data())
def test_tokens_taken_are_those_of_the_rows(given: list[str | None], chunk: int, data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "CHUNK", chunk)
        tokens = Tokens.encode(Signs(), table(given), "title")
    rows = np.array(data.draw(st.lists(st.integers(0, len(given) - 1), min_size=1, max_size=9)))
    ids, there = tokens.take(rows)
    assert tokens.present().tolist() == [bool(text) for text in given]
    assert there.tolist() == [bool(given[row]) for row in rows]
    for row, line in zip(rows, ids, strict=True):
        text = given[row] or ""
        assert "".join(map(chr, line[: len(text)])) == text
        assert (line[len(text) :] == PAD).all()
    assert ids.shape[1] == max(1, *(len(given[row] or "") for row in rows), 1)


@given(given=texts, chunk=st.integers(1, 5))
def test_tokens_on_disk_are_those_in_memory(
    given: list[str | None], chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "CHUNK", chunk)
        here = Tokens.encode(Signs(), table(given), "title")
        there = Tokens.encode(Signs(), table(given), "title", tmp_path_factory.mktemp("tokens"))
    np.testing.assert_array_equal(here.ids, there.ids)
    np.testing.assert_array_equal(here.offsets, there.offsets)


@given(slots=st.lists(st.integers(-1, 3), min_size=1, max_size=8), data=st.data())
def test_stored_arrays_are_found_by_their_slot_and_missing_ones_are_zero(
    slots: list[int], data: st.DataObject
) -> None:
    values = np.arange(4 * 6, dtype=np.uint8).reshape(4, 2, 3) + 1
    stored = Stored(values, np.array(slots, np.int64))
    rows = np.array(data.draw(st.lists(st.integers(0, len(slots) - 1), min_size=1, max_size=8)))
    taken, there = stored.take(rows)
    assert stored.present().tolist() == [slot >= 0 for slot in slots]
    assert there.tolist() == [slots[row] >= 0 for row in rows]
    assert taken.dtype == values.dtype
    for row, array in zip(rows, taken, strict=True):
        np.testing.assert_array_equal(array, values[slots[row]] if slots[row] >= 0 else 0)


def test_inputs_keep_the_order_of_their_modalities_and_name_each_fault_once() -> None:
    fault = Reject("train", "shop", "broken", product="1")
    other = Reject("train", "shop", "broken", product="2")
    pictures = Stored(np.ones((1, 2), np.float32), np.array([0, -1]), [fault, other, fault])
    inputs = Inputs({"image": pictures, "title": Tokens.encode(Signs(), table(["茶", "杯"]), "title")})
    taken = inputs.take(np.array([1, 0]))
    assert list(taken) == ["image", "title", "present"]
    assert taken["present"].tolist() == [[False, True], [True, True]]
    assert taken["image"].tolist() == [[0, 0], [1, 1]]
    assert inputs.rejects == [fault, other]
