"""From an image file to pixels: the one decoder, for whatever the file is; or the reason why not."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFilter, ImageOps, UnidentifiedImageError

from mep3m.errors import FormatError, words_of
from mep3m.settings.base import MAX_PIXELS

#: values of shape (H, W, 3), RGB, uint8
Pixels = NDArray[np.uint8]

#: images with a shorter side below this hold no legible text and are not read, in pixels
MIN_SIDE = 8
#: what is laid below transparency: white, or what the ink can be seen on
Behind = Literal["white", "contrast"]
#: backgrounds that `contrast` chooses from, with their grey levels; the first of equals
_BACKGROUNDS = {"white": 255, "black": 0, "grey": 128}
#: grey levels by which ink has to differ from its background, and the share of its edge that may be lost
_LOST, _LITTLE = 48, 0.02
#: EXIF orientations that exchange width and height
_TURNED = (5, 6, 7, 8)

# Pillow warns of large images and of odd metadata: what is too large is decided here, and the rest says
# nothing about pixels. Not `catch_warnings` around each image, which changes the filters of other threads.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UnreadableImageError(FormatError):
    """The bytes are not an image that can be read; the message is the reason for quarantine."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Width and height in pixels as a viewer shows them (EXIF rotation applied), and Pillow's format."""

    width: int
    height: int
    format: str


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An upright image, transparency on white, and what its file is.

    `image` has fewer pixels than the file where `decode` was told that fewer suffice.
    """

    image: Image.Image
    facts: FileFacts


def decode(
    source: bytes | Path,
    max_pixels: int = MAX_PIXELS,
    mode: Literal["RGB", "L"] = "RGB",
    suffices: int | None = None,
    behind: Behind = "white",
) -> DecodedImage:
    """Decode an image file to its end, in colour or grey.

    EXIF rotation is applied, CMYK, palettes and 16 bits are converted, transparency is laid on white, and
    of an animation the first frame is taken. The size is checked before anything is decoded.

    With `behind` = "contrast", transparency is laid on what its ink can be seen on: white, else black or
    grey. For reading what is written; elsewhere pictures stay as shops show them (decision 206).

    With `suffices`, a side in pixels, a JPEG is decoded at the smallest scale (1, 1/2, 1/4 or 1/8) at which
    both sides are at least as long, in a fraction of the time.

    Raises:
        UnreadableImageError: broken, truncated, empty, not an image, or more than `max_pixels`.
        OSError: the file cannot be read.
    """
    content = source.read_bytes() if isinstance(source, Path) else source
    with _opened(content, max_pixels) as image:
        width, height = image.size
        if suffices is not None:
            image.draft(mode, (suffices, suffices))
        image.load()
        facts = _facts(image, width, height)
        with suppress(Exception):  # damaged EXIF: the pixels are what they are
            ImageOps.exif_transpose(image, in_place=True)
        return DecodedImage(_plain(image, mode, behind), facts)


def load(source: bytes | Path, max_pixels: int = MAX_PIXELS, behind: Behind = "white") -> Pixels:
    """Decode an image file to an array of shape (H, W, 3), RGB, uint8; see `decode`."""
    return np.asarray(decode(source, max_pixels, behind=behind).image, dtype=np.uint8)


def file_facts(
    content: bytes, max_pixels: int = MAX_PIXELS, formats: tuple[str, ...] | None = None
) -> FileFacts:
    """Decode an image to its end for what its file is; `formats` are Pillow's names of those allowed.

    Raises:
        UnreadableImageError: see `decode`, or it is of another format.
    """
    with _opened(content, max_pixels, formats) as image:
        image.load()
        return _facts(image, *image.size)


def image_size(content: bytes) -> tuple[int, int]:
    """Return (width, height) of the file from its header alone, (0, 0) where it cannot be read."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    except Exception:
        return 0, 0


def picture_format(path: Path) -> str:
    """Return Pillow's name of a file's format ('JPEG'); only its first bytes are read.

    Raises:
        UnreadableImageError: it is of no known one.
        OSError: the file cannot be read.
    """
    try:
        with Image.open(path) as image:
            return str(image.format)
    except (UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(str(error)) from None


@contextmanager
def _opened(content: bytes, max_pixels: int, formats: tuple[str, ...] | None = None) -> Iterator[Image.Image]:
    """Open an image that is not too large; whatever a decoder raises inside becomes one error."""
    if not content:
        raise UnreadableImageError("the image is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(content), formats=formats) as image:
            pixels = image.width * image.height
            if pixels > max_pixels:
                raise UnreadableImageError(
                    f"the image has {pixels:,} pixels ({image.width} x {image.height}), "
                    f"at most {max_pixels:,} are allowed"
                )
            yield image
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(_what_it_is(content, formats)) from None
    except Image.DecompressionBombError:
        raise UnreadableImageError(f"the image has more than {max_pixels:,} pixels") from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        said = words_of(error).partition(": ")[2] or type(error).__name__
        raise UnreadableImageError(f"the image is broken: {said}") from None


def _facts(image: Image.Image, width: int, height: int) -> FileFacts:
    """Return the facts of a file whose pixels are `width` x `height` as they are stored."""
    turned = False
    with suppress(Exception):
        turned = image.getexif().get(ExifTags.Base.Orientation) in _TURNED
    size = (height, width) if turned else (width, height)
    return FileFacts(*size, str(image.format))


def _plain(image: Image.Image, mode: str, behind: Behind) -> Image.Image:
    """Convert any mode to RGB or grey; 16 bits are scaled to 8, transparency is laid on something."""
    if image.mode.startswith("I") or image.mode == "F":
        values: NDArray[Any] = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        image = Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
    elif image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layers = image.convert("RGBA")
        image = Image.new("RGBA", layers.size, "white" if behind == "white" else _contrast(layers))
        image.alpha_composite(layers)
    return image if image.mode == mode else image.convert(mode)


def _contrast(layers: Image.Image) -> str:
    """Return the background on which the least of the ink's edge is lost; white where that loses little."""
    inked = layers.getchannel("A").point(lambda alpha: 255 * (alpha >= 128))
    inner = np.asarray(inked.filter(ImageFilter.MinFilter(3)))
    edge = (np.asarray(inked) > 0) & (inner == 0)
    ink: NDArray[Any] = np.asarray(layers.convert("RGB").convert("L"), dtype=np.int16)[edge]
    if not ink.size:
        return "white"
    lost = {name: float((abs(ink - level) < _LOST).mean()) for name, level in _BACKGROUNDS.items()}
    return "white" if lost["white"] <= _LITTLE else min(lost, key=lost.__getitem__)


def _what_it_is(content: bytes, formats: tuple[str, ...] | None) -> str:
    """Say what bytes are that no decoder knows."""
    head = content[:256].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        return f"this is {'SVG' if b'<svg' in content[:1000].lower() else 'a web page'}, not an image"
    if formats is not None:
        return f"this is not an image of an allowed type ({', '.join(formats)})"
    start = content[:8].hex(" ")
    return f"this is not an image of a known type: {len(content):,} bytes, beginning with {start}"
