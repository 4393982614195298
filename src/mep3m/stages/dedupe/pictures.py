"""A 64-bit perceptual hash of an image: the signs of its lowest cosine frequencies (`imagehash.phash`)."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mep3m.imaging.decode import UnreadableImageError, decode
from mep3m.settings.base import MAX_PIXELS

#: side in pixels that `imagehash.phash` reduces an image to
SIDE = 32
#: side to which a JPEG may be decoded before: at half of this, copies of other sizes differ (decision 145)
DECODED_SIDE = 8 * SIDE
#: a picture whose grey values hardly differ has no stable hash
MIN_CONTRAST = 3.0


def perceptual_hash(content: bytes, max_pixels: int = MAX_PIXELS) -> int | None:
    """Return the hash of an image (64 bits), or `None` where it cannot be decoded or is of one colour."""
    try:
        grey = decode(content, max_pixels, "L", DECODED_SIDE).image
    except UnreadableImageError:  # the quality checks say why
        return None
    small = grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if np.asarray(small, dtype=np.float32).std() < MIN_CONTRAST:
        return None
    return int(str(imagehash.phash(small)), 16)


def distance(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the number of differing bits, elementwise."""
    return np.asarray(np.bitwise_count(left ^ right), dtype=np.uint8)
