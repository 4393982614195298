"""Named arrays in one safetensors file, written whole and read by memory mapping."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from mep3m.errors import ModelError
from mep3m.store.filesystem import atomic_write

Made = TypeVar("Made")

_TYPES = {
    "F32": np.float32,
    "F64": np.float64,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "U8": np.uint8,
}


def save_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write the arrays; the file appears whole or not at all."""
    with atomic_write(path) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, temporary)


def open_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Map the arrays of a file read-only: nothing is read until it is used.

    Raises:
        ModelError: the file is missing, cut short, or not safetensors.
    """
    damaged = f"{path} is damaged; copy the classifier folder again or train it again"
    try:
        header, base = _header(path)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        end = base + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
        if end != path.stat().st_size:
            raise ModelError(f"{damaged} ({path.stat().st_size:,} bytes, expected {end:,})")
        return {name: _map(path, base, entry) for name, entry in entries.items()}
    except FileNotFoundError:
        raise ModelError(
            f"{path} is missing from the classifier folder; copy it again or train again"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{damaged} ({error})") from error


def read_tensors(path: Path, make: Callable[[dict[str, NDArray[Any]]], Made]) -> Made | None:
    """Return what `make` makes of the arrays of a file; `None` where there is no file.

    Raises:
        ModelError: the file is damaged, or `make` does not find in it what it needs.
    """
    if not path.exists():
        return None
    held = open_tensors(path)
    try:
        return make(held)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is damaged ({error!r}); copy it or train again") from None


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the header and where the data begins; an impossible length is a ValueError."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= path.stat().st_size - 8:
            raise ValueError("its header has an impossible length")
        header: dict[str, Any] = json.loads(file.read(length))
    return header, 8 + length


def _map(path: Path, base: int, entry: dict[str, Any]) -> NDArray[Any]:
    shape = tuple(entry["shape"])
    if 0 in shape:
        return np.zeros(shape, dtype=_TYPES[entry["dtype"]])
    offset = base + entry["data_offsets"][0]
    return np.memmap(path, dtype=_TYPES[entry["dtype"]], mode="r", offset=offset, shape=shape)
