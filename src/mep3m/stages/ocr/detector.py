"""How large a detector of text sees a picture: the same for every reader that shrinks pictures for it."""

from __future__ import annotations

import math

from mep3m.settings.ocr import OcrSettings

#: a picture that is longer than this many times its shorter side is a strip, as product detail pages are
STRIP_RATIO = 2
#: pixels that the detector sees of a strip at most, in squares of `detector_side`: what bounds its memory
STRIP_SQUARES = 8


def detector_scale(height: int, width: int, settings: OcrSettings) -> float:
    """Return by how much a picture of this many pixels is enlarged or shrunk for the detector.

    Small pictures are enlarged until their longest side is `detector_min_side`, large ones shrunk to
    `detector_side`; in between they stay as they are. Of a strip the shorter side is shrunk to
    `detector_side` instead, or its text would be too small to be found (see docs/log/ocr.md).
    """
    longest, shortest = max(height, width), min(height, width)
    side = settings.detector_side
    scale = min(max(longest, settings.detector_min_side), side) / longest
    if longest <= STRIP_RATIO * shortest:
        return scale
    bounded = side * math.sqrt(STRIP_SQUARES / (height * width))
    return max(scale, min(1.0, side / shortest, bounded))
