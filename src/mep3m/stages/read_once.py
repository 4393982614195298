"""Files that a stage decided on, read once in a process however many shards it applies them to."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

Value = TypeVar("Value")


def read_once(path: Path, read: Callable[[Path], Value]) -> Value:
    """Return what `read` makes of a file; in this process it is read again only when it has changed.

    The value is shared: whoever gets it must not change it.
    """
    state = path.stat()
    return cast("Value", _read(read, path, state.st_mtime_ns, state.st_ino, state.st_size))


@lru_cache(maxsize=4)
def _read(read: Callable[[Path], Any], path: Path, *_: int) -> Any:
    return read(path)
