"""Checkout images composed from cut-outs: a tray seen from above, with products lying on it anyhow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.checkout.cut_out import CutOut, Mask
from mep3m.errors import UsageError, require
from mep3m.imaging.decode import Pixels


class Clutter(NamedTuple):
    """The least and most products and instances of a level."""

    products: tuple[int, int]
    instances: tuple[int, int]


#: the clutter levels of RPC (arXiv:1901.07249, Table 2)
LEVELS: Mapping[str, Clutter] = {
    "easy": Clutter((3, 5), (3, 10)),
    "medium": Clutter((5, 8), (10, 15)),
    "hard": Clutter((8, 10), (15, 20)),
}
#: places tried for an instance, and how much smaller all are made where one finds none
_TRIES, _SMALLER = 150, 0.94
#: how far products lie from the middle: the standard deviation as a share of the side
_SPREAD = 0.24
#: how much darker a shadow is, its blur and its length as shares of the side
_SHADE, _BLUR, _LENGTH = 0.3, 0.008, 0.008
#: the most that a picture's product is larger, and its light stronger, than another's of its kind
_SIZES, _LIGHT = 0.15, 0.08


@dataclass(frozen=True)
class Drawing:
    """How scenes are drawn; all lengths are shares of the side.

    `side` is in pixels. `overlap` is the most of an instance that others may hide, `turn` how far one is
    turned to either side (degrees), `scale` the longer side of a product; where all do not fit, all are made
    smaller.
    """

    side: int = 640
    overlap: float = 0.1
    turn: float = 180.0
    scale: float = 0.22
    shadows: bool = True

    def __post_init__(self) -> None:
        bounds = {"side": (96, 4096), "overlap": (0, 0.9), "turn": (0, 180), "scale": (0.05, 0.5)}
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise UsageError(f"{name} is {value}; allowed: {least} to {most}")


class Scene(NamedTuple):
    """A checkout image (S, S, 3); the number of the product of each instance (I,), and its box (I, 4).

    A box (left, top, width, height in pixels) holds what can be seen of the instance. `owner` (S, S) has the
    number of the instance at each pixel, -1 on the tray.
    """

    pixels: Pixels
    product: Ints
    place: NDArray[np.float64]
    owner: Ints


class _Sprite(NamedTuple):
    """A product as it lies: its pixels, its mask and its light at a scale and an angle."""

    pixels: Pixels
    mask: Mask


def check_levels(levels: Sequence[str], products: int) -> None:
    """Raise UsageError where there are fewer products than one of the levels needs, or no such level."""
    for level in levels:
        if level not in LEVELS:
            raise UsageError(f"no level '{level}'; allowed: {', '.join(LEVELS)}")
        least = LEVELS[level].products[0]
        if products < least:
            possible = [name for name, one in LEVELS.items() if one.products[0] <= products]
            hint = f"draw {', '.join(possible)} alone (--levels)" if possible else "add products"
            raise UsageError(
                f"level {level} has at least {least} products an image, and there are {products}; {hint}"
            )


def compose(
    cuts: Sequence[Sequence[CutOut]], level: str, drawing: Drawing, rng: np.random.Generator
) -> Scene:
    """Return one scene of the products whose cut-outs are given; the same state of `rng` gives the same.

    Raises:
        UsageError: there are too few products for the level, or they do not fit however small.
    """
    check_levels([level], len(cuts))
    clutter = LEVELS[level]
    kinds = int(rng.integers(clutter.products[0], min(clutter.products[1], len(cuts)) + 1))
    chosen = rng.choice(len(cuts), kinds, replace=False)
    count = int(rng.integers(max(clutter.instances[0], kinds), clutter.instances[1] + 1))
    product = np.concatenate([chosen, rng.choice(chosen, count - kinds)]).astype(np.int64)
    picked = [cuts[one][int(rng.integers(len(cuts[one])))] for one in product]
    angles = rng.uniform(-drawing.turn, drawing.turn, count)
    sizes = rng.uniform(1 - _SIZES, 1 + _SIZES, count) * drawing.scale * drawing.side
    smaller = 1.0
    while smaller > 0.2:
        made = [
            _sprite(cut, size * smaller, turn) for cut, size, turn in zip(picked, sizes, angles, strict=True)
        ]
        corners = _corners([sprite.mask for sprite in made], drawing, rng)
        if corners is not None:
            return _painted(made, corners, product, drawing, rng)
        smaller *= _SMALLER
    raise UsageError(f"{count} products do not fit with overlap {drawing.overlap}; allow more")


def _sprite(cut: CutOut, size: float, turn: float) -> _Sprite:
    """Return a cut-out with a longer side of `size` pixels, turned by `turn` degrees."""
    cv2 = require("cv2", "checkout")
    height, width = cut.mask.shape
    scale = size / max(height, width)
    side = math.ceil(math.hypot(height, width) * scale) + 2
    moved = cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale)
    moved[:, 2] += (side - width) / 2, (side - height) / 2
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    if scale < 0.5:  # warpAffine looks at four pixels only
        half = (max(width // 2, 1), max(height // 2, 1))
        small = cv2.resize(cut.pixels, half, interpolation=cv2.INTER_AREA)
        mask = cv2.resize(cut.mask.astype(np.uint8), half, interpolation=cv2.INTER_AREA) > 0
        return _sprite(CutOut(small, mask, cut.quality), size, turn)
    pixels = cv2.warpAffine(cut.pixels, moved, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    covers = cv2.warpAffine(cut.mask.astype(np.uint8) * 255, moved, (side, side), flags=cv2.INTER_LINEAR)
    mask = covers >= min(128, int(covers.max()))  # what is thinner than a pixel is seen all the same
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _Sprite(pixels[box], mask[box])


def _corners(masks: Sequence[Mask], drawing: Drawing, rng: np.random.Generator) -> Ints | None:
    """Return a top left corner (I, 2) for each instance, later ones above; `None` where one finds none."""
    owner = np.full((drawing.side, drawing.side), -1, np.int64)
    areas = np.array([mask.sum() for mask in masks])
    hidden = np.zeros(len(masks))
    corners = np.zeros((len(masks), 2), np.int64)
    order = np.argsort(-areas, kind="stable")  # the large ones first: small ones still fit beside them
    for number in order:
        mask = masks[number]
        room = drawing.side - np.array(mask.shape)
        if (room < 0).any():
            return None
        corner = _corner(owner, mask, room, (hidden, areas * drawing.overlap), rng)
        if corner is None:
            return None
        corners[number] = corner
        part = owner[corner[0] : corner[0] + mask.shape[0], corner[1] : corner[1] + mask.shape[1]]
        under = part[mask]
        hidden += np.bincount(under[under >= 0], minlength=len(masks))
        part[mask] = number
    return corners


def _corner(
    owner: Ints,
    mask: Mask,
    room: Ints,
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
) -> Ints | None:
    """Return a corner at which no instance becomes hidden by more than its bound."""
    hidden, most = bounds
    for attempt in range(_TRIES):
        spread = _SPREAD if attempt < _TRIES // 2 else 1.0
        corner = np.round(rng.normal(room / 2, len(owner) * spread)).astype(np.int64)
        if ((corner < 0) | (corner > room)).any():
            continue
        under = owner[corner[0] : corner[0] + mask.shape[0], corner[1] : corner[1] + mask.shape[1]][mask]
        if (hidden + np.bincount(under[under >= 0], minlength=len(hidden)) <= most).all():
            return corner
    return None


def _painted(
    made: Sequence[_Sprite], corners: Ints, product: Ints, drawing: Drawing, rng: np.random.Generator
) -> Scene:
    """Return the scene with the sprites at their corners, the large ones below."""
    cv2 = require("cv2", "checkout")
    side = drawing.side
    canvas = _tray(side, rng)
    owner = np.full((side, side), -1, np.int64)
    away = rng.uniform(0, math.tau)
    shift = np.round(np.array([math.sin(away), math.cos(away)]) * side * _LENGTH).astype(int)
    light = rng.uniform(1 - _LIGHT, 1 + _LIGHT, len(made))
    for number in np.argsort([-sprite.mask.sum() for sprite in made], kind="stable"):
        sprite, (top, left) = made[number], corners[number]
        box = np.s_[top : top + sprite.mask.shape[0], left : left + sprite.mask.shape[1]]
        if drawing.shadows:
            canvas *= 1 - _shadow(cv2, sprite.mask, corners[number] + shift, side)[..., None]
        soft = cv2.GaussianBlur(sprite.mask.astype(np.float32), (0, 0), 0.7) * sprite.mask
        canvas[box] += soft[..., None] * (sprite.pixels.astype(np.float32) * light[number] - canvas[box])
        owner[box][sprite.mask] = number
    canvas += rng.normal(0, 2.0, canvas.shape)
    places = np.array([_extent(owner == number) for number in range(len(made))], np.float64)
    return Scene(np.clip(canvas, 0, 255).astype(np.uint8), product, places.reshape(-1, 4), owner)


def _tray(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return an empty tray (S, S, 3): light grey, brighter on one side, darker to its corners."""
    grid = np.linspace(-1, 1, side, dtype=np.float32)
    across, down = np.meshgrid(grid, grid)
    colour = rng.uniform(196, 226) + rng.uniform(-5, 5, 3)
    slope = rng.uniform(-9, 9, 2)
    shade = slope[0] * across + slope[1] * down - rng.uniform(5, 14) * (across**2 + down**2)
    return np.asarray(colour[None, None] + shade[..., None], np.float32)


def _shadow(cv2: Any, mask: Mask, corner: Ints, side: int) -> NDArray[np.float32]:
    """Return how much of the light (S, S) the shadow of a mask at a corner takes."""
    whole = np.zeros((side, side), np.float32)
    top, left = np.maximum(corner, 0)
    part = mask[: side - top, : side - left]
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    blurred: NDArray[np.float32] = cv2.GaussianBlur(whole, (0, 0), side * _BLUR)
    return blurred * _SHADE


def _extent(seen: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    return columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1
