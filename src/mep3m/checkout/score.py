"""How well a counter does on pictures with ground truth: RPC's scores by clutter level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mep3m import __version__
from mep3m.arrays import Ints
from mep3m.checkout.answers import CountedScenes, count_pictures
from mep3m.checkout.coco import AnnotatedPictures, ProductName
from mep3m.checkout.counter import ProductCounter
from mep3m.checkout.scenes.compose import LEVELS
from mep3m.engine.progress import Progress, silent
from mep3m.errors import InputError
from mep3m.evaluation.checkout.boxes import Boxes, box_scores
from mep3m.evaluation.checkout.counts import count_scores
from mep3m.store.json_files import write_json

SCORES = "scores.json"
#: the name of the scores of all levels together
ALL = "all"


@dataclass(frozen=True)
class Scored:
    """Scores by level and of all images together, and lines on the pictures that could not be read."""

    levels: dict[str, dict[str, Any]]
    refused: tuple[str, ...]
    out: str

    def to_json(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"levels": self.levels, "refused": list(self.refused), "out": self.out}


def known_truth(truth: AnnotatedPictures, products: Sequence[ProductName], where: Path) -> Boxes:
    """Return the boxes of `truth` with numbers into `products`, matched by name (space around it aside).

    Raises:
        InputError: a box is of a product that is not among them.
    """
    numbers = {product.name.strip(): number for number, product in enumerate(products)}
    matched = np.array([numbers.get(product.name.strip(), -1) for product in truth.products], np.int64)
    own = matched[truth.boxes.product]
    unknown = sorted({truth.products[one].name for one in truth.boxes.product[own < 0]})
    if unknown:
        raise InputError(
            f"{where} shows {len(unknown)} products without exemplars ({', '.join(unknown[:5])}); add "
            "pictures of them under these names, or score scenes of known products"
        )
    return truth.boxes._replace(product=own)


def score_scenes(
    counter: ProductCounter,
    products: Sequence[ProductName],
    scenes: AnnotatedPictures,
    truth: Boxes,
    out: Path,
    looked_at: int = 4,
    progress: Progress = silent,
) -> Scored:
    """Count on every picture of `scenes`, write answers and scores into `out`, and return the scores.

    `truth` is that of `known_truth`. Pictures that cannot be read are left out, and said.

    Raises:
        InputError: none can be read.
    """
    answers = count_pictures(counter, products, scenes.pictures, out, looked_at, truth, progress)
    if not len(answers.read):
        raise InputError(f"no picture can be read ({answers.refused[0]})")
    levels = scores_by_level(scenes, truth, answers, len(products))
    write_json(out / SCORES, {"version": __version__, "products": len(products), "levels": levels})
    return Scored(levels, answers.refused, str(out))


def scores_by_level(
    scenes: AnnotatedPictures, truth: Boxes, answers: CountedScenes, products: int
) -> dict[str, dict[str, Any]]:
    """Return the scores of the pictures that were read, of each level that they have and of all."""
    level = np.array([scenes.pictures[number].level for number in answers.read])
    own = [name for name in LEVELS if name in level] + sorted(set(level) - set(LEVELS))
    found: dict[str, dict[str, Any]] = {}
    for name in [*own, ALL]:
        images = answers.read if name == ALL else answers.read[level == name]
        true, counted = (_counts(boxes, images, products) for boxes in (truth, answers.boxes))
        found[name] = {
            **count_scores(true, counted)._asdict(),
            **box_scores(truth, answers.boxes, images)._asdict(),
        }
    return found


def _counts(boxes: Boxes, images: Ints, products: int) -> Ints:
    """Return how many of each product each image has (N, K)."""
    counts = np.zeros((len(images), products), np.int64)
    on = boxes.on(images)
    np.add.at(counts, (np.searchsorted(images, on.image), on.product), 1)
    return counts
