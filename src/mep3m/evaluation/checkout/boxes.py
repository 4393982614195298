"""Scores of boxes around products: mAP50 and mmAP, by pycocotools, the evaluation that COCO and RPC use."""

from __future__ import annotations

import contextlib
import io
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.errors import require

#: boxes of one image that count, the best first; RPC's fullest images have 20
MOST = 100


class Boxes(NamedTuple):
    """B boxes: numbers of their images and products (B,), their places (B, 4) and scores (B,).

    A place is left, top, width and height in pixels.
    """

    image: Ints
    product: Ints
    place: NDArray[np.float64]
    score: NDArray[np.float64]

    def on(self, images: Ints) -> Boxes:
        """Return the boxes on these images."""
        keep = np.isin(self.image, images)
        return Boxes(self.image[keep], self.product[keep], self.place[keep], self.score[keep])


class BoxScores(NamedTuple):
    """Mean average precision at IoU .5, and its mean over IoU .5 to .95; `None` without a true box."""

    mAP50: float | None  # noqa: N815 (the paper's names)
    mmAP: float | None  # noqa: N815


def box_scores(truth: Boxes, found: Boxes, images: Ints) -> BoxScores:
    """Return the scores of boxes found on `images`, the mean over the products that occur there.

    The scores of `truth` are not looked at. Products that occur on none of the images have no precision
    and are left out; boxes wrongly called so lower nothing here, and count in `counts.count_scores`.

    Raises:
        MissingExtraError: pycocotools is not installed.
    """
    coco = require("pycocotools.coco", "checkout").COCO
    evaluation = require("pycocotools.cocoeval", "checkout").COCOeval
    truth, found = truth.on(images), found.on(images)
    products = np.unique(truth.product).tolist()
    if not products:
        return BoxScores(None, None)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        known, seen = coco(), coco()
        for held, boxes in ((known, truth), (seen, found)):
            held.dataset = _dataset(boxes, images, products)
            held.createIndex()
        run = evaluation(known, seen, "bbox")
        run.params.maxDets = [1, 10, MOST]
        run.evaluate()
        run.accumulate()
    # IoU thresholds x recalls x products x areas (0: all) x boxes an image (2: MOST); -1 is no precision
    precision: NDArray[np.float64] = run.eval["precision"][:, :, :, 0, 2]
    return BoxScores(_mean(precision[:1]), _mean(precision))


def _mean(precision: NDArray[np.float64]) -> float | None:
    defined = precision[precision > -1]
    return float(defined.mean()) if defined.size else None


def _dataset(boxes: Boxes, images: Ints, products: list[int]) -> dict[str, Any]:
    """Return boxes as the dictionary that pycocotools reads."""
    notes = [
        {
            "id": number,
            "image_id": int(image),
            "category_id": int(product),
            "bbox": place.tolist(),
            "area": float(place[2] * place[3]),
            "iscrowd": 0,
            "score": float(score),
        }
        for number, (image, product, place, score) in enumerate(zip(*boxes, strict=True), start=1)
    ]
    return {
        "images": [{"id": int(image)} for image in images],
        "categories": [{"id": product} for product in products],
        "annotations": notes,
    }
