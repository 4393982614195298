"""Boxes as COCO files have them: [left, top, width, height] in pixels."""

from __future__ import annotations

import math
from typing import Any

#: pixels that a box may reach beyond its image: people draw to the edge, and programs round
EDGE = 1.0


def box_problem(box: Any, image: Any) -> str | None:
    """Return why a `bbox` cannot be one of its `image` (an object with width and height), or `None`.

    Without a size in the image, the box has to be one and is not held against anything.
    """
    numbers = isinstance(box, list) and len(box) == 4 and all(type(one) in (int, float) for one in box)
    if not numbers or not all(map(math.isfinite, box)) or box[2] <= 0 or box[3] <= 0:
        return f"the box {_shown(box)} is none; a box is [left, top, width, height] in pixels, of some size"
    width, height = (image.get("width"), image.get("height")) if isinstance(image, dict) else (None, None)
    if not isinstance(width, int | float) or not isinstance(height, int | float):
        return None
    left, top, across, down = box
    if min(left, top) < -EDGE or left + across > width + EDGE or top + down > height + EDGE:
        return f"the box {_shown(box)} reaches out of its image of {width:g} x {height:g} pixels"
    return None


def _shown(box: Any) -> str:
    return str(box)[:80]
