"""Do two pictures show one photo, cropped, framed, turned, mirrored or compressed again?

What the eyes find alike is often another product: the same model in another shirt, another flavour of a
can (decision 241). So one picture is laid on the other by its key points (SIFT, RANSAC), and their pixels are
compared where both have any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mep3m.errors import require
from mep3m.imaging.decode import UnreadableImageError, decode
from mep3m.settings.base import MAX_PIXELS

#: longer side in pixels of the pictures that are compared, and key points of each
SIDE, POINTS = 256, 400
#: a match counts where it is nearer than the second by this factor (Lowe), and so many have to fit
RATIO, LEAST_POINTS = 0.8, 8
#: error in pixels of a key point that fits, and by how much the scales may differ
ERROR, SCALES = 3.0, (0.4, 2.5)
#: part of the smaller picture that both have to show: two bottles of four are not the same offer
LEAST_OVERLAP = 0.55
#: values of 255 by which a pixel may differ, and from which a white background says nothing
TOLERANCE, WHITE = 28, 235
#: how much lighter or darker a copy may be, all colours alike: another colour is another product
GAIN = (0.75, 1.33)


@dataclass(frozen=True)
class KeyedPicture:
    """Pixels (H, W, 3), the places (K, 2) of key points and their descriptors (K, 128)."""

    pixels: NDArray[np.uint8]
    places: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def mirrored(self) -> KeyedPicture:
        """Return the mirror image."""
        return _described(np.ascontiguousarray(self.pixels[:, ::-1]))


def open_picture(content: bytes, max_pixels: int = MAX_PIXELS) -> KeyedPicture | None:
    """Return a picture made small, `None` where it cannot be decoded.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    try:
        image = decode(content, max_pixels, suffices=SIDE).image
    except UnreadableImageError:  # the quality checks say why
        return None
    scale = SIDE / max(image.size)
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    return _described(np.array(image.resize(size, Image.Resampling.LANCZOS)))


def agreement(left: KeyedPicture, right: KeyedPicture) -> float:
    """Return the share of pixels that agree once one picture lies on the other, 0 where it cannot be laid.

    White on white counts for nothing, and either side may be the mirror image.
    """
    return max(_agreement(left, right), _agreement(left.mirrored(), right))


def _described(pixels: NDArray[np.uint8]) -> KeyedPicture:
    cv2: Any = require("cv2", "ocr")
    sift = cv2.SIFT_create(nfeatures=POINTS, contrastThreshold=0.03)
    points, descriptors = sift.detectAndCompute(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), None)
    places = np.array([point.pt for point in points], np.float32).reshape(-1, 2)
    found = descriptors if descriptors is not None else np.zeros((0, 128), np.float32)
    return KeyedPicture(pixels, places, found)


def _agreement(left: KeyedPicture, right: KeyedPicture) -> float:
    cv2: Any = require("cv2", "ocr")
    placed = _placed(cv2, left, right)
    if placed is None:
        return 0.0
    high, wide = right.pixels.shape[:2]
    scale = float(np.hypot(placed[0, 0], placed[0, 1]))
    there = cv2.warpAffine(np.ones(left.pixels.shape[:2], np.uint8), placed, (wide, high)) > 0
    smaller = min(high * wide, left.pixels.shape[0] * left.pixels.shape[1] * scale**2)
    if not SCALES[0] < scale < SCALES[1] or there.sum() < LEAST_OVERLAP * smaller:
        return 0.0
    moved = cv2.warpAffine(left.pixels, placed, (wide, high))
    one, other = (cv2.GaussianBlur(of, (0, 0), 2)[there].astype(np.float32) for of in (moved, right.pixels))
    telling = np.minimum(one.min(1), other.min(1)) < WHITE
    if not telling.any():
        return 0.0
    one, other = one[telling], other[telling]
    gain = np.clip(np.median((other.mean(1) + 8) / (one.mean(1) + 8)), *GAIN)
    return float((np.abs(one * gain - other).max(1) < TOLERANCE).mean())


def _placed(cv2: Any, left: KeyedPicture, right: KeyedPicture) -> NDArray[np.float64] | None:
    """Return the (2, 3) matrix that lays the left picture on the right one, `None` where too little fits."""
    if min(len(left.places), len(right.places)) < LEAST_POINTS:
        return None
    matches = cv2.BFMatcher(cv2.NORM_L2).knnMatch(left.descriptors, right.descriptors, k=2)
    good = [first for first, second in matches if first.distance < RATIO * second.distance]
    if len(good) < LEAST_POINTS:
        return None
    pairs = np.array([(match.queryIdx, match.trainIdx) for match in good])
    cv2.setRNGSeed(0)  # the same draws in every run
    placed, fitting = cv2.estimateAffinePartial2D(
        left.places[pairs[:, 0]], right.places[pairs[:, 1]], ransacReprojThreshold=ERROR, maxIters=1000
    )
    return placed if placed is not None and fitting.sum() >= LEAST_POINTS else None
