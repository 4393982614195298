"""Regions of a picture that may be a product, of whatever kind: what is unlike the tray, and its parts.

Products that touch make one region. Where it has a neck it is cut, and each part again: the whole, its parts
and theirs are all regions. Who knows the products chooses among them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from mep3m.checkout.cut_out import Mask, surface
from mep3m.errors import require
from mep3m.imaging.decode import Pixels

#: how far inside a product each pixel (H, W) lies
Depth = NDArray[np.float32]

#: the longer side on which regions are looked for, in pixels
SIDE = 640
#: how far from the tray a pixel is in CIELAB to be a product's, and how much darker a shadow may be
_UNLIKE, _SHADOW = 7.0, 16.0
#: the width of the bins of colour in which the most common one is looked for
_BIN = 6
#: the least area of a region, as a share of the picture
_LEAST = 0.0015
#: radii as shares of the side: of gaps in a product that are closed, of threads that are rubbed out
_GAP, _THREAD = 0.003, 0.005
#: the largest hole that is a product's, as a share of the picture
_HOLE = 0.006
#: a given depth from which a pixel is a product's, whatever its colour
_INSIDE = 0.3
#: the least depth of a part, as a share of the largest depth of what it is cut from
_PART = 0.3
#: the most that a neck is deep, as a share of the depth of the shallowest part
_NECK = 0.85
#: steps in which the neck between two parts is looked for, and how often parts are cut again
_STEPS, _DEPTH = 24, 7


class Region(NamedTuple):
    """A part of a picture: its corner (left, top) and its mask (h, w) in pixels of that picture."""

    corner: tuple[int, int]
    mask: Mask

    @property
    def place(self) -> tuple[float, float, float, float]:
        """Left, top, width and height."""
        height, width = self.mask.shape
        return float(self.corner[0]), float(self.corner[1]), float(width), float(height)

    @property
    def box(self) -> tuple[slice, slice]:
        """Its rows and columns in the picture."""
        (left, top), (height, width) = self.corner, self.mask.shape
        return slice(top, top + height), slice(left, left + width)


def find_regions(pixels: Pixels, depth: Depth | None = None) -> list[Region]:
    """Return the regions of a picture (H, W, 3) that has a longer side of about `SIDE`; they may overlap.

    What is unlike the tray is cut where it is narrow. With `depth` (H, W), which says how far inside a
    product a pixel lies, 0 at its outline and 1 at most, it is also cut where that is low: there, products
    may lie on each other.
    """
    cv2 = require("cv2", "checkout")
    mask = products_mask(pixels)
    away = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    found = _regions(cv2, mask, away)
    if depth is not None:
        found += _regions(cv2, mask | (depth > _INSIDE), depth)
    return found


def _regions(cv2: Any, mask: Mask, depth: Depth) -> list[Region]:
    """Return the pieces of a mask that are large enough, and the parts into which each falls."""
    count, labels, figures, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    least = _LEAST * mask.size
    found: list[Region] = []
    for number in range(1, count):
        left, top, width, height, area = figures[number]
        if area >= least:
            own = labels[top : top + height, left : left + width] == number
            found += _with_parts(cv2, Region((int(left), int(top)), own), depth, least, _DEPTH)
    return found


def products_mask(pixels: Pixels) -> Mask:
    """Return what of a picture (H, W, 3) is unlike the tray, without the tray's own light and shadows."""
    cv2 = require("cv2", "checkout")
    soft = cv2.GaussianBlur(pixels, (0, 0), 1.0).astype(np.float32) / 255
    lab = cv2.cvtColor(soft, cv2.COLOR_RGB2LAB)
    away = lab - _tray(lab)
    darker = np.clip(-away[..., 0], 0, None)
    lightness = np.where(away[..., 0] > 0, away[..., 0], np.clip(darker - _SHADOW, 0, None))
    unlike = np.sqrt(lightness**2 + away[..., 1] ** 2 + away[..., 2] ** 2) > _UNLIKE
    closed = cv2.morphologyEx(unlike.astype(np.uint8), cv2.MORPH_CLOSE, _disc(cv2, lab, _GAP))
    whole = _without_holes(cv2, closed)
    return np.asarray(cv2.morphologyEx(whole, cv2.MORPH_OPEN, _disc(cv2, lab, _THREAD)) > 0)


def _disc(cv2: Any, like: NDArray[np.float32], share: float) -> Any:
    """Return a round kernel with a radius of a share of the longer side of a picture."""
    radius = max(round(max(like.shape[:2]) * share), 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _without_holes(cv2: Any, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a mask with its small holes filled; a large one is the tray between products."""
    count, labels, figures, _ = cv2.connectedComponentsWithStats(1 - mask, connectivity=4)
    small = [n for n in range(1, count) if figures[n][cv2.CC_STAT_AREA] < _HOLE * mask.size]
    return np.where(np.isin(labels, small), np.uint8(1), mask)


def _tray(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the tray (H, W, 3) below the products: the most common colour, and how light changes on it."""
    height, width = lab.shape[:2]
    few = np.zeros((height, width), bool)
    few[:: max(height // 80, 1), :: max(width // 80, 1)] = True
    colours = lab[few]
    bins = np.floor(colours / _BIN).astype(np.int64)
    kinds, owner, many = np.unique(bins, axis=0, return_inverse=True, return_counts=True)
    beside = (np.abs(kinds[:, None] - kinds[None]) <= 1).all(axis=2)  # light spreads a tray over several bins
    middle = np.median(colours[owner.reshape(-1) == (beside @ many).argmax()], axis=0)
    like = few.copy()
    like[few] = np.linalg.norm(colours - middle, axis=1) < 2 * _BIN
    return surface(lab, like, few)


def _with_parts(cv2: Any, region: Region, depth: Depth, least: float, times: int) -> list[Region]:
    """Return a region, its parts, and theirs, cut so many times at most."""
    found = [region]
    for left, top, mask in _parts(cv2, region.mask, depth[region.box], least) if times else []:
        part = Region((region.corner[0] + left, region.corner[1] + top), mask)
        found += _with_parts(cv2, part, depth, least, times - 1)
    return found


def _parts(cv2: Any, mask: Mask, depth: Depth, least: float) -> list[tuple[int, int, Mask]]:
    """Return the parts into which a mask falls at its narrowest neck, each with its left and top."""
    inner = np.where(mask, depth, 0)
    deepest = float(inner.max())
    for level in np.linspace(0, 1, _STEPS, endpoint=False)[1:] * deepest:
        count, labels = cv2.connectedComponents((inner > level).astype(np.uint8), connectivity=8)
        depths = ndimage.maximum(inner, labels, range(1, count)) if count > 2 else np.zeros(0)
        peaks = np.flatnonzero(depths >= max(_PART * deepest, level / _NECK)) + 1
        if len(peaks) > 1:
            parts = _nearest(cv2, mask, np.isin(labels, peaks))
            parts = [part for part in parts if part[2].sum() >= least]
            if len(parts) > 1:
                return parts
    return []


def _nearest(cv2: Any, mask: Mask, cores: Mask) -> list[tuple[int, int, Mask]]:
    """Return a mask shared out to the nearest of its cores."""
    _, nearest = cv2.distanceTransformWithLabels((~cores).astype(np.uint8), cv2.DIST_L2, 5)
    found = []
    for number in np.unique(nearest[cores]):
        part = mask & (nearest == number)
        rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        found.append((int(columns[0]), int(rows[0]), part[box]))
    return found
