"""Counts the products on a picture: regions that may be one, compared by the house's encoder with exemplars.

Each cut-out is looked at in several turns. A region is the product that one of these views is most like. The
region that is most like a product is counted first; what overlaps with it is then none.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from mep3m.arrays import Floats
from mep3m.checkout.cut_out import Mask
from mep3m.checkout.cuts import CutProducts
from mep3m.checkout.regions import SIDE, Region, find_regions
from mep3m.engine.progress import Progress, silent
from mep3m.errors import require
from mep3m.imaging.decode import Pixels
from mep3m.representations.encode import encode
from mep3m.representations.records import Encoder
from mep3m.sources.columns import product_table
from mep3m.store.images import GivenImages

#: turns in which a cut-out is looked at
TURNS = 8
#: the side of what the encoder is shown, in pixels, and the share of it around a product
_SHOWN, _MARGIN = 192, 0.06
#: the background that a product is shown on
_WHITE = 255
#: the most of a region that others which were counted may cover
_OVERLAP = 0.2
#: the least likeness of a product where none is asked for, between that of products and of pieces of them
LEAST = 0.45
#: views that are encoded at a time
_BATCH = 256
#: finds the regions of a picture
Finder = Callable[[Pixels], list[Region]]


class FoundProduct(NamedTuple):
    """A product on a picture: its number, its box (left, top, width, height), and how like it is (to 1)."""

    product: int
    place: tuple[float, float, float, float]
    likeness: float


class ProductCounter:
    """Counts products that it has seen cut out."""

    def __init__(
        self,
        cut: CutProducts,
        encoder: Encoder,
        least: float = LEAST,
        finder: Finder = find_regions,
        progress: Progress = silent,
    ) -> None:
        """Look at the cut-outs. A region less like every product than `least` is none of them."""
        self.encoder, self.least, self.finder = encoder, least, finder
        views, owners = [], []
        for number, cuts in enumerate(cut.cuts):
            for one in cuts:
                views += [shown(one.pixels, one.mask, 360 * turn / TURNS) for turn in range(TURNS)]
                owners += [number] * TURNS
        self.owners = np.array(owners)
        self.starts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        with progress("look at exemplars", len(views), "views") as advance:
            vectors = self._vectors(views, advance)
        self.middle = vectors.mean(axis=0)
        self.views = _unit(vectors - self.middle)

    def likeness(self, views: Sequence[Pixels]) -> Floats:
        """Return how like each product (K) each picture (N) is, (N, K): the cosine with its best view.

        Vectors are seen from the middle of all views, which takes away what all products share.
        """
        cosines = _unit(self._vectors(views) - self.middle) @ self.views.T
        return np.asarray(np.maximum.reduceat(cosines, self.starts, axis=1), np.float32)

    def count(self, pixels: Pixels) -> list[FoundProduct]:
        """Return the products found on a picture (H, W, 3), the most certain first."""
        scale, small = _sized(pixels)
        regions = self.finder(small)
        if not regions:
            return []
        likeness = self.likeness([shown(small[one.box], one.mask) for one in regions])
        best = likeness.max(axis=1)
        covered = np.zeros(small.shape[:2], bool)
        found = []
        for number in np.argsort(-best, kind="stable"):
            region = regions[number]
            under = covered[region.box]
            if best[number] < self.least or (under & region.mask).sum() > _OVERLAP * region.mask.sum():
                continue
            under |= region.mask
            place = _scaled(region.place, scale)
            found.append(FoundProduct(int(likeness[number].argmax()), place, float(best[number])))
        return found

    def _vectors(self, views: Sequence[Pixels], advance: Callable[[int], None] = lambda n: None) -> Floats:
        made = []
        for start in range(0, len(views), _BATCH):
            part = [_png(view) for view in views[start : start + _BATCH]]
            names = pa.array([str(n) for n in range(len(part))])
            rows = product_table(dict.fromkeys(("id", "source", "source_id", "image_ref"), names), len(part))
            images = GivenImages(dict(zip(names.to_pylist(), part, strict=True)))
            made.append(encode(rows, images, "image", [self.encoder]).vectors)
            advance(len(part))
        return np.concatenate(made)


def shown(pixels: Pixels, mask: Mask, turn: float = 0.0) -> Pixels:
    """Return what the encoder sees of a product: it alone on white, turned by degrees, in a square."""
    cv2: Any = require("cv2", "checkout")
    height, width = mask.shape
    points = cv2.findNonZero(mask.astype(np.uint8)).reshape(-1, 2).astype(np.float32)
    moved = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1.0)
    turned = points @ moved[:, :2].T + moved[:, 2]
    low, high = turned.min(axis=0), turned.max(axis=0) + 1
    scale = _SHOWN * (1 - 2 * _MARGIN) / float((high - low).max())
    moved[:, 2] -= (low + high) / 2
    moved *= scale
    moved[:, 2] += _SHOWN / 2
    white = np.where(mask[..., None], pixels, np.uint8(_WHITE))
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    view: Pixels = cv2.warpAffine(
        white, moved, (_SHOWN, _SHOWN), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(_WHITE,) * 3
    )
    return view


def _sized(pixels: Pixels) -> tuple[float, Pixels]:
    """Return a picture with a longer side of `SIDE`, and how much larger it was."""
    cv2: Any = require("cv2", "checkout")
    height, width = pixels.shape[:2]
    scale = max(height, width) / SIDE
    size = (max(round(width / scale), 1), max(round(height / scale), 1))
    flags = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return scale, pixels if scale == 1 else cv2.resize(pixels, size, interpolation=flags)


def _scaled(place: tuple[float, float, float, float], scale: float) -> tuple[float, float, float, float]:
    left, top, width, height = place
    return left * scale, top * scale, width * scale, height * scale


def _unit(vectors: NDArray[np.float32]) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
