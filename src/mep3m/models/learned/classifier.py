"""The classifier kind 'extended': a trained one, and classes that it learned later from a few products.

The trained one stays as it is. A head over the vectors that it makes of products knows all classes, the
trained ones by what was kept of their rows; it says how much of the probability belongs to learned classes,
and to which. What is left is divided among the trained ones by both opinions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import unit_length
from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import make_coherent, own_mass, sum_up
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models import classifier as door
from mep3m.models.classifier import Classifier, Prediction
from mep3m.models.learned.heads import Head, Method
from mep3m.models.learned.held_out import HeldOut
from mep3m.models.learned.statistics import ClassStatistics
from mep3m.models.linear.latent import LEAST, LatentText
from mep3m.models.tensors import open_tensors, save_tensors
from mep3m.store.images import Images
from mep3m.store.json_files import read_json, write_json

#: what was learned before version 2 has no held-out rows
KIND, FORMAT, OLDER = "extended", 2, 1
#: the folders of the trained classifier and of the encoder of its texts
BASE, TEXT = "base", "text"
#: share of the trained heads in what both say of trained classes; of a linear model of text, which knows more
#: of its training rows than the vectors say, all of it (decision 302)
TRUST, TRUST_TEXT = 0.5, 1.0

Probabilities = NDArray[np.float32]


class Encoding(Protocol):
    """A classifier that answers from vectors: a network."""

    def predict_encoded(self, products: pa.Table, images: Images | None) -> tuple[Prediction, Probabilities]:
        """Return its probabilities, and the vectors (N, D) that they come from."""
        ...


class EncodedPrediction(NamedTuple):
    """What a classifier says of N rows, their vectors (N, D) of unit length, and which rows (N,) have one."""

    prediction: Prediction
    vectors: NDArray[np.float32]
    told: NDArray[np.bool_]


def read(
    base: Classifier, text: LatentText | None, products: pa.Table, images: Images | None
) -> EncodedPrediction:
    """Return what a trained classifier says of rows, and their vectors: its own, or those of `text`."""
    if text is None:
        prediction, vectors = cast(Encoding, base).predict_encoded(products, images)
        unit, has = unit_length(vectors)
        return EncodedPrediction(prediction, unit, has & prediction.seen)
    return EncodedPrediction(base.predict(products, images), *encode(text, products[base.reads[0]]))


def encode(text: LatentText, titles: pa.ChunkedArray) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return (N, D) vectors of titles, of unit length, and which (N,) have one."""
    vectors = text.project(titles)
    unit, has = unit_length(vectors)
    return unit, has & (np.linalg.norm(vectors, axis=1) > LEAST)


@dataclass(frozen=True)
class ExtendedClassifier:
    """A trained classifier `base`, and a head over all classes of `kept`, the trained ones first.

    `tree` has the nodes of the trained tree and those of the learned classes. `text` makes vectors of texts
    where the base has none of its own. Where there are `held` rows, what the base is unsure of counts more
    for learned classes, and the scores of these are such that the held-out rows are forgotten by no more
    than was asked for (decision 328).
    """

    base: Classifier
    tree: LabelTree
    kept: ClassStatistics
    head: Head
    method: Method
    text: LatentText | None = None
    held: HeldOut | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """What the trained classifier reads."""
        return self.base.reads

    @cached_property
    def learned(self) -> frozenset[LabelPath]:
        """The nodes that were learned after training."""
        return frozenset(self.tree.paths) - frozenset(self.base.tree.paths)

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> Probabilities:
        """Return coherent (N, C) probabilities of the nodes of `tree`."""
        return self.predict(products, images).proba

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        """Return the probabilities, which rows showed the model anything, and the unreadable images.

        A row without a vector has the answer of the trained classifier.
        """
        prediction, vectors, told = read(self.base, self.text, products, images)
        before, now = self.base.tree, self.tree
        second = self.head.proba(vectors)
        second[~told] = 0
        places = np.array([before.index(path) for path in self.kept.paths])
        old, new = np.flatnonzero(places >= 0), np.flatnonzero(places < 0)
        rest = 1 - second[:, new].sum(1, keepdims=True)
        own = own_mass(before, make_coherent(before, prediction.proba))
        trust = TRUST if self.text is None else TRUST_TEXT
        trust_of = np.where(told, np.where(prediction.seen, trust, 0.0), 1.0)[:, None].astype(np.float32)
        if self.held is not None:
            sure = np.where(prediction.seen, own[:, before.leaves].max(1), 1.0)[:, None]
            total = 1 - rest + rest * sure
            rest, second[:, new] = rest * sure / total, second[:, new] / total
        own *= trust_of * rest
        own[:, places[old]] += (1 - trust_of) * second[:, old]
        moved = np.zeros((len(own), len(now)), np.float32)
        moved[:, [now.index(path) for path in before.paths]] = own
        moved[:, [now.index(self.kept.paths[one]) for one in new]] += second[:, new]
        proba = np.minimum(sum_up(now, moved), 1.0)
        return prediction._replace(proba=proba, seen=prediction.seen | told)

    def save(self, folder: Path) -> None:
        """Write the trained classifier, the encoder of texts, the head and what is kept."""
        self.base.save(folder / BASE)
        if self.text is not None:
            self.text.save(folder / TEXT)
        self.kept.save(folder)
        save_tensors(folder / "weights.safetensors", {"weights": self.head.weights, "bias": self.head.bias})
        description = {"kind": KIND, "format": FORMAT, "tree": self.tree.to_json(), "method": self.method}
        if self.held is not None:
            self.held.save(folder)
        description["held_out"] = 0 if self.held is None else len(self.held)
        description["text"] = None if self.text is None else self.text.key
        write_json(folder / "classifier.json", description)


def load(folder: Path) -> ExtendedClassifier:
    """Rebuild the classifier that `save` wrote.

    Raises:
        ModelError: a file is missing or damaged, or the files are of different runs.
    """
    description = read_json(folder / "classifier.json")
    again = "copy the folder again, or learn the classes again with 'mep3m learn'"
    try:
        if description["format"] not in (OLDER, FORMAT):
            raise ModelError(f"{folder} has format {description['format']}, this version reads {FORMAT}")
        tree, method = LabelTree.from_json(description["tree"]), description["method"]
        key = description["text"]
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder}/classifier.json is incomplete ({error}); {again}") from error
    base, kept = door.load(folder / BASE), ClassStatistics.load(folder)
    text = None if key is None else LatentText.load(folder / TEXT)
    count = description.get("held_out", 0)
    held = HeldOut.load(folder) if count else None
    tensors = open_tensors(folder / "weights.safetensors")
    same_text = text is None or text.key == key
    if kept is None or not same_text or count != (0 if held is None else len(held)):
        raise ModelError(f"{folder} is not whole: its files are of different runs; {again}")
    head = Head(np.array(tensors["weights"]), np.array(tensors["bias"]))
    if head.weights.shape != kept.means.T.shape or any(tree.index(path) < 0 for path in kept.paths):
        raise ModelError(f"{folder}: head, statistics and tree do not belong together; {again}")
    return ExtendedClassifier(base, tree, kept, head, method, text, held)
