"""The classifier kind 'late_fusion': one classifier a modality, their opinions weighted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import doubt, families, from_siblings, softmax
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models import classifier as door
from mep3m.models.classifier import Classifier, Prediction
from mep3m.store.images import Images
from mep3m.store.json_files import read_json, write_json

KIND, FORMAT = "late_fusion", 1
#: a probability of 0 would silence every other part
SMALLEST = 1e-6
#: as many held-out rows weigh as much as the wish for weights of 1: few rows cannot silence a part
PULL = 5.0

Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class LateFusion:
    """A product of experts: p ∝ Π_m p_m ^ w[level, m].

    It is normalised within each level, or with `joined` among siblings and multiplied down the path: then
    the probabilities are coherent (`models.tree`) where those of the parts are.

    `parts` are classifiers over the same tree by modality ('image', 'text', 'ocr'); `weights` (L, M) were
    learned on held-out rows. A row that lacks a modality, or whose image cannot be read, is predicted by
    the other parts alone.
    """

    tree: LabelTree
    parts: Mapping[str, Classifier]
    weights: NDArray[np.float64]
    joined: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """What any of the parts reads."""
        return tuple(dict.fromkeys(name for part in self.parts.values() for name in part.reads))

    @property
    def learned(self) -> frozenset[LabelPath]:
        """The nodes that its parts learned after their training."""
        return frozenset().union(*(door.learned_of(part) for part in self.parts.values()))

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> Probabilities:
        """Return (N, C) probabilities; unless `joined`, each level's columns sum to 1."""
        return self.predict(products, images).proba

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        """Return the probabilities, which rows showed something to any part, and the unreadable images."""
        predictions = [part.predict(products, images) for part in self.parts.values()]
        seen = np.stack([one.seen for one in predictions], 1)
        proba = fuse(self.tree, [one.proba for one in predictions], self.weights, seen, self.joined)
        return Prediction(
            proba, np.asarray(seen.any(1)), [reject for one in predictions for reject in one.rejects]
        )

    def save(self, folder: Path) -> None:
        """Write each part into its own folder, and the weights into `classifier.json`."""
        for name, part in self.parts.items():
            part.save(folder / name)
        description = {"kind": KIND, "format": FORMAT, "tree": self.tree.to_json()}
        description |= {"parts": list(self.parts), "weights": self.weights.tolist()}
        description["joined"] = self.joined
        write_json(folder / "classifier.json", description)


def load(folder: Path) -> LateFusion:
    """Rebuild the classifier that `save` wrote.

    Raises:
        ModelError: a part is damaged or was trained on another taxonomy.
    """
    description = read_json(folder / "classifier.json")
    try:
        tree = LabelTree.from_json(description["tree"])
        names, weights = list(description["parts"]), np.array(description["weights"], np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{folder}/classifier.json is incomplete ({error}); train or copy it again"
        ) from error
    parts = {name: door.load(folder / name) for name in names}
    for name, part in parts.items():
        if part.tree.paths != tree.paths:
            raise ModelError(
                f"{folder / name} was trained on another taxonomy than {folder}; train both again"
            )
    return LateFusion(tree, parts, weights, bool(description.get("joined", False)))


def fuse(
    tree: LabelTree,
    opinions: list[Probabilities],
    weights: NDArray[np.float64],
    present: NDArray[np.bool_],
    joined: bool = False,
) -> Probabilities:
    """Combine M probabilities (N, C) by weights (L, M); `present` (N, M) masks what a row lacks.

    With `joined` the parts are coherent, and their shares among siblings are combined. With one modality
    present its own probabilities are kept; with none, the mean of the parts (each gives class frequencies
    then).
    """
    logs = _logs(tree, opinions, joined)
    alone = present.sum(1, keepdims=True) < 2
    mask = np.where(present.any(1, keepdims=True), present, 1 / present.shape[1])
    scores = np.empty(opinions[0].shape, np.float32)
    for level in range(1, tree.depth + 1):
        nodes = tree.nodes(level)
        strength = mask * np.where(alone, 1.0, weights[level - 1])
        scores[:, nodes] = (logs[:, nodes] * strength[:, None, :]).sum(2)
    if joined:
        return from_siblings(tree, scores)
    for level in range(1, tree.depth + 1):
        nodes = tree.nodes(level)
        scores[:, nodes] = softmax(scores[:, nodes])
    return scores


