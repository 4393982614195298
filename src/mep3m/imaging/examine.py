"""Is this an image that may be taken in? Size, type and pixels are looked at before any decoding."""

from __future__ import annotations

from mep3m.errors import FormatError
from mep3m.imaging.decode import file_facts
from mep3m.settings.sources import ImageLimits


def examine(content: bytes, limits: ImageLimits) -> tuple[int, int, str]:
    """Return (width, height, format in small letters) of an image that decodes to its end.

    Width and height are those of the upright image, as every other reader of it has them.

    Raises:
        FormatError: it is empty, too large, of another type, has too many pixels, or is broken.
    """
    if len(content) > limits.max_bytes:
        raise FormatError(f"the image has {len(content):,} bytes, at most {limits.max_bytes:,} are allowed")
    facts = file_facts(content, limits.max_pixels, limits.formats)
    return facts.width, facts.height, facts.format.lower().replace("jpeg", "jpg")
