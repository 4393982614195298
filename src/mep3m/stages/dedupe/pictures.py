"""A 64-bit perceptual hash of an image: the signs of its lowest cosine frequencies.

The hash is that of `imagehash.phash` (32 x 32 grey values, type-II DCT, the 8 x 8 lowest
frequencies against their median), computed for many images at once.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, LOW = 32, 8
#: images with more pixels are not decoded here; the quality checks report them
MAX_PIXELS = 100_000_000
#: a picture whose grey values hardly differ has no stable hash
MIN_CONTRAST = 3.0


def _cosines() -> NDArray[np.float32]:
    """The first 8 rows of the type-II DCT matrix of order 32, (8, 32)."""
    k, n = np.arange(LOW)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * k * (2 * n + 1) / (2 * SIDE)).astype(np.float32)


_COSINES = _cosines()


def thumbnail(content: bytes) -> NDArray[np.float32] | None:
    """Return an image as (32, 32) grey values, or `None` where it cannot be decoded or is flat."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            small = _reduced(content)
    except Exception:  # decoders of damaged files raise almost anything; the quality checks say what
        return None
    if small is None:
        return None
    values = np.asarray(small, dtype=np.float32)
    return values if values.std() >= MIN_CONTRAST else None


def _reduced(content: bytes) -> Image.Image | None:
    """Decode and reduce to 32 x 32, transparent parts on white; `None` for too many pixels."""
    with Image.open(io.BytesIO(content)) as image:
        if image.width * image.height > MAX_PIXELS:
            return None
        image.draft("L", (4 * SIDE, 4 * SIDE))
        grey = _on_white(image) if image.mode in ("RGBA", "LA", "PA", "P") else image.convert("L")
        return grey.resize((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _on_white(image: Image.Image) -> Image.Image:
    layers = image.convert("RGBA")
    canvas = Image.new("RGBA", layers.size, "white")
    canvas.alpha_composite(layers)
    return canvas.convert("L")


def perceptual_hashes(thumbnails: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return the hashes of (N, 32, 32) grey values, (N,)."""
    low = (_COSINES @ thumbnails @ _COSINES.T).reshape(len(thumbnails), LOW * LOW)
    signs = low > np.median(low, axis=1, keepdims=True)
    return np.packbits(signs, axis=1).view(">u8").astype(np.uint64).ravel()


def distance(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the number of differing bits, elementwise."""
    return np.asarray(np.bitwise_count(left ^ right), dtype=np.uint8)
