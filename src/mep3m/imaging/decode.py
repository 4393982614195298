"""From the bytes of an image file to pixels, whatever the file is; or the reason why not."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from mep3m.errors import InputError, words_of

Pixels = NDArray[np.uint8]

#: images with a shorter side below this hold no legible text and are not read, in pixels
MIN_SIDE = 8


class UnreadableImageError(InputError):
    """The bytes are not an image that can be read; the message is the reason for quarantine."""


def load(content: bytes, max_megapixels: float) -> Pixels:
    """Decode an image to RGB, upright.

    EXIF rotation is applied, CMYK and 16-bit are converted, transparency is laid on white, and of
    an animation the first frame is taken.

    Returns:
        Pixels of shape (H, W, 3), uint8.

    Raises:
        UnreadableImageError: broken, truncated, not an image, or larger than the limit.
    """
    if not content:
        raise UnreadableImageError("the image file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decode(content, max_megapixels)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        start = content[:8].hex(" ")
        raise UnreadableImageError(f"not an image in a known format (starts with {start})") from None
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(f"image is too large: {error}") from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        raise UnreadableImageError(f"broken image: {words_of(error)}") from None


def _decode(content: bytes, max_megapixels: float) -> Pixels:
    """Decode; every failure leaves as whatever the decoder raised."""
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
        if width * height > max_megapixels * 1e6:
            size = width * height / 1e6
            raise UnreadableImageError(
                f"image has {width}x{height} = {size:.1f} megapixels, the limit is {max_megapixels:g}; "
                "raise max_megapixels to read it"
            )
        image.seek(0) if getattr(image, "n_frames", 1) > 1 else None
        image.load()
        upright: Image.Image = ImageOps.exif_transpose(image)
        return np.asarray(_rgb(upright), dtype=np.uint8)


def _rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB; 16-bit is scaled to 8, transparency is laid on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values: NDArray[Any] = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return image.convert("RGB")


def image_size(content: bytes) -> tuple[int, int]:
    """Return (width, height) from the header alone, (0, 0) where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as image:
                return image.size
    except Exception:
        return 0, 0
