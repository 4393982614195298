"""The one door to every trained model: a folder that rebuilds itself and gives probabilities.

A folder holds `classifier.json` (kind, format, label tree, taxonomy version, settings), the weights
in safetensors, vocabularies in JSON, and the metric card of its evaluation. No pickle.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.errors import ModelError, NotFoundError, did_you_mean
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.store.images import Images
from mep3m.store.json_files import read_json
from mep3m.store.layout import TAXONOMY
from mep3m.store.rejects import Reject
from mep3m.taxonomy import Taxonomy

#: kind of model in `classifier.json` -> module whose `load(folder)` rebuilds it
KINDS: dict[str, str] = {
    "extended": "mep3m.models.learned.classifier",
    "late_fusion": "mep3m.models.late_fusion",
    "linear": "mep3m.models.linear.classifier",
    "network": "mep3m.models.networks.classifier",
}


class Prediction(NamedTuple):
    """Probabilities (N, C) of N rows, which of them (N,) showed the model anything, and what was unreadable.

    A row that showed nothing has the class frequencies. `rejects` are images that are named by a row
    and could not be read: they count as missing. Where the tree was edited after training, `before` are the
    probabilities in the tree of training.
    """

    proba: NDArray[np.float32]
    seen: NDArray[np.bool_]
    rejects: list[Reject]
    before: NDArray[np.float32] | None = None


class Encoded(NamedTuple):
    """Vectors (N, D) of N rows, which of them (N,) have one, and the images that could not be read."""

    vectors: NDArray[np.float32]
    seen: NDArray[np.bool_]
    rejects: list[Reject]


class Classifier(Protocol):
    """A trained model over the nodes of a label tree."""

    @property
    def tree(self) -> LabelTree:
        """The nodes that the columns of `predict_proba` stand for."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """What the model reads of a product: 'image', 'title', 'ocr'."""
        ...

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> NDArray[np.float32]:
        """Return (N, C) probabilities, one column a node of `tree`, for rows of `PRODUCT_SCHEMA`.

        The columns of one level sum to at most 1. A missing modality is masked, never zero-filled
        in silence; a row with none of the model's modalities gets the class frequencies.
        """
        ...

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        """Return the same probabilities, with what the model did not see of the rows."""
        ...

    def save(self, folder: Path) -> None:
        """Write everything that `load` needs into `folder`."""
        ...


def load(folder: Path | str) -> Classifier:
    """Rebuild the classifier that was saved in `folder`.

    Raises:
        NotFoundError: there is no such folder.
        ModelError: the folder is not a classifier, or is damaged.
    """
    folder = Path(folder)
    if not folder.exists():
        raise NotFoundError(f"{folder} is not a classifier folder: it does not exist")
    description = folder / "classifier.json"
    if not description.exists():
        raise ModelError(f"{folder} is not a classifier folder: it has no classifier.json")
    content = read_json(description)
    kind = str(content.get("kind")) if isinstance(content, dict) else "none"
    if kind not in KINDS:
        raise ModelError(f"{description} names the kind '{kind}'{did_you_mean(kind, KINDS)}")
    classifier: Classifier = importlib.import_module(KINDS[kind]).load(folder)
    return classifier


def learned_of(classifier: Classifier) -> frozenset[LabelPath]:
    """Return the nodes of the tree that a classifier learned after its training, from a few products."""
    return frozenset(getattr(classifier, "learned", ()))


def names_of(folder: Path) -> Taxonomy | None:
    """Return the category tree that was saved with a classifier, which gives names to ids."""
    path = folder / TAXONOMY
    return Taxonomy.load(path) if path.exists() else None
