"""What a picture is like without knowing what it shows: how large and how bright."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ImageStat

from mep3m.errors import Mep3mError
from mep3m.imaging.decode import decode

#: a side that suffices for the brightness, in pixels
_SUFFICES = 64
_THREADS = 4
#: a product row -> where its picture is, `None` without one
Locate = Callable[[dict[str, Any]], "Path | bytes | None"]


@dataclass(frozen=True, slots=True)
class Look:
    """The shorter side in pixels, and the mean of its grey levels from 0 (black) to 1 (white)."""

    side: int
    brightness: float


def look_at_picture(source: Path | bytes) -> Look:
    """Return what a picture is like; a JPEG is decoded at a fraction of its size.

    Raises:
        UnreadableImageError: it cannot be read.
        OSError: its file cannot be read.
    """
    seen = decode(source, mode="L", suffices=_SUFFICES)
    mean = ImageStat.Stat(seen.image).mean[0] / 255
    return Look(min(seen.facts.width, seen.facts.height), round(mean, 4))


def looks(rows: Sequence[Mapping[str, Any]], locate: Locate) -> list[Look | None]:
    """Return what the picture of each product row is like; `None` where there is none that can be read."""

    def one(row: Mapping[str, Any]) -> Look | None:
        try:
            source = locate(dict(row))
            return None if source is None else look_at_picture(source)
        except (OSError, Mep3mError):
            return None

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(one, rows))
