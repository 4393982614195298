"""A cache of rows that is whole is opened without a change to any file; what is half written is cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mep3m.store.rows import KEY_BYTES, RowCache

KEYS = [f"{n:032x}" + 32 * "0" for n in (5, 6, 7)]


def filled(folder: Path) -> RowCache:
    cache = RowCache(folder, (4,), "<f4")
    cache.append(KEYS, np.arange(12, dtype=np.float32).reshape(3, 4))
    return cache


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_opening_what_is_whole_touches_nothing(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    before = times(tmp_path)
    again = RowCache(tmp_path, (4,), "<f4")
    assert times(tmp_path) == before
    np.testing.assert_array_equal(again.values(), cache.values())


def test_an_empty_cache_is_made_once(tmp_path: Path) -> None:
    RowCache(tmp_path, (4,), "<f4")
    before = times(tmp_path)
    assert len(RowCache(tmp_path, (4,), "<f4")) == 0
    assert times(tmp_path) == before


@pytest.mark.parametrize("lost", [1, 15, 16])
def test_a_key_that_is_not_whole_is_cut_off_with_its_row(lost: int, tmp_path: Path) -> None:
    filled(tmp_path)
    keys = tmp_path / "keys.bin"
    keys.write_bytes(keys.read_bytes()[:-lost])
    again = RowCache(tmp_path, (4,), "<f4")
    assert len(again) == 2
    assert keys.stat().st_size == 2 * KEY_BYTES
    assert (tmp_path / "values.bin").stat().st_size == 2 * 16


def test_what_was_cut_off_is_added_again_to_the_same_bytes(tmp_path: Path) -> None:
    filled(tmp_path)
    files = [tmp_path / name for name in ("keys.bin", "values.bin")]
    whole = [file.read_bytes() for file in files]
    files[0].write_bytes(whole[0][:-3])
    again = RowCache(tmp_path, (4,), "<f4")
    again.append(KEYS[2:], np.arange(8, 12, dtype=np.float32).reshape(1, 4))
    assert [file.read_bytes() for file in files] == whole
