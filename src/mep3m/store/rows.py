"""Fixed-size rows on disk by content key: computed once, memory-mapped afterwards, safe to interrupt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import StoreError
from mep3m.store.json_files import read_json, write_json

#: bytes of a key in the index (half of a SHA-256: enough for 10^18 rows without a collision)
KEY_BYTES = 16


class RowCache:
    """An append-only file of equal arrays, found again by a hex key of at least 32 digits.

    `values.bin` holds the arrays and `keys.bin` their keys, written after them: what a killed
    process left half-written is cut off when the cache is opened again.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: str) -> None:
        """Open or create the cache of arrays with this shape and type.

        Raises:
            StoreError: the folder holds arrays of another shape or type.
        """
        self.folder, self.shape, self.dtype = folder, shape, np.dtype(dtype)
        self.row_bytes = int(np.prod(shape)) * self.dtype.itemsize
        folder.mkdir(parents=True, exist_ok=True)
        form = {"shape": list(shape), "dtype": self.dtype.str}
        if (folder / "form.json").exists() and read_json(folder / "form.json") != form:
            raise StoreError(
                f"{folder} holds rows of {read_json(folder / 'form.json')}, not {form}; delete it"
            )
        if not (folder / "form.json").exists():
            write_json(folder / "form.json", form)
        self._recover()

    def _recover(self) -> None:
        """Cut both files to the rows that are whole in both, and index the keys."""
        values, keys = self.folder / "values.bin", self.folder / "keys.bin"
        for path in (values, keys):
            path.open("ab").close()  # makes it, and leaves the time of one that is there
        whole = min(values.stat().st_size // self.row_bytes, keys.stat().st_size // KEY_BYTES)
        for path, size in ((values, whole * self.row_bytes), (keys, whole * KEY_BYTES)):
            if path.stat().st_size != size:  # what is whole is not touched
                os.truncate(path, size)
        raw = keys.read_bytes()
        self._slots = {raw[i : i + KEY_BYTES]: i // KEY_BYTES for i in range(0, len(raw), KEY_BYTES)}

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key)[:KEY_BYTES] in self._slots

    def append(self, keys: Sequence[str], values: NDArray[Any]) -> None:
        """Add rows (n, *shape) that the cache does not hold yet; both files are flushed to disk."""
        short = [bytes.fromhex(key)[:KEY_BYTES] for key in keys]
        with (self.folder / "values.bin").open("ab") as file:
            file.write(np.ascontiguousarray(values, dtype=self.dtype).tobytes())
            file.flush()
            os.fsync(file.fileno())
        with (self.folder / "keys.bin").open("ab") as file:
            file.write(b"".join(short))
        for key in short:
            self._slots[key] = len(self._slots)

    def slots(self, keys: Sequence[str | None]) -> NDArray[np.int64]:
        """Return (n,) the row of each key, -1 where the key is `None` or unknown."""
        short = (None if key is None else bytes.fromhex(key)[:KEY_BYTES] for key in keys)
        return np.array([-1 if key is None else self._slots.get(key, -1) for key in short], dtype=np.int64)

    def values(self) -> NDArray[Any]:
        """Return all rows (n, *shape), memory-mapped and read-only."""
        if not len(self):
            return np.empty((0, *self.shape), self.dtype)
        return np.memmap(
            self.folder / "values.bin", dtype=self.dtype, mode="r", shape=(len(self), *self.shape)
        )
