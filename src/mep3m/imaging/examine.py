"""Is this an image that may be taken in? Size, type and pixels are looked at before any decoding."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError

from mep3m.errors import FormatError
from mep3m.settings.sources import ImageLimits


def examine(content: bytes, limits: ImageLimits) -> tuple[int, int, str]:
    """Return (width, height, format in small letters) of an image that decodes to its end.

    Raises:
        FormatError: it is empty, too large, of another type, has too many pixels, or is broken.
    """
    if not content:
        raise FormatError("the image is empty (0 bytes)")
    if len(content) > limits.max_bytes:
        raise FormatError(f"the image has {len(content):,} bytes, at most {limits.max_bytes:,} are allowed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of bombs and of odd metadata; the limit is ours
        try:
            image = Image.open(io.BytesIO(content), formats=limits.formats)
            pixels = image.width * image.height
            if pixels > limits.max_pixels:
                raise FormatError(
                    f"the image has {pixels:,} pixels ({image.width} x {image.height}), "
                    f"at most {limits.max_pixels:,} are allowed"
                )
            image.load()
        except UnidentifiedImageError:
            raise FormatError(_what_it_is(content, limits)) from None
        except Image.DecompressionBombError:
            raise FormatError(f"the image has more than {limits.max_pixels:,} pixels") from None
        except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
            raise FormatError(f"the image is broken: {str(error) or type(error).__name__}") from None
    return image.width, image.height, str(image.format).lower().replace("jpeg", "jpg")


def _what_it_is(content: bytes, limits: ImageLimits) -> str:
    head = content[:256].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        return f"this is {'SVG' if b'<svg' in content[:1000].lower() else 'a web page'}, not an image"
    return f"this is not an image of an allowed type ({', '.join(limits.formats)})"
