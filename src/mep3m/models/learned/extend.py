"""A trained classifier with new classes: each of its parts learns them from its own vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from mep3m.arrays import Ints
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.classifier import Classifier
from mep3m.models.late_fusion import LateFusion
from mep3m.models.learned.classifier import ExtendedClassifier, encode, read
from mep3m.models.learned.heads import Head, Method, fit_head
from mep3m.models.learned.held_out import HeldOut
from mep3m.models.learned.statistics import WIDEST, ClassStatistics
from mep3m.models.linear.latent import LatentText
from mep3m.store.images import Images
from mep3m.store.rejects import Reject

#: directions of the encoder of texts that is learned for a linear model
DIRECTIONS = 512
#: share of products of trained classes that may be lost to learned ones, by all increments together
FORGET = 0.01


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

    `text` makes vectors of texts where the trained classifier has none of its own; `held` are rows of trained
    classes that bound what these forget.
    """

    base: Classifier
    kept: ClassStatistics | None = None
    text: LatentText | None = None
    held: HeldOut | None = None

    @classmethod
    def of(cls, classifier: Classifier) -> ExtendedPart:
        """Return a classifier as a part, whether it has learned classes before or not."""
        if isinstance(classifier, ExtendedClassifier):
            return cls(classifier.base, classifier.kept, classifier.text, classifier.held)
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

    def learned_by(
        self, new: ClassStatistics, tree: LabelTree, method: Method, forget: float
    ) -> ExtendedClassifier:
        """Return the classifier that knows the classes of `new` too, forgetting as little as asked for."""
        assert self.kept is not None  # `knowing` was asked first
        kept = self.kept + new
        head = fit_head(kept, method)
        if self.held is not None and self.text is not None:
            texts = pa.chunked_array([pa.array(self.held.texts, pa.string())])
            vectors, told = encode(self.text, texts)
            learned = np.array([self.base.tree.index(path) < 0 for path in kept.paths])
            proba = head.proba(vectors)
            most = np.where(told, proba[:, learned].max(1), 0)
            down = self.held.shift(proba[:, ~learned].sum(1), most, forget)
            head = Head(head.weights, head.bias + learned.astype(np.float32) * np.float32(down))
        return ExtendedClassifier(self.base, tree, kept, head, method, self.text, self.held)


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
    forget: float = FORGET,
) -> tuple[Classifier, list[Reject]]:
    """Return the classifier with the new classes, and the images that could not be read.

    `forget` is the share of products that trained classes may lose since training, where rows are held out.

    Raises:
        UsageError: a part can read fewer than `least` products of a class.
    """
    found = {name: part.added(new) for name, part in parts.items()}
    for name, part in parts.items():
        _require(found[name][0], found[name][1], new.paths, part.base.reads, least)
    made: dict[str, Classifier] = {
        name: part.learned_by(found[name][0], tree, method, forget) for name, part in parts.items()
    }
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
