from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load_file

from mep3m.errors import ModelError
from mep3m.models.tensors import open_tensors, save_tensors

kinds = st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8])
shapes = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4)
whole = kinds.flatmap(lambda kind: arrays.arrays(kind, shapes))
tables = st.dictionaries(st.text("abcdef_.", min_size=1, max_size=6), whole, max_size=4)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_what_is_saved_comes_back_and_is_plain_safetensors(named: dict[str, np.ndarray]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.safetensors"
        save_tensors(path, named)
        for found in (open_tensors(path), load_file(path)):
            assert found.keys() == named.keys()
            for name, array in named.items():
                assert found[name].dtype == array.dtype
                np.testing.assert_array_equal(found[name], array)


def test_arrays_are_mapped_read_only(tmp_path: Path) -> None:
    save_tensors(tmp_path / "t", {"a": np.arange(4, dtype=np.float32)[::-1]})
    found = open_tensors(tmp_path / "t")["a"]
    assert found.tolist() == [3, 2, 1, 0], "a view is saved as it reads"
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00" * 8,
        b"\xff" * 40,
        (5).to_bytes(8, "little") + b"{}   " + b"x" * 9,
        b"not safetensors at all",
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged; copy the classifier folder again or train it again"):
        open_tensors(path)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_is_refused(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t"
        save_tensors(path, {"a": np.arange(20, dtype=np.int32), "b": np.ones((2, 2), np.float32)})
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(ModelError):
            open_tensors(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.safetensors is missing from the classifier folder"):
        open_tensors(tmp_path / "gone.safetensors")
