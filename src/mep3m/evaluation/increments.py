"""What learning more classes did to a model: accuracy on old and new classes, and what was forgotten."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.dataset.dataset import Dataset, join_gaps
from mep3m.label_tree.probabilities import make_coherent, right_leaves
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Classifier
from mep3m.store.images import Images

Right = NDArray[np.bool_]


@dataclass(frozen=True)
class IncrementScores:
    """Shares of test products whose most probable class is right, after an increment of learning.

    `old` are those of classes known before it, `new` of the classes learned in it, `all` of both and of the
    `unseen` rows whose class the model does not know, which are wrong. `forgetting` is what `old` lost by the
    increment, `since_training` what the classes of training have lost by all increments together; below 0 is
    a gain. `by_increment` has the share of the classes of training and of each increment. `None`: no such
    rows.
    """

    old: float | None
    new: float | None
    all: float | None
    forgetting: float | None
    since_training: float | None
    by_increment: tuple[float | None, ...]
    rows: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def right_answers(classifier: Classifier, dataset: Dataset, images: Images | None) -> Right:
    """Return (N,) whether the most probable class of each row is its label, or lies below it."""
    tree = classifier.tree
    proba = make_coherent(tree, classifier.predict(dataset.products, images).proba)
    return right_leaves(tree, proba, true_nodes(tree, dataset))


def true_nodes(tree: LabelTree, dataset: Dataset) -> Ints:
    """Return (N,) the node of each row's whole label, -1 where the tree does not hold it."""
    paths = join_gaps(dataset.cells, tree.paths)
    return np.array([tree.index(path) if path else -1 for path in paths], dtype=np.int64)


def score_increment(last: int, born: Ints, now: Right, before: Right, trained: Right) -> IncrementScores:
    """Return the scores of N test rows: right `now`, `before` the increment, and as the model was `trained`.

    `born` (N,) is the increment that brought the class of a row, 0 for those of training, -1 where there is
    none; `last` is the increment that is scored.
    """
    old, new, first = (born >= 0) & (born < last), born == last, born == 0
    return IncrementScores(
        _share(now[old]),
        _share(now[new]),
        _share(now),
        _lost(before[old], now[old]),
        _lost(trained[first], now[first]),
        tuple(_share(now[born == one]) for one in range(last + 1)),
        {"old": int(old.sum()), "new": int(new.sum()), "unseen": int((born < 0).sum())},
    )


def _share(right: Right) -> float | None:
    return float(right.mean()) if len(right) else None


def _lost(before: Right, now: Right) -> float | None:
    return float(before.mean() - now.mean()) if len(now) else None
