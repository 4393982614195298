"""What an image's bytes say about its quality: size, contrast, sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mep3m.imaging.decode import UnreadableImageError, decode
from mep3m.settings.quality import QualitySettings

#: longest side in pixels at which contrast and sharpness are measured
MEASURED_SIDE = 256
#: a near-uniform image at least this bright, or at most this dark, is blank (grey values, 0 to 255)
WHITE, BLACK = 245, 10


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Measures of one image; `problem` says why it could not be decoded (the others are then 0).

    `mean` and `contrast` (standard deviation) are of the grey values, 0 to 255; `sharpness` is the
    99.8th percentile of the absolute Laplacian.
    """

    width: int = 0
    height: int = 0
    mean: float = 0.0
    contrast: float = 0.0
    sharpness: float = 0.0
    problem: str | None = None


def measure_image(content: bytes, max_pixels: int) -> ImageFacts:
    """Measure an image; bad bytes give a `problem`, never an exception.

    The size is checked before any pixel is decoded. JPEGs are decoded at a reduced scale that is
    still at least `MEASURED_SIDE`; their data is read to the end.
    """
    try:
        decoded = decode(content, max_pixels, "L", MEASURED_SIDE)
    except UnreadableImageError as error:
        return ImageFacts(problem=str(error))
    grey = decoded.image
    grey.thumbnail((MEASURED_SIDE, MEASURED_SIDE), Image.Resampling.BOX)
    values = np.asarray(grey, dtype=np.float32)
    return ImageFacts(
        decoded.facts.width,
        decoded.facts.height,
        float(values.mean()),
        float(values.std()),
        _sharpness(values),
    )


def _sharpness(values: NDArray[np.float32]) -> float:
    """Return the 99.8th percentile of |4v - left - right - up - down| over the inner pixels, (H, W)."""
    if min(values.shape) < 3:
        return 0.0
    centre = values[1:-1, 1:-1]
    around = values[1:-1, :-2] + values[1:-1, 2:] + values[:-2, 1:-1] + values[2:, 1:-1]
    edges = np.abs(4 * centre - around).ravel()
    place = int(0.998 * (len(edges) - 1))
    return float(np.partition(edges, place)[place])


def image_reason(facts: ImageFacts, settings: QualitySettings) -> str | None:
    """Return the first check that an image fails, or `None`."""
    if facts.problem is not None:
        return "broken_image" if settings.broken_image else None
    if settings.min_side is not None and min(facts.width, facts.height) < settings.min_side:
        return "tiny_image"
    longer, shorter = max(facts.width, facts.height), min(facts.width, facts.height)
    if settings.max_aspect is not None and longer > settings.max_aspect * shorter:
        return "odd_aspect"
    flat = facts.contrast < (settings.min_contrast or 3.0)
    if settings.blank_image and flat and not BLACK < facts.mean < WHITE:
        return "blank_image"
    if settings.min_contrast is not None and flat:
        return "uniform_image"
    if settings.min_sharpness is not None and facts.sharpness < settings.min_sharpness:
        return "blurred_image"
    return None
