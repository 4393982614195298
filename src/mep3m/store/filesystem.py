"""What a store asks of a file system: whole files, one writer a folder, hashes, paths that stay inside."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mep3m.errors import FormatError, StoreError


@contextmanager
def atomic_write(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends without error.

    The name carries the process id, so two workers never write into the same temporary file; a
    file left behind by a killed process is never read. Where `durable` is false the file may be lost or
    empty after a power cut (not after a kill), and the caller syncs many at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if durable:
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Keep other processes of this machine from writing into `folder` until the block ends.

    The lock is on the folder itself, so nothing is left behind, and it goes with the process that
    holds it, however that ends. A folder that the block leaves empty, as a refused command does, is removed.

    Raises:
        StoreError: another process has it.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        _lock(handle, folder)
        yield
    finally:
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
    except OSError:  # a file system that knows no locks: as good as it gets
        return


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
