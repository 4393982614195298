"""The metric card: every number of one classifier on one set of rows, as JSON.

Beside the scores of `metrics` it holds their intervals, the accuracy of each class against its
number of training rows (the paper's Fig. 8), scores by class size and by platform, calibration, and
whether a mistake has the parent of the truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.calibration import (
    Bin,
    expected_calibration_error,
    reliability,
)
from mep3m.evaluation.evaluate import (
    Evaluation,
    LevelEvaluation,
    UnreadableImages,
    level_truth,
    score,
)
from mep3m.evaluation.intervals import Interval, macro_f1_interval, share_interval
from mep3m.evaluation.metrics import Codes, Floats, ap_by_class, confusion, f1_by_class, macro_f1
from mep3m.label_tree.tree import LabelTree

#: training rows of a class: first bound of each bucket
BUCKETS = (0, 1, 10, 50, 200, 1000)
AVERAGING = {
    "macro": "plain mean over classes: F1 over those in truth or answers, AP over those in the truth",
    "weighted": "mean over classes, weighted by true rows",
    "micro": "all (row, class) pairs pooled",
    "unseen": "a row whose class the model has never seen counts as wrong; each new name is a class with 0",
    "interval": "95 %; Top-1: Clopper-Pearson; macro F1: of the classes that occur here, by the variance and "
    "the largest bias of the F1 of each; rows taken as independent",
}


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


@dataclass(frozen=True)
class Intervals:
    """Top-1 and macro F1 with their intervals of 95 %."""

    top1: Interval
    macro_f1: Interval


@dataclass(frozen=True)
class Calibration:
    """The expected calibration error, and the bars of the reliability plot."""

    ece: float
    reliability: tuple[Bin, ...]


@dataclass(frozen=True)
class ClassScores:
    """Accuracy (recall), F1 and AP of one class over its `n` rows.

    `answered` rows got it as their answer, and `precision` is the share of these that are right, with its
    interval of 95 %; `None` where it was never the answer.
    """

    name: str
    training_rows: int
    n: int
    accuracy: float
    f1: float
    ap: float
    answered: int = 0
    precision: Interval | None = None


@dataclass(frozen=True)
class Bucket:
    """The scores of the classes with so many `training_rows`: from the first bound to below the second."""

    training_rows: tuple[int, int | None]
    classes: int
    n: int
    top1: float
    macro_f1: float


@dataclass(frozen=True)
class PlatformScores:
    """The scores of the rows of one platform."""

    platform: str
    n: int
    top1: float
    macro_f1: float


@dataclass(frozen=True)
class Confused:
    """How many rows of one class got the answer of another, and whether both have one parent."""

    truth: str
    answer: str
    n: int
    siblings: bool


@dataclass(frozen=True)
class MistakenProduct:
    """One product whose answer is wrong, by the ids of the row (`row`) and of the user (`id`)."""

    row: str
    id: str
    title: str | None
    truth: str
    answer: str
    probability: float


@dataclass(frozen=True)
class Mistakes:
    """How many answers are wrong, how many of them are siblings of the truth, and the most frequent pairs.

    `examples` are the products whose wrong answer the model is surest of.
    """

    wrong: int
    siblings: int
    cross_parent: int
    most_frequent: tuple[Confused, ...]
    examples: tuple[MistakenProduct, ...] = ()


@dataclass(frozen=True)
class LevelCard:
    """Everything about one level."""

    evaluation: LevelEvaluation
    intervals: Intervals
    calibration: Calibration
    classes_by_training_rows: tuple[ClassScores, ...]
    buckets: tuple[Bucket, ...]
    platforms: tuple[PlatformScores, ...]
    mistakes: Mistakes

    def to_json(self) -> dict[str, Any]:
        """Return the scores of the level and what stands beside them, on one level."""
        details = {field.name: getattr(self, field.name) for field in fields(self)[1:]}
        return {**self.evaluation.to_json(), **{name: plain(value) for name, value in details.items()}}


@dataclass(frozen=True)
class MetricCard:
    """The whole card: `levels` say more than those of `evaluation`."""

    evaluation: Evaluation
    levels: tuple[LevelCard, ...]

    @property
    def unreadable_images(self) -> UnreadableImages | None:
        """The images that counted as missing, where that is known."""
        return self.evaluation.unreadable_images

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON values, with a line on how each score is averaged."""
        scores = self.evaluation.to_json()
        images = {key: scores.pop(key) for key in ("unreadable_images",) if key in scores}
        levels = [level.to_json() for level in self.levels]
        return {**scores, "levels": levels, "averaging": AVERAGING, **images}


