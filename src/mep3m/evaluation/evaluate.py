"""Score a classifier on labelled products, level by level and as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.errors import UsageError
from mep3m.evaluation.hierarchy import hierarchical_report
from mep3m.evaluation.metrics import score_level
from mep3m.label_tree.probabilities import by_name, make_coherent
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Classifier
from mep3m.store.images import Images
from mep3m.store.rejects import Reject

#: label paths outside the tree that a report lists
OUTSIDE_SHOWN = 5


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


def evaluate(classifier: Classifier, dataset: Dataset, images: Images | None = None) -> dict[str, Any]:
    """Return `{"levels": [...], "hierarchical": {...}, "unreadable_images": {...}}` on labelled rows.

    What is scored is what `assign` answers: probabilities of independent heads are made coherent.

    Raises:
        UsageError: no row has a label.
    """
    found = classifier.predict(dataset.products, images)
    proba = make_coherent(classifier.tree, found.proba)
    return score(classifier.tree, proba, dataset) | {"unreadable_images": unreadable(found.rejects)}


def unreadable(rejects: Sequence[Reject], shown: int = 5) -> dict[str, Any]:
    """Return how many images could not be read, and the first of them: such a row counts as without one."""
    first = [{"product": reject.product, "reason": reject.reason} for reject in rejects[:shown]]
    return {"n": len(rejects), "first": first}


def score(tree: LabelTree, proba: NDArray[np.float32], dataset: Dataset) -> dict[str, Any]:
    """Return the scores of (N, C) probabilities of the rows of a dataset; see `evaluate`."""
    levels: list[dict[str, Any]] = []
    for level in range(1, tree.depth + 1):
        _, joined, truth, names = level_truth(tree, proba, dataset, level)
        if len(truth):
            levels.append({"level": level, "known_classes": len(names), **asdict(score_level(joined, truth))})
    if not levels:
        raise UsageError(
            f"none of the {len(dataset):,} rows has a label in the columns that the run was trained with"
        )
    report = hierarchical_report(tree, proba, tree.encode(dataset.paths))
    return {"levels": levels, "hierarchical": report | {"outside": outside(tree, dataset)}}


def outside(tree: LabelTree, dataset: Dataset) -> dict[str, Any]:
    """Return how many rows have a label path that the tree refuses, and the most frequent of them.

    A name below another parent than in the tree (`misplaced` counts these), or a name that the tree
    does not hold: the part above it still counts as the row's label in the hierarchical scores.
    """
    found = tree.contradictions(dataset.paths)
    shown = [
        {"path": list(path), "reason": reason, "rows": rows}
        for (path, reason), rows in found.most_common(OUTSIDE_SHOWN)
    ]
    misplaced = sum(rows for (_, reason), rows in found.items() if reason.startswith("stands "))
    return {"rows": found.total(), "misplaced": misplaced, "most_frequent": shown}
