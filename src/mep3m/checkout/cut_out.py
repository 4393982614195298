"""A product cut out of its picture: GrabCut (Rother et al., 2004), as OpenCV has it."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import InputError, require
from mep3m.imaging.decode import Pixels, load

#: whether a mask (H, W) covers a pixel
Mask = NDArray[np.bool_]
#: how a cut went: the background is off, or it could not be told from the product and the picture is whole
Quality = Literal["cut", "whole"]

#: the longer side on which cuts are made, in pixels; what is larger is made smaller first
SIDE = 320
#: the part of the shorter side that is looked at as background, along each edge
_EDGE = 0.04
#: rounds of GrabCut
_ROUNDS = 4
#: a product's least and largest share of its picture, and the most of the picture's edge that it may touch
_LEAST, _MOST, _TOUCHES = 0.02, 0.97, 0.5
#: distances to the background in CIELAB that make a pixel likely a product's: at least, and where the
#: background is not plain
_PLAIN, _UNLIKE = 2.5, 8.0
#: half the width of the band along the outline that GrabCut decides on a plain background, as a share of the
#: shorter side
_BAND = 0.03
#: a piece with less than this share of the largest one is left out of the cut
_PIECE = 0.05
#: the least spread of grey levels of a picture that shows something
_BLANK = 2.0


class CutOut(NamedTuple):
    """The pixels (H, W, 3) of a product, the mask (H, W) of what is it, how the cut went, and why not."""

    pixels: Pixels
    mask: Mask
    quality: Quality
    why: str = ""


def cut_out(source: bytes | Any, place: tuple[float, float, float, float] | None = None) -> CutOut:
    """Return the product of a picture, or of the part of it that `place` says (left, top, width, height).

    Where the background cannot be told from the product, the whole picture stands for it (`quality`).

    Raises:
        UnreadableImageError: the picture is broken.
        InputError: it shows nothing: all of it has one colour, or `place` is outside.
    """
    pixels = _sized(_part(load(source), place))
    if pixels.std(axis=(0, 1)).max() < _BLANK:
        raise InputError("the picture shows nothing: all of it has one colour")
    mask = _foreground(pixels)
    why = _doubt(mask)
    if why:
        return CutOut(pixels, np.ones(mask.shape, bool), "whole", why)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return CutOut(np.ascontiguousarray(pixels[box]), np.ascontiguousarray(mask[box]), "cut")


def _part(pixels: Pixels, place: tuple[float, float, float, float] | None) -> Pixels:
    """Return the part of a picture with a tenth around it, so that some background is on it."""
    if place is None:
        return pixels
    left, top, width, height = place
    margin = max(width, height) / 10
    high, wide = pixels.shape[:2]
    rows = np.clip([top - margin, top + height + margin + 1], 0, high).astype(int)
    columns = np.clip([left - margin, left + width + margin + 1], 0, wide).astype(int)
    part = pixels[slice(*rows), slice(*columns)]
    if part.shape[0] < 2 or part.shape[1] < 2:
        raise InputError(f"the box {list(place)} lies outside the picture")
    return part


def _sized(pixels: Pixels) -> Pixels:
    """Return the pixels with a longer side of at most `SIDE`."""
    cv2 = require("cv2", "checkout")
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    smaller: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return smaller


def _foreground(pixels: Pixels) -> Mask:
    """Return what GrabCut takes for the product: it begins with what is unlike the picture's edge.

    On a plain background the product has the same colours as it in places (a white carton on white): there,
    only a band along the outline is left to GrabCut.
    """
    cv2 = require("cv2", "checkout")
    height, width = pixels.shape[:2]
    edge = max(round(min(height, width) * _EDGE), 1)
    rim = np.ones((height, width), bool)
    rim[edge:-edge, edge:-edge] = False
    distance = _unlike_edge(pixels, rim)
    noise = float(np.percentile(distance[rim], 90)) * 2
    likely = distance > min(max(noise, _PLAIN), _UNLIKE)
    if not likely[~rim].any():
        return np.zeros((height, width), bool)
    labels = np.where(likely, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    if noise < _UNLIKE:
        radius = max(round(min(height, width) * _BAND), 2)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
        solid = filled(cv2, cv2.morphologyEx(likely.astype(np.uint8), cv2.MORPH_CLOSE, disc) > 0, _PIECE)
        labels = np.where(distance > _UNLIKE, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        labels[cv2.erode(solid.astype(np.uint8), disc, borderValue=1) > 0] = cv2.GC_FGD
        labels[cv2.dilate(solid.astype(np.uint8), disc) == 0] = cv2.GC_BGD
    labels[rim & ~likely] = cv2.GC_BGD  # what is like the edge and on it; a product may touch the edge
    if not np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
        return np.ones((height, width), bool)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # GrabCut draws the first means of its mixtures
    cv2.grabCut(np.ascontiguousarray(pixels), labels, None, *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    # GrabCut alone keeps a rim of the background where a product has light parts
    sure = labels == cv2.GC_FGD
    return _joined(cv2, sure | ((labels == cv2.GC_PR_FGD) & (distance > _UNLIKE)))


def _unlike_edge(pixels: Pixels, rim: Mask) -> NDArray[np.float32]:
    """Return how far each pixel (H, W) is in CIELAB from the colour of the rim, continued inwards."""
    cv2 = require("cv2", "checkout")
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    colours = lab[rim]
    near = rim.copy()
    near[rim] = np.linalg.norm(colours - np.median(colours, axis=0), axis=1) < 2 * _UNLIKE
    behind = surface(lab, near if near.sum() > rim.sum() / 4 else rim, rim)
    distance: NDArray[np.float32] = np.linalg.norm(lab - behind, axis=2)
    return distance


def surface(lab: NDArray[np.float32], like: Mask, among: Mask) -> NDArray[np.float32]:
    """Return a smooth background (H, W, 3): a polynomial of the second degree, fitted to what is like it.

    It begins with the pixels `like` (H, W), and takes those of `among` that come near, again and again.
    """
    height, width = lab.shape[:2]
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(down), down, across, down * across, down**2, across**2], -1)
    places, colours, taken = terms[among], lab[among], like[among]
    for _ in range(5):
        fitted, *_ = np.linalg.lstsq(places[taken], colours[taken], rcond=None)
        near = np.linalg.norm(colours - places @ fitted, axis=1) < _UNLIKE
        taken = near if near.sum() >= 60 else taken
    return np.asarray(terms @ fitted, np.float32)


def filled(cv2: Any, mask: Mask, least: float) -> Mask:
    """Return a mask without holes and without pieces of less than a share `least` of the largest."""
    whole = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(whole, _pieces(cv2, mask, least), -1, 1, cv2.FILLED)
    return whole > 0


def _joined(cv2: Any, mask: Mask) -> Mask:
    """Return a mask in one piece: what lies between the pieces of one product is like the background."""
    pieces = _pieces(cv2, mask, _PIECE)
    whole = np.zeros(mask.shape, np.uint8)
    if len(pieces) > 1:
        pieces = [cv2.convexHull(np.concatenate(pieces))]
    cv2.drawContours(whole, pieces, -1, 1, cv2.FILLED)
    return whole > 0


def _pieces(cv2: Any, mask: Mask, least: float) -> list[Any]:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [cv2.contourArea(one) for one in contours]
    return [one for one, area in zip(contours, areas, strict=True) if area >= least * max(areas)]


def _doubt(mask: Mask) -> str:
    """Say why a cut cannot be right, or nothing."""
    share = float(mask.mean())
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    if share < _LEAST:
        return f"the product could not be told from the background ({share:.1%} of the picture)"
    if share > _MOST or rim.mean() > _TOUCHES:
        return "the product fills the picture: there is no background around it"
    return ""
