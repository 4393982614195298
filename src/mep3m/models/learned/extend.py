"""A trained classifier with new classes: each of its parts learns them from its own vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from mep3m.arrays import Ints
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.classifier import Classifier
from mep3m.models.late_fusion import LateFusion
from mep3m.models.learned.classifier import ExtendedClassifier, read
from mep3m.models.learned.heads import Method, fit_head
from mep3m.models.learned.statistics import WIDEST, ClassStatistics
from mep3m.models.linear.latent import LatentText
from mep3m.store.images import Images
from mep3m.store.rejects import Reject

#: directions of the encoder of texts that is learned for a linear model
DIRECTIONS = 512


@dataclass(frozen=True)
class ClassRows:
    """Products with their images, and the place of each (N,) in `paths`; -1 is none of them."""

    products: pa.Table
    images: Images | None
    paths: Sequence[LabelPath]
    classes: Ints


@dataclass(frozen=True)
class ExtendedPart:
    """One classifier that reads products by itself, with what it keeps of the classes that it knows.

    `text` makes vectors of texts where the trained classifier has none of its own.
    """

    base: Classifier
    kept: ClassStatistics | None = None
    text: LatentText | None = None

    @classmethod
    def of(cls, classifier: Classifier) -> ExtendedPart:
        """Return a classifier as a part, whether it has learned classes before or not."""
        if isinstance(classifier, ExtendedClassifier):
            return cls(classifier.base, classifier.kept, classifier.text)
        return cls(classifier)

    def knowing(self, known: ClassRows, new: ClassRows) -> ExtendedPart:
        """Return the part with what is to be kept of the rows of known classes.

        Raises:
            UsageError: its vectors are too wide.
        """
        text = self.text
        if not hasattr(self.base, "predict_encoded") and text is None:
            column = self.base.reads[0]
            chunks = [*known.products[column].chunks, *new.products[column].chunks]
            text = LatentText.fit(pa.chunked_array(chunks, pa.string()), DIRECTIONS)
        part = replace(self, text=text)
        return replace(part, kept=part.added(known)[0])

    def added(self, rows: ClassRows) -> tuple[ClassStatistics, list[Reject]]:
        """Return what is to be kept of rows, and the images that could not be read."""
        found = read(self.base, self.text, rows.products, rows.images)
        if found.vectors.shape[1] > WIDEST:
            raise UsageError(
                f"the vectors of this model have {found.vectors.shape[1]:,} entries; classes can be learned "
                f"on at most {WIDEST:,}: train a model with a smaller network"
            )
        classes = np.where(found.told, rows.classes, -1)
        return ClassStatistics.of(
            rows.paths, classes, lambda some: found.vectors[some]
        ), found.prediction.rejects


def parts_of(classifier: Classifier) -> dict[str, ExtendedPart]:
    """Return the parts of a classifier by their names; one that is whole has the name ''."""
    if isinstance(classifier, LateFusion):
        return {name: ExtendedPart.of(part) for name, part in classifier.parts.items()}
    return {"": ExtendedPart.of(classifier)}


def extended(
    classifier: Classifier,
    parts: Mapping[str, ExtendedPart],
    new: ClassRows,
    tree: LabelTree,
    method: Method,
    least: int = 1,
) -> tuple[Classifier, list[Reject]]:
    """Return the classifier with the new classes, and the images that could not be read.

    Raises:
        UsageError: a part can read fewer than `least` products of a class.
    """
    found = {name: part.added(new) for name, part in parts.items()}
    for name, part in parts.items():
        _require(found[name][0], found[name][1], new.paths, part.base.reads, least)
    made: dict[str, Any] = {}
    for name, part in parts.items():
        assert part.kept is not None  # `knowing` was asked first
        kept = part.kept + found[name][0]
        made[name] = ExtendedClassifier(part.base, tree, kept, fit_head(kept, method), method, part.text)
    rejects = [reject for _, broken in found.values() for reject in broken]
    if isinstance(classifier, LateFusion):
        return LateFusion(tree, made, classifier.weights, classifier.joined), rejects
    return made[""], rejects


def _require(
    found: ClassStatistics,
    broken: Sequence[Reject],
    paths: Sequence[LabelPath],
    reads: Sequence[str],
    least: int,
) -> None:
    """Refuse classes of which a part can read too few products."""
    counts = dict(zip(found.paths, found.counts.astype(int).tolist(), strict=True))
    few = [path for path in paths if counts.get(path, 0) < least]
    if few:
        why = f" ({broken[0].value}: {broken[0].reason})" if broken else ""
        name, shown = " > ".join(few[0]), " or ".join(reads)
        raise UsageError(
            f"{counts.get(few[0], 0):,} products of '{name}' show the model {shown} that it can read{why}; "
            f"at least {least:,} have to; {len(few):,} classes are so: add products, or leave them out"
        )


def bare(classifier: Classifier) -> Classifier:
    """Return a classifier as it was trained, without the classes that it learned later."""
    if isinstance(classifier, ExtendedClassifier):
        return classifier.base
    if isinstance(classifier, LateFusion) and classifier.learned:
        parts = {name: bare(part) for name, part in classifier.parts.items()}
        return LateFusion(next(iter(parts.values())).tree, parts, classifier.weights, classifier.joined)
    return classifier