def plain(value: Any) -> Any:
    """Return a result, or a tuple of them, as JSON values."""
    return [asdict(one) for one in value] if isinstance(value, tuple) else asdict(value)


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
) -> MetricCard:
    """Return the card of (N, C) probabilities for the rows of a labelled dataset.

    `counts` are the `training_counts` of the rows that the classifier was trained on.

    Raises:
        UsageError: no row has a label.
    """
    evaluation = score(tree, proba, dataset)
    platforms = dataset.products["source"].to_pylist()
    levels = []
    for scored in evaluation.levels:
        answers = Answers(*level_truth(tree, proba, dataset, scored.level))
        learned = counts[scored.level - 1]
        levels.append(
            LevelCard(
                scored,
                intervals(answers),
                calibration(answers),
                tuple(by_class(answers, learned)),
                tuple(by_bucket(answers, learned)),
                tuple(by_platform(answers, [platforms[row] for row in answers.rows])),
                replace(mistakes(answers, tree, scored.level), examples=mistaken(answers, dataset.products)),
            )
        )
    return MetricCard(evaluation, tuple(levels))


def intervals(answers: Answers) -> Intervals:
    """Return Top-1 and macro F1 with their intervals."""
    return Intervals(
        share_interval(answers.predicted == answers.truth),
        macro_f1_interval(answers.predicted, answers.truth, len(answers.names)),
    )


def calibration(answers: Answers) -> Calibration:
    """Return the expected calibration error and the bars of the reliability plot."""
    bins = reliability(answers.proba, answers.truth)
    return Calibration(expected_calibration_error(bins), tuple(bins))


def by_class(answers: Answers, counts: Mapping[str, int]) -> list[ClassScores]:
    """Return accuracy (recall), F1 and AP of each class that occurs, with its training rows (Fig. 8)."""
    matrix = confusion(answers.predicted, answers.truth, len(answers.names))
    f1 = f1_by_class(matrix)
    ap = ap_by_class(answers.proba, answers.truth)
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    return [
        ClassScores(
            name=name,
            training_rows=counts.get(name, 0),
            n=int(support[column]),
            accuracy=float(matrix[column, column] / support[column]),
            f1=float(f1[column]),
            ap=float(ap[column]),
            answered=int(predicted[column]),
            precision=_precision(int(matrix[column, column]), int(predicted[column])),
        )
        for column, name in enumerate(answers.names)
        if support[column]
    ]


def _precision(right: int, answered: int) -> Interval | None:
    return share_interval(np.arange(answered) < right) if answered else None


def by_bucket(answers: Answers, counts: Mapping[str, int]) -> list[Bucket]:
    """Return the scores of the classes with so many training rows; the first bucket is unseen classes."""
    size = np.array([counts.get(name, 0) for name in answers.names])
    mine = np.where(answers.truth >= 0, size[np.maximum(answers.truth, 0)], 0)
    predicted = answers.predicted
    f1 = f1_by_class(confusion(answers.predicted, answers.truth, len(answers.names)))
    buckets = []
    for low, high in zip(BUCKETS, (*BUCKETS[1:], None), strict=True):
        rows = (mine >= low) & (mine < (high if high is not None else np.inf))
        if rows.any():
            present = np.unique(answers.truth[rows])
            buckets.append(
                Bucket(
                    training_rows=(low, high),
                    classes=len(present),
                    n=int(rows.sum()),
                    top1=float((predicted[rows] == answers.truth[rows]).mean()),
                    macro_f1=float(np.nansum(f1[present[present >= 0]]) / len(present)),
                )
            )
    return buckets


def by_platform(answers: Answers, platforms: list[str]) -> list[PlatformScores]:
    """Return Top-1 and macro F1 of the rows of each platform; `platforms` has one name a row."""
    names = np.array(platforms, dtype=object)
    predicted, scores = answers.predicted, []
    for platform in sorted(set(platforms)):
        rows = names == platform
        top1 = float((predicted[rows] == answers.truth[rows]).mean())
        f1 = macro_f1(predicted[rows], answers.truth[rows], len(answers.names))
        scores.append(PlatformScores(platform, int(rows.sum()), top1, f1))
    return scores


def mistakes(answers: Answers, tree: LabelTree, level: int, most: int = 20) -> Mistakes:
    """Return how many wrong answers are siblings of the truth or cross-parent, and the most frequent pairs.

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
    frequent = tuple(Confused(*pair, count, shared[pair]) for pair, count in ordered[:most])
    return Mistakes(len(wrong), siblings, len(wrong) - siblings, frequent)


def mistaken(answers: Answers, products: pa.Table, most: int = 12) -> tuple[MistakenProduct, ...]:
    """Return the products with a wrong answer that the model is surest of, the surest first."""
    predicted = answers.predicted
    sure = answers.proba[np.arange(len(predicted)), predicted]
    wrong = np.flatnonzero(predicted != answers.truth)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")[:most]]
    rows = products.select(["id", "source_id", "title"]).take(pa.array(answers.rows[chosen])).to_pylist()
    return tuple(
        MistakenProduct(
            given["id"],
            given["source_id"],
            given["title"],
            answers.names[answers.truth[one]] if answers.truth[one] >= 0 else "(unseen)",
            answers.names[predicted[one]],
            float(sure[one]),
        )
        for one, given in zip(chosen.tolist(), rows, strict=True)
    )
