"""OCR over a plain folder or a store, written as JSON lines: one object an image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.ocr.cache import ReadingCache
from mep3m.stages.ocr.lines import joined
from mep3m.stages.ocr.promotion import PROMOTIONAL, informative_share
from mep3m.stages.ocr.read import ImageFile, ImageReader, Reading
from mep3m.store.filesystem import atomic_write

#: endings that are taken for images in a folder
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".jfif", ".jpe", ".avif"}
)


@dataclass(slots=True)
class ReadingCounts:
    """What a run over many images found."""

    images: int = 0
    with_text: int = 0
    failed: int = 0
    lines: int = 0
    promotional: int = 0

    def add(self, reading: Reading) -> None:
        """Count one image."""
        self.images += 1
        self.with_text += bool(reading.lines)
        self.failed += reading.error is not None
        self.lines += len(reading.lines)
        self.promotional += sum((line.promotional or 0.0) >= PROMOTIONAL for line in reading.lines)


def reading_row(reading: Reading) -> dict[str, Any]:
    """Return the JSON object of one image; `error` is there only when it could not be read."""
    row: dict[str, Any] = {
        "image": reading.name,
        "text": joined(list(reading.lines)),
        "informative": informative_share(reading.lines),
        "lines": [line.to_dict() for line in reading.lines],
    }
    if reading.error is not None:
        row["error"] = reading.error
    return row


def write_readings(
    files: Iterable[ImageFile],
    out: Path,
    cache: Path,
    settings: tuple[OcrSettings, PoolSettings],
    done: Callable[[int], object] | None = None,
) -> ReadingCounts:
    """Read the files and write one JSON line each, in their order; the file appears whole.

    Killed at any point, the same call goes on from what `cache` holds and writes the same bytes.
    """
    counts = ReadingCounts()
    with (
        ReadingCache(cache, settings[0]) as kept,
        ImageReader(settings[0], settings[1], kept) as reader,
        atomic_write(out) as temporary,
        temporary.open("wb") as target,
    ):
        for reading in reader.read(files, done):
            counts.add(reading)
            target.write(orjson.dumps(reading_row(reading), option=orjson.OPT_APPEND_NEWLINE))
    return counts
