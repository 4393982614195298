"""Score a classifier on labelled products, level by level and as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset, join_gaps
from mep3m.errors import UsageError
from mep3m.evaluation.hierarchy import HierarchyReport, hierarchical_report
from mep3m.evaluation.metrics import LevelScores, score_level
from mep3m.evaluation.promises.estimate import FilingPoint, filing_curve
from mep3m.label_tree.probabilities import by_name, make_coherent
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.classifier import Classifier
from mep3m.store.images import Images
from mep3m.store.rejects import Reject

#: label paths outside the tree that a report lists
OUTSIDE_SHOWN = 5


@dataclass(frozen=True)
class UnreadableImage:
    """An image that counted as missing, and why."""

    product: str | None
    reason: str


@dataclass(frozen=True)
class UnreadableImages:
    """How many images could not be read, and the first of them: such a row counts as without one."""

    n: int
    first: tuple[UnreadableImage, ...]


@dataclass(frozen=True)
class OutsidePath:
    """A label path that the tree refuses, why, and how many rows have it."""

    path: LabelPath
    reason: str
    rows: int


@dataclass(frozen=True)
class OutsideLabels:
    """The rows with a label path that the tree refuses, and the most frequent of these paths.

    `misplaced` of the rows have a name below another parent than in the tree; the others have a name that
    the tree does not hold. The part above it still counts as the row's label in the hierarchical scores.
    """

    rows: int
    misplaced: int
    most_frequent: tuple[OutsidePath, ...]


@dataclass(frozen=True)
class LevelEvaluation:
    """The scores of one level, and how many classes of it the model knows."""

    level: int
    known_classes: int
    scores: LevelScores

    def to_json(self) -> dict[str, Any]:
        """Return level, classes and scores side by side."""
        return {"level": self.level, "known_classes": self.known_classes, **asdict(self.scores)}


@dataclass(frozen=True)
class Evaluation:
    """The scores of a classifier on labelled rows: a level at a time, as a tree, and by threshold.

    `unreadable_images` is `None` where the probabilities came from elsewhere.
    """

    levels: tuple[LevelEvaluation, ...]
    hierarchical: HierarchyReport
    outside: OutsideLabels
    filing_curve: tuple[FilingPoint, ...] = ()
    unreadable_images: UnreadableImages | None = None

    def to_json(self) -> dict[str, Any]:
        """Return `{"levels": [...], "hierarchical": {...}, "filing_curve": [...], ...}`."""
        unreadable = self.unreadable_images
        return {
            "levels": [level.to_json() for level in self.levels],
            "hierarchical": {**self.hierarchical.to_json(), "outside": asdict(self.outside)},
            "filing_curve": [asdict(point) for point in self.filing_curve],
            **({} if unreadable is None else {"unreadable_images": asdict(unreadable)}),
        }


def level_truth(
    tree: LabelTree, proba: NDArray[np.float32], dataset: Dataset, level: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], list[str]]:
    """Return the rows with a label at `level`, their (n, names) probabilities, (n,) truth, and the names.

    A class of a level is the name in the label cell: nodes with one name are added up. -1, -2, ... are the
    names that the model has never seen.
    """
    names, joined = by_name(tree, proba, level)
    place = {name: column for column, name in enumerate(names)}
    told = dataset.names(level)
    rows = np.array([row for row, name in enumerate(told) if name is not None], dtype=np.int64)
    unseen = sorted({str(told[row]) for row in rows} - place.keys())
    place |= {name: -1 - number for number, name in enumerate(unseen)}
    truth = np.array([place[str(told[row])] for row in rows], dtype=np.int64)
    return rows, joined[rows], truth, names


def evaluate(classifier: Classifier, dataset: Dataset, images: Images | None = None) -> Evaluation:
    """Return the scores of a classifier on labelled rows.

    What is scored is what `assign` answers: probabilities of independent heads are made coherent.

    Raises:
        UsageError: no row has a label.
    """
    prediction = classifier.predict(dataset.products, images)
    proba = make_coherent(classifier.tree, prediction.proba)
    return replace(score(classifier.tree, proba, dataset), unreadable_images=unreadable(prediction.rejects))


def unreadable(rejects: Sequence[Reject], shown: int = 5) -> UnreadableImages:
    """Return how many images could not be read, and the first of them."""
    first = tuple(UnreadableImage(reject.product, reject.reason) for reject in rejects[:shown])
    return UnreadableImages(len(rejects), first)


def score(tree: LabelTree, proba: NDArray[np.float32], dataset: Dataset) -> Evaluation:
    """Return the scores of (N, C) probabilities of the rows of a dataset; see `evaluate`.

    A row with a gap in its labels has the place that `tree` gives it.
    """
    levels: list[LevelEvaluation] = []
    for level in range(1, tree.depth + 1):
        _, joined, truth, names = level_truth(tree, proba, dataset, level)
        if len(truth):
            levels.append(LevelEvaluation(level, len(names), score_level(joined, truth)))
    if not levels:
        raise UsageError(
            f"none of the {len(dataset):,} rows has a label in the columns that the run was trained with; "
            "name the columns that hold the labels with --labels, coarse to fine"
        )
    codes = tree.encode(join_gaps(dataset.cells, tree.paths))
    report, curve = hierarchical_report(tree, proba, codes), filing_curve(tree, proba, codes)
    return Evaluation(tuple(levels), report, outside(tree, dataset), tuple(curve))


def outside(tree: LabelTree, dataset: Dataset) -> OutsideLabels:
    """Return how many rows have a label path that the tree refuses, and the most frequent of them."""
    refused = tree.contradictions(join_gaps(dataset.cells, tree.paths))
    shown = tuple(
        OutsidePath(path, reason, rows) for (path, reason), rows in refused.most_common(OUTSIDE_SHOWN)
    )
    misplaced = sum(rows for (_, reason), rows in refused.items() if reason.startswith("stands "))
    return OutsideLabels(refused.total(), misplaced, shown)
