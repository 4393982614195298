"""The row cache: found again, cut back to what is whole, and of one form."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import StoreError
from mep3m.store.rows import KEY_BYTES, RowCache


def key(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


@given(batches=st.lists(st.integers(0, 5), max_size=5))
def test_every_row_is_found_again_after_reopening(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    keys: list[str] = []
    rows = []
    for number, size in enumerate(batches):
        cache = RowCache(folder, (2, 3), "uint8")
        names = [key((number, place)) for place in range(size)]
        values = np.random.default_rng(number).integers(0, 255, (size, 2, 3)).astype(np.uint8)
        cache.append(names, values)
        keys += names
        rows.append(values)
    cache = RowCache(folder, (2, 3), "uint8")
    assert len(cache) == sum(batches)
    expected = np.concatenate([np.empty((0, 2, 3), np.uint8), *rows])
    assert (cache.values()[cache.slots(keys)] == expected).all()


def test_unknown_and_missing_keys_have_no_slot(tmp_path: Path) -> None:
    cache = RowCache(tmp_path, (1,), "float32")
    cache.append([key("a"), key("b")], np.array([[1.0], [2.0]]))
    assert cache.slots([key("b"), None, key("c"), key("a")]).tolist() == [1, -1, -1, 0]
    assert key("a") in cache
    assert key("c") not in cache
    assert cache.values().dtype == np.float32


@pytest.mark.parametrize(("values_cut", "keys_cut"), [(1, 0), (0, 1), (7, 0), (0, KEY_BYTES), (4, KEY_BYTES)])
def test_what_a_killed_process_left_is_cut_off(tmp_path: Path, values_cut: int, keys_cut: int) -> None:
    cache = RowCache(tmp_path, (4,), "uint8")
    cache.append([key(n) for n in range(3)], np.arange(12).reshape(3, 4))
    for name, cut in (("values.bin", values_cut), ("keys.bin", keys_cut)):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) - cut])
    again = RowCache(tmp_path, (4,), "uint8")
    whole = min((12 - values_cut) // 4, (3 * KEY_BYTES - keys_cut) // KEY_BYTES)
    assert len(again) == whole
    assert again.slots([key(n) for n in range(3)]).tolist() == [*range(whole), *[-1] * (3 - whole)]
    lost = [n for n in range(3) if key(n) not in again]
    again.append([key(n) for n in lost], np.array([range(n * 4, n * 4 + 4) for n in lost]))
    assert RowCache(tmp_path, (4,), "uint8").values().tolist() == np.arange(12).reshape(3, 4).tolist()


@pytest.mark.parametrize(("shape", "dtype"), [((3,), "uint8"), ((4,), "float32"), ((2, 2), "uint8")])
def test_a_cache_of_another_form_is_refused(tmp_path: Path, shape: tuple[int, ...], dtype: str) -> None:
    RowCache(tmp_path, (4,), "uint8")
    with pytest.raises(StoreError, match=r"holds rows of .* delete it"):
        RowCache(tmp_path, shape, dtype)
    RowCache(tmp_path, (4,), "u1")  # another word for the same type


def test_an_empty_cache_has_values_of_its_form(tmp_path: Path) -> None:
    assert RowCache(tmp_path, (2, 5), "int16").values().shape == (0, 2, 5)


def test_values_cannot_be_written_through_the_map(tmp_path: Path) -> None:
    cache = RowCache(tmp_path, (1,), "uint8")
    cache.append([key("a")], np.array([[9]]))
    with pytest.raises(ValueError, match="read-only"):
        cache.values()[0] = 1
