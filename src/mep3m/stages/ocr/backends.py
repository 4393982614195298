"""Readers by name. To add one: a module with a class as below, and a line in `settings.ocr.BACKENDS`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Protocol

from mep3m.errors import MissingExtraError, UsageError, did_you_mean
from mep3m.imaging.decode import Pixels
from mep3m.settings.ocr import BACKENDS, OcrSettings
from mep3m.stages.ocr.lines import TextLine
from mep3m.store.filesystem import hash_file


class Backend(Protocol):
    """Detects and recognises the text of images; built once a process from the settings alone."""

    def __init__(self, settings: OcrSettings) -> None: ...

    @classmethod
    def version(cls, settings: OcrSettings) -> str:
        """Return what decides the text beside the settings: versions of packages, hashes of networks.

        Readings are kept by it, so that those of an earlier version are not taken for today's. It is
        asked for often, before anything is loaded.

        Raises:
            UsageError: something that the reader needs is not there.
        """
        ...

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        """Return the lines of each image, uncleaned, in any order.

        What is read in an image does not depend on the other images of the call.

        Args:
            images: RGB pixels, each of shape (H, W, 3), uint8.
        """
        ...


class NoBackend:
    """Reads nothing: for runs that want the stage's bookkeeping without text."""

    def __init__(self, settings: OcrSettings) -> None:
        self.settings = settings

    @classmethod
    def version(cls, settings: OcrSettings) -> str:
        """Return nothing: nothing is read."""
        return ""

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        """Return no lines for every image."""
        return [[] for _ in images]


def backend_class(name: str) -> type[Backend]:
    """Return the class of a name; the packages that it reads with are not imported yet.

    Raises:
        UsageError: no backend has this name.
    """
    if name not in BACKENDS:
        raise UsageError(f"no OCR backend '{name}'{did_you_mean(name, BACKENDS)}")
    module, _, attribute = BACKENDS[name].partition(":")
    backend: type[Backend] = getattr(importlib.import_module(module), attribute)
    return backend


def build(settings: OcrSettings) -> Backend:
    """Load the backend that the settings name.

    Raises:
        UsageError: no backend has this name.
        MissingExtraError: its package is not installed; the message is the install command.
    """
    return backend_class(settings.backend)(settings)


def versions(*packages: str) -> str:
    """Return the packages' names and versions, for `Backend.version`.

    Raises:
        MissingExtraError: one is not installed.
    """
    try:
        return " ".join(f"{package} {metadata.version(package)}" for package in packages)
    except metadata.PackageNotFoundError as error:
        raise MissingExtraError(f"{error.name} is not installed") from None


def content_of(files: Iterable[Path]) -> str:
    """Return the files' names with hashes of their bytes, for `Backend.version`; each file is read once."""
    kept = ((path, path.stat()) for path in sorted(files))
    return " ".join(_content(path, status.st_size, status.st_mtime_ns) for path, status in kept)


@lru_cache(maxsize=64)
def _content(path: Path, size: int, changed: int) -> str:
    """Return name and hash of a file; `size` and `changed` tell when it is another one."""
    return f"{path.name} {hash_file(path)[:16]}"
