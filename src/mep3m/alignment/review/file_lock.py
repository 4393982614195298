"""An exclusive lock for one file, for changes that take a moment; whoever comes second waits for it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mep3m.errors import NotFoundError, StoreError

#: seconds that a writer waits for another one, and between two tries
PATIENCE, PAUSE = 10.0, 0.01


@contextmanager
def file_lock(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Keep other writers away from `path`, in this process and in others, until the block ends.

    The lock is on a hidden file beside it, which is removed afterwards. It goes with the process that
    holds it, however that ends. (`store.filesystem.exclusive_lock` is for runs: it takes a whole folder and
    does not wait. A person may decide while a build holds the folder.)

    Raises:
        StoreError: another writer held it for `patience` seconds.
    """
    lock = path.with_name(f".{path.name}.lock")
    until = time.monotonic() + patience
    while (handle := _take(lock)) is None:
        if time.monotonic() >= until:
            raise StoreError(
                f"another process is writing into {path} for more than {patience:g} seconds; nothing was "
                "recorded, run this again"
            )
        time.sleep(PAUSE)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)  # before the lock goes: whoever waits sees that its file is gone
        os.close(handle)


def _take(lock: Path) -> int | None:
    """Return the locked file's handle, or `None` where another writer has it."""
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        name = lock.name.removeprefix(".").removesuffix(".lock")
        raise NotFoundError(f"{lock.with_name(name)} is not a file: there is no such folder") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # a file system that knows no locks: as good as it gets
        return handle
    if _is_at(handle, lock):
        return handle
    os.close(handle)
    return None


def _is_at(handle: int, lock: Path) -> bool:
    """Say whether the locked file is still the one at the path: its holder removes it in the end."""
    try:
        return os.path.samestat(os.fstat(handle), lock.stat())
    except FileNotFoundError:
        return False
