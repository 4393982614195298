"""Where image bytes come from: a folder by content or by the source's own names, or what was handed over."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mep3m.errors import NotFoundError
from mep3m.store.filesystem import atomic_write, inside


class Images(Protocol):
    """Anything that can find the image of a product row."""

    def locate(self, row: dict[str, Any]) -> Path | bytes | None:
        """Return the file of a row (`image` and `image_ref` are read) or its bytes, `None` without image."""
        ...


def read_image(source: Path | bytes) -> bytes:
    """Return the bytes of what `Images.locate` returned.

    Raises:
        OSError: the file cannot be read.
    """
    return source.read_bytes() if isinstance(source, Path) else source


class ContentImages:
    """Images named by the SHA-256 of their bytes; the same bytes are stored once.

    Layout: `root/<first three hex digits>/<sha256>`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, content: bytes) -> str:
        """Store the bytes if they are new and return their hash; safe from many processes at once.

        The disk is not waited for: who writes many images calls `os.sync` before noting that they exist
        (a wait for each image is ten times slower than everything else). What a power cut emptied has
        another size and is written again.
        """
        key = hashlib.sha256(content).hexdigest()
        target = self.file(key)
        if not target.exists() or target.stat().st_size != len(content):
            with atomic_write(target, durable=False) as temporary:
                temporary.write_bytes(content)
        return key

    def file(self, key: str) -> Path:
        """Return the path that holds the image with this hash, whether it exists or not."""
        return self.root / key[:3] / key

    def read(self, key: str) -> bytes:
        """Return the bytes of an image.

        Raises:
            NotFoundError: the store has no such image.
        """
        try:
            return self.file(key).read_bytes()
        except FileNotFoundError:
            raise NotFoundError(f"no image {key} under {self.root}") from None

    def locate(self, row: dict[str, Any]) -> Path | None:
        """Return the file of a row by its content hash."""
        return self.file(row["image"]) if row["image"] else None


class FolderImages:
    """Images under the names that the source gave them, below one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def locate(self, row: dict[str, Any]) -> Path | None:
        """Return the file of a row by its `image_ref`.

        Raises:
            FormatError: the name leads out of the root folder.
        """
        return inside(self.root, row["image_ref"]) if row["image_ref"] else None


class GivenImages:
    """Images that are in memory already, by the `image_ref` of their rows: an upload."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents

    def locate(self, row: dict[str, Any]) -> bytes | None:
        """Return the bytes of a row by its `image_ref`."""
        return self.contents.get(row["image_ref"]) if row["image_ref"] else None
