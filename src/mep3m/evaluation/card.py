"""The metric card: every number of one classifier on one set of rows, as JSON.

Beside the scores of `metrics` it holds their intervals, the accuracy of each class against its
number of training rows (the paper's Fig. 8), scores by class size and by shop, calibration, and
whether mistakes stay in the family.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.calibration import (
    accuracy,
    bootstrap,
    expected_calibration_error,
    macro_f1,
    reliability,
)
from mep3m.evaluation.evaluate import level_truth, score
from mep3m.evaluation.metrics import Codes, Floats, ap_by_class, confusion, f1_by_class
from mep3m.label_tree.tree import LabelTree

#: training rows of a class: first bound of each bucket
BUCKETS = (0, 1, 10, 50, 200, 1000)
AVERAGING = {
    "macro": "plain mean over classes: F1 over those in truth or answers, AP over those in the truth",
    "weighted": "mean over classes, weighted by true rows",
    "micro": "all (row, class) pairs pooled",
    "unseen": "a row whose class the model has never seen counts as wrong; each new name is a class with 0",
    "interval": "95 %, bootstrap over rows, moved by the mean of the samples",
}
#: rows above which the bootstrap draws fewer samples
_MANY_ROWS = 50_000


@dataclass(frozen=True)
class Answers:
    """What a card needs of one level: n rows, their (n, K) probabilities, truth, and the K names."""

    rows: NDArray[np.int64]
    proba: Floats
    truth: Codes
    names: list[str]

    @property
    def predicted(self) -> Codes:
        """The (n,) most probable columns."""
        best: Codes = self.proba.argmax(axis=1)
        return best


def training_counts(tree: LabelTree, dataset: Dataset) -> list[dict[str, int]]:
    """Return, for each level, how many rows of `dataset` carry each name."""
    return [
        dict(sorted(Counter(name for name in dataset.names(level) if name is not None).items()))
        for level in range(1, tree.depth + 1)
    ]


def metric_card(
    tree: LabelTree,
    proba: Floats,
    dataset: Dataset,
    counts: list[dict[str, int]],
    seed: int = 0,
) -> dict[str, Any]:
    """Return the card of (N, C) probabilities for the rows of a labelled dataset.

    `counts` are the `training_counts` of the rows that the classifier was trained on.

    Raises:
        UsageError: no row has a label.
    """
    card = score(tree, proba, dataset)
    sources = dataset.products["source"].to_pylist()
    for entry in card["levels"]:
        level = entry["level"]
        answers = Answers(*level_truth(tree, proba, dataset, level))
        entry["intervals"] = intervals(answers, seed)
        entry["calibration"] = calibration(answers)
        entry["classes_by_training_rows"] = by_class(answers, counts[level - 1])
        entry["buckets"] = by_bucket(answers, counts[level - 1])
        entry["platforms"] = by_platform(answers, [sources[row] for row in answers.rows])
        entry["mistakes"] = mistakes(answers, tree, level)
    return {**card, "averaging": AVERAGING, "seed": seed}


def intervals(answers: Answers, seed: int) -> dict[str, Any]:
    """Return Top-1 and macro F1 with their bootstrap intervals."""
    draws = 500 if len(answers.truth) <= _MANY_ROWS else 100
    kinds = {"top1": accuracy, "macro_f1": macro_f1}
    return {
        name: asdict(bootstrap(kind, answers.predicted, answers.truth, len(answers.names), seed, draws))
        for name, kind in kinds.items()
    }


def calibration(answers: Answers) -> dict[str, Any]:
    """Return the expected calibration error and the bars of the reliability plot."""
    bins = reliability(answers.proba, answers.truth)
    return {"ece": expected_calibration_error(bins), "reliability": [asdict(bar) for bar in bins]}


def by_class(answers: Answers, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return accuracy (recall), F1 and AP of each class that occurs, with its training rows (Fig. 8)."""
    matrix = confusion(answers.predicted, answers.truth, len(answers.names))
    f1 = f1_by_class(matrix)
    ap = ap_by_class(answers.proba, answers.truth)
    support = matrix.sum(axis=1)
    return [
        {
            "name": name,
            "training_rows": counts.get(name, 0),
            "n": int(support[column]),
            "accuracy": float(matrix[column, column] / support[column]),
            "f1": float(f1[column]),
            "ap": float(ap[column]),
        }
        for column, name in enumerate(answers.names)
        if support[column]
    ]


def by_bucket(answers: Answers, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the scores of the classes with so many training rows; the first bucket is unseen classes."""
    size = np.array([counts.get(name, 0) for name in answers.names])
    mine = np.where(answers.truth >= 0, size[np.maximum(answers.truth, 0)], 0)
    predicted = answers.predicted
    f1 = f1_by_class(confusion(answers.predicted, answers.truth, len(answers.names)))
    found = []
    for low, high in zip(BUCKETS, (*BUCKETS[1:], None), strict=True):
        rows = (mine >= low) & (mine < (high if high is not None else np.inf))
        if rows.any():
            present = np.unique(answers.truth[rows])
            found.append(
                {
                    "training_rows": [low, high],
                    "classes": len(present),
                    "n": int(rows.sum()),
                    "top1": float((predicted[rows] == answers.truth[rows]).mean()),
                    "macro_f1": float(np.nansum(f1[present[present >= 0]]) / len(present)),
                }
            )
    return found


def by_platform(answers: Answers, sources: list[str]) -> list[dict[str, Any]]:
    """Return Top-1 and macro F1 of the rows of each shop."""
    names = np.array(sources, dtype=object)
    predicted, found = answers.predicted, []
    for source in sorted(set(sources)):
        rows = names == source
        top1 = float((predicted[rows] == answers.truth[rows]).mean())
        f1 = macro_f1(predicted[rows], answers.truth[rows], len(answers.names))
        found.append({"platform": source, "n": int(rows.sum()), "top1": top1, "macro_f1": f1})
    return found


def mistakes(answers: Answers, tree: LabelTree, level: int, most: int = 20) -> dict[str, Any]:
    """Return how many wrong answers are siblings of the truth or cross_parent, and the most_frequent pairs.

    Siblings share a parent; at the first level, and for unseen classes, every mistake is cross-parent.
    """
    parents: dict[str, set[int]] = {}
    for path in tree.paths[tree.nodes(level)]:
        parents.setdefault(path[-1], set()).add(tree.index(path[:-1]))
    wrong = np.flatnonzero(answers.predicted != answers.truth)
    told = [answers.names[code] if code >= 0 else "(unseen)" for code in answers.truth[wrong]]
    pairs = Counter(zip(told, [answers.names[code] for code in answers.predicted[wrong]], strict=True))
    shared = {
        pair: level > 1 and bool(parents.get(pair[0], set()) & parents.get(pair[1], set())) for pair in pairs
    }
    siblings = sum(count for pair, count in pairs.items() if shared[pair])
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return {
        "wrong": len(wrong),
        "siblings": siblings,
        "cross_parent": len(wrong) - siblings,
        "most_frequent": [
            {"truth": pair[0], "answer": pair[1], "n": count, "siblings": shared[pair]}
            for pair, count in ordered[:most]
        ],
    }