def _logs(tree: LabelTree, opinions: list[Probabilities], joined: bool) -> NDArray[np.float32]:
    """Return (N, C, M) logarithms of the probabilities, or of the shares among siblings with `joined`."""
    stacked = np.stack(opinions, 2)
    shares = stacked.copy()
    for level in range(1, tree.depth + 1) if joined else ():
        family = families(tree, level)
        total = np.add.reduceat(stacked[:, family.columns], family.firsts, axis=1)
        shares[:, family.columns] /= np.maximum(total, np.finfo(np.float32).tiny)[:, family.members]
    return np.log(np.maximum(shares, SMALLEST))


def learn_weights(
    tree: LabelTree,
    opinions: list[Probabilities],
    codes: NDArray[np.int32],
    present: NDArray[np.bool_],
    joined: bool = False,
) -> NDArray[np.float64]:
    """Return (L, M) weights, none negative, that make the held-out labels `codes` (N, L) likeliest.

    Rows with two modalities or more count, those that a row lacks say nothing of it, as in `fuse`; a level
    without such rows gets equal weights. With `joined` a label competes with its siblings, else with the
    whole level.
    """
    from scipy.optimize import minimize

    logs = _logs(tree, opinions, joined).astype(np.float64) * present[:, None]
    count = len(opinions)
    weights = np.full((tree.depth, count), 1.0)
    for level in range(1, tree.depth + 1):
        nodes = tree.nodes(level)
        rows = np.flatnonzero((codes[:, level - 1] >= 0) & (present.sum(1) > 1))
        truth = codes[rows, level - 1]
        rivals = np.ones((len(rows), nodes.stop - nodes.start), bool)
        if joined:
            rivals = tree.parent[None, nodes] == tree.parent[truth][:, None]
        # a label without a rival is certain: it says nothing about the parts
        told = rivals.sum(1) > 1
        if told.any():
            optimum = minimize(
                _loss,
                np.ones(count),
                (logs[rows[told], nodes], truth[told] - nodes.start, rivals[told]),
                jac=True,
                bounds=[(0.0, 10.0)] * count,
                method="L-BFGS-B",
            )
            weights[level - 1] = optimum.x
    return weights


def _loss(
    weights: NDArray[np.float64],
    scores: NDArray[np.float64],
    truth: NDArray[np.int32],
    rivals: NDArray[np.bool_],
) -> tuple[float, NDArray[np.float64]]:
    """Return the loss of `training.temperature.best_factor` and its gradient (M,), drawn to 1 as `PULL` says.

    Of `scores` (N, C, M) those with `rivals` (N, C) compete.
    """
    mixed = np.where(rivals, scores @ weights, -np.inf)
    mixed -= mixed.max(1, keepdims=True)
    powers = np.exp(mixed)
    shares = powers / powers.sum(1, keepdims=True)
    rows, unsure = np.arange(len(truth)), doubt(len(truth))
    right = np.clip(shares[rows, truth], 1e-300, None)
    # summed, not 1 - right: near certainty the difference would be rounding
    wrong = np.clip(np.where(np.arange(shares.shape[1]) == truth[:, None], 0.0, shares).sum(1), 1e-12, None)
    loss = -float(((1 - unsure) * np.log(right) + unsure * np.log(wrong)).mean())
    steepness = (1 - unsure) - unsure * right / wrong
    slope = np.einsum("nc,ncm->nm", shares, scores) - scores[rows, truth]
    gradient = (steepness[:, None] * slope).mean(0)
    pull = PULL / len(truth)
    return loss + 0.5 * pull * float(((weights - 1) ** 2).sum()), gradient + pull * (weights - 1)
