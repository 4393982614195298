"""A 64-bit perceptual hash of an image: the signs of its lowest cosine frequencies.

The hash is that of `imagehash.phash` (32 x 32 grey values, type-II DCT, the 8 x 8 lowest
frequencies against their median), computed for many images at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mep3m.imaging.decode import UnreadableImageError, decode
from mep3m.settings.base import MAX_PIXELS

SIDE, LOW = 32, 8
#: a picture whose grey values hardly differ has no stable hash
MIN_CONTRAST = 3.0


def _cosines() -> NDArray[np.float32]:
    """The first 8 rows of the type-II DCT matrix of order 32, (8, 32)."""
    k, n = np.arange(LOW)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * k * (2 * n + 1) / (2 * SIDE)).astype(np.float32)


_COSINES = _cosines()


def thumbnail(content: bytes, max_pixels: int = MAX_PIXELS) -> NDArray[np.float32] | None:
    """Return an image as (32, 32) grey values, or `None` where it cannot be decoded or is flat."""
    try:
        grey = decode(content, max_pixels, "L", 4 * SIDE).image
    except UnreadableImageError:  # the quality checks say why
        return None
    small = grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    values = np.asarray(small, dtype=np.float32)
    return values if values.std() >= MIN_CONTRAST else None


def perceptual_hashes(thumbnails: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return the hashes of (N, 32, 32) grey values, (N,)."""
    low = (_COSINES @ thumbnails @ _COSINES.T).reshape(len(thumbnails), LOW * LOW)
    signs = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(signs, axis=1).view(">u8").astype(np.uint64).ravel()


def distance(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the number of differing bits, elementwise."""
    return np.asarray(np.bitwise_count(left ^ right), dtype=np.uint8)
