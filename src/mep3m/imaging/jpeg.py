"""Pictures for people to look at: small JPEGs, for pages, reports and spreadsheets."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from mep3m.imaging.decode import decode
from mep3m.settings.base import MAX_PIXELS


def jpeg(image: Image.Image) -> bytes:
    """Encode an image as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def small_jpeg(source: bytes | Path, side: int, max_pixels: int = MAX_PIXELS) -> bytes:
    """Return an image file as a JPEG of at most `side` pixels a side.

    Raises:
        UnreadableImageError: it cannot be decoded, or has more than `max_pixels`.
        OSError: the file cannot be read.
    """
    image = decode(source, max_pixels, suffices=side).image
    image.thumbnail((side, side))
    return jpeg(image)
