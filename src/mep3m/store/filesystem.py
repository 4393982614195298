"""What a store asks of a file system, and where it is asked.

- It is **local**: a path that the operating system opens, mounted disks included. An address such as
  `s3://bucket/x` is refused (`local_folder`).
- It **renames over a file in one step** (`atomic_write`). One that cannot is refused when it says so.
- It **locks** (`exclusive_lock`). One that cannot is written all the same, after a warning: then it is the
  caller who sees to it that only one run writes.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mep3m.errors import FormatError, StoreError, UsageError

#: how an address begins: a scheme of two letters or more (one is a drive), a colon, a slash
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
#: names of half-written files: those of `atomic_write`, and those that safetensors writes before it renames
_HALF_WRITTEN = re.compile(r"\..+\.tmp|\.tmp[A-Za-z0-9]{6}")
#: what file systems answer that cannot rename over a file
_NO_RENAME = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV)
#: file systems (device numbers) whose lack of locks was told
_WARNED: set[int] = set()


def local_folder(path: Path) -> Path:
    """Return the path, and refuse one that is an address; a folder that is there is never taken for one.

    Raises:
        UsageError: it is an address.
    """
    if _ADDRESS.match(str(path)) and not path.exists():
        raise UsageError(
            f"{path} is an address; only local folders are read and written. "
            "Name a folder of this machine, mounted storage included, and copy from or to the address"
        )
    return path


@contextmanager
def atomic_write(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends without error.

    The name carries process and thread, so two workers never write into the same temporary file; a
    file left behind by a killed process is never read. Where `durable` is false the file may be lost or
    empty after a power cut (not after a kill), and the caller syncs many at once.

    Raises:
        UsageError: `path` is an address.
        StoreError: the file system cannot rename over a file.
    """
    local_folder(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        _rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half written in `folder` and below; who calls holds its lock."""
    for path in folder.rglob(".*"):
        if _HALF_WRITTEN.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def _rename(temporary: Path, path: Path) -> None:
    try:
        temporary.replace(path)
    except OSError as error:
        if error.errno not in _NO_RENAME:
            raise
        raise StoreError(
            f"the file system of {path.parent} cannot rename a file over another ({error.strerror}), "
            "which keeps results whole; write to a local disk"
        ) from error


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Keep other processes of this machine from writing into `folder` until the block ends.

    The lock is on the folder itself, so nothing is left behind, and it goes with the process that
    holds it, however that ends. A folder that the block leaves empty, as a refused command does, is removed.

    Raises:
        StoreError: another process has it.
        UsageError: `folder` is an address.
    """
    local_folder(folder)
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield
    finally:
        # to close is not enough: a process that was forked meanwhile has the folder open as well
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)
        for path in made:
            _remove_empty(path)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StoreError(
            f"another run is writing into {folder}; wait until it has ended, then run this again"
        ) from None
    except OSError as error:
        _warn_without_locks(os.fstat(handle).st_dev, folder, error)


def _warn_without_locks(device: int, folder: Path, error: OSError) -> None:
    """Say it once a file system."""
    if device in _WARNED:
        return
    _WARNED.add(device)
    warnings.warn(
        f"the file system of {folder} has no locks ({error.strerror}): two runs that write there at once "
        "spoil each other's results; run one at a time",
        stacklevel=2,
    )


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's content in hex, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_text(name: str) -> str:
    r"""Return a file's name as text that can be written anywhere: bytes that are no UTF-8 become `\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def inside(root: Path, relative: str) -> Path:
    """Join a path that came from data to `root`, and refuse one that leaves it.

    Raises:
        FormatError: the path is absolute, climbs out with '..', or follows a link out of `root`.
    """
    candidate = Path(relative.replace("\\", "/"))
    if candidate.is_absolute() or ".." in candidate.parts or "\x00" in relative or ":" in relative[:2]:
        raise FormatError(f"path '{relative}' leaves its folder; use a path relative to {root}")
    joined = root / candidate
    if not joined.resolve().is_relative_to(root.resolve()):
        raise FormatError(f"path '{relative}' leads out of {root} through a link")
    return joined
