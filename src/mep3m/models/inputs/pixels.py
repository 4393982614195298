"""Image files to uint8 pixels (3, S, S), decoded once and kept as a memory-mapped file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from mep3m.errors import FormatError, Mep3mError
from mep3m.imaging.decode import Pixels, decode
from mep3m.models.inputs.columns import Stored
from mep3m.settings.base import MAX_PIXELS
from mep3m.store.images import Images, read_image
from mep3m.store.rejects import Reject, image_reject
from mep3m.store.rows import RowCache

#: the whole image, squashed to a square
WHOLE = (0.0,)


def squared(
    source: bytes | Path, size: int, max_pixels: int = MAX_PIXELS, crops: Sequence[float] = WHOLE
) -> Pixels:
    """Decode an image file to (3, size, size), or with several crops to (V, 3, size, size).

    Crop 0 squashes the image, so that no part of a product is cut off; another takes the central square
    whose side is that share of the shorter side.

    Raises:
        UnreadableImageError: the bytes are not an image that can be read.
        OSError: the file cannot be read.
    """
    image = decode(source, max_pixels, suffices=2 * size).image
    views = [resize(_central(image, crop) if crop else image, size) for crop in crops]
    return np.stack(views) if len(views) > 1 else views[0]


def shape_of(size: int, crops: Sequence[float]) -> tuple[int, ...]:
    """Return the shape of what `squared` gives."""
    return (len(crops), 3, size, size) if len(crops) > 1 else (3, size, size)


def _central(image: Image.Image, share: float) -> Image.Image:
    side = max(round(min(image.size) * share), 1)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def resize(image: Image.Image, size: int) -> Pixels:
    """Squash an RGB image to (3, size, size) as Pillow's bicubic filter does, in about a third of its time.

    PyTorch's antialiased filter is Pillow's but for rounding.
    """
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]
    small = F.interpolate(pixels, (size, size), mode="bicubic", antialias=True)[0]
    return np.ascontiguousarray(small.numpy())


class Decoding:
    """Decodes images each time they are asked for: no cache on disk, constant memory, any number of rows."""

    def __init__(
        self,
        products: pa.Table,
        images: Images,
        size: int,
        max_pixels: int = MAX_PIXELS,
        crops: Sequence[float] = WHOLE,
    ) -> None:
        """Take rows of `PRODUCT_SCHEMA` (memory-mapped or not), their images, side, limit and crops."""
        self.rows = products.select(["id", "source", "image", "image_ref"])
        self.images, self.size, self.max_pixels, self.crops = images, size, max_pixels, crops
        #: the images that could not be read, each once however often it was asked for
        self.rejects: dict[Reject, None] = {}

    def present(self) -> NDArray[np.bool_]:
        """Return (N,) whether the row names an image; whether it can be read shows in `take`."""
        named = [self.rows.column(name).is_valid().to_numpy() for name in ("image", "image_ref")]
        return np.asarray(named[0] | named[1])

    def take(self, rows: NDArray[np.int64]) -> tuple[Pixels, NDArray[np.bool_]]:
        """Return pixels (B, 3, S, S) uint8 and (B,) whether the row has a readable image."""
        pixels = np.zeros((len(rows), *shape_of(self.size, self.crops)), np.uint8)
        present = np.zeros(len(rows), bool)
        for i, row in enumerate(self.rows.take(rows).to_pylist()):
            try:
                source = self.images.locate(row)
                if source is not None:
                    pixels[i] = squared(source, self.size, self.max_pixels, self.crops)
                    present[i] = True
            except (OSError, Mep3mError) as error:
                self.rejects[_reject(row, error)] = None
        return pixels, present


class PixelReader:
    """Finds, decodes and resizes the images of product rows.

    With a `folder`, each distinct image is decoded once for ever: the cache is keyed by the hash of
    the file's bytes. Without, the pixels are kept in memory (prediction).
    """

    def __init__(
        self,
        size: int,
        folder: Path | None = None,
        max_pixels: int = MAX_PIXELS,
        crops: Sequence[float] = WHOLE,
    ) -> None:
        """Take the side in pixels, the cache's folder, the pixels that a file may have, and the crops."""
        self.size, self.max_pixels, self.crops = size, max_pixels, tuple(crops)
        self.shape = shape_of(size, crops)
        #: images decoded at a time: files are waited for too, so a few on any machine
        self.threads = max(4, os.cpu_count() or 1)
        name = "-".join(["pixels", str(size), *(f"{crop:g}" for crop in crops if self.crops != WHOLE)])
        self.cache = RowCache(folder / name, self.shape, "|u1") if folder else None

    def find(
        self, products: pa.Table, images: Images | None, say: Callable[[str], None] | None = None
    ) -> Stored:
        """Read the images of all rows; a broken or missing file is a reject, never an exception."""
        slots = np.full(products.num_rows, -1, np.int64)
        stored = Stored(np.empty((0, *self.shape), np.uint8), slots)
        if images is None:
            return stored
        memory: list[Pixels] = []
        done = 0
        for rows in _reference_batches(products):
            contents = self._read(rows, images, stored.rejects)
            slots[done : done + len(rows)] = self._place(rows, contents, memory, stored.rejects)
            done += len(rows)
            if say is not None:
                say(f"images read: {done:,} of {products.num_rows:,}")
        if self.cache is not None:
            stored.values = self.cache.values()
        elif memory:
            stored.values = np.stack(memory)
        return stored

    def _read(
        self, rows: list[dict[str, Any]], images: Images, rejects: list[Reject]
    ) -> list[tuple[str, bytes | Path] | None]:
        """Return (key, file or bytes) of each row; only files without a content hash are read here."""
        return [self._locate(row, images, rejects) for row in rows]

    def _locate(
        self, row: dict[str, Any], images: Images, rejects: list[Reject]
    ) -> tuple[str, bytes | Path] | None:
        try:
            source = images.locate(row)
            if source is None:
                return None
            if row["image"]:
                return row["image"], source
            content = read_image(source)
            return hashlib.sha256(content).hexdigest(), content
        except (OSError, Mep3mError) as error:
            rejects.append(_reject(row, error))
            return None

    def _place(
        self,
        rows: list[dict[str, Any]],
        contents: Sequence[tuple[str, bytes | Path] | None],
        memory: list[Pixels],
        rejects: list[Reject],
    ) -> NDArray[np.int64]:
        """Decode what is new, and return the slot of each row."""
        wanted: dict[str, bytes | Path] = {}
        for entry in contents:
            if entry is not None and (self.cache is None or entry[0] not in self.cache):
                wanted.setdefault(*entry)
        decoded: dict[str, Pixels] = {}
        broken: dict[str, Exception] = {}
        with ThreadPoolExecutor(self.threads) as pool:
            jobs = {
                key: pool.submit(squared, content, self.size, self.max_pixels, self.crops)
                for key, content in wanted.items()
            }
            for key, job in jobs.items():
                try:
                    decoded[key] = job.result()
                except (OSError, FormatError) as error:
                    broken[key] = error
        for row, entry in zip(rows, contents, strict=True):
            if entry is not None and entry[0] in broken:
                rejects.append(_reject(row, broken[entry[0]]))
        keys = [entry[0] if entry is not None else None for entry in contents]
        if self.cache is not None:
            if decoded:
                self.cache.append(list(decoded), np.stack(list(decoded.values())))
            return self.cache.slots(keys)
        start = len(memory)
        places = {key: start + i for i, key in enumerate(decoded)}
        memory.extend(decoded.values())
        return np.array([-1 if key is None else places.get(key, -1) for key in keys], np.int64)


def _reject(row: dict[str, Any], error: Exception) -> Reject:
    reference = row["image_ref"] or row["image"]
    reason = f"file does not exist: {reference}" if isinstance(error, FileNotFoundError) else str(error)
    if isinstance(error, IsADirectoryError):
        reason = f"this is a folder, not an image: {reference}"
    return image_reject("train", row, reason, by="image_ref" if row["image_ref"] else "image")


def _reference_batches(products: pa.Table, size: int = 512) -> Iterator[list[dict[str, Any]]]:
    """Yield the image references of the rows, a few at a time."""
    columns = products.select(["id", "source", "image", "image_ref"])
    for batch in columns.to_batches(max_chunksize=size):
        yield batch.to_pylist()
