"""Classification metrics: arrays in, numbers out.

Everywhere `proba` is (N, C), `truth` is (N,) columns of it, and -1, -2, ... stand for the classes that
the model has never seen: such a row counts as wrong in every metric, and each of these classes scores 0 in
macro averages, as it does in scikit-learn's. Averages: macro = plain mean over the classes that occur in
the truth (F1 also over those predicted, as scikit-learn does); weighted = mean by the number of true
rows; micro = all (row, class) pairs pooled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class LevelScores:
    """The metrics of one level over the n rows that have a label there; `unseen` rows have a new class."""

    n: int
    classes: int
    unseen: int
    top1: float
    top5: float
    macro_f1: float
    weighted_f1: float
    ap_macro: float
    ap_micro: float


def ranks(proba: Floats, truth: Codes) -> Codes:
    """Return (N,) how many classes score higher than the true one (equal scores: lower columns first).

    A row of an unseen class has a rank that no k reaches.
    """
    known = truth >= 0
    own = proba[np.arange(len(truth)), np.maximum(truth, 0)][:, None]
    higher = (proba > own).sum(axis=1)
    first = np.arange(proba.shape[1])[None, :] < np.maximum(truth, 0)[:, None]
    tied = ((proba == own) & first).sum(axis=1)
    result: Codes = np.where(known, higher + tied, np.iinfo(np.int64).max)
    return result


def top_k(proba: Floats, truth: Codes, k: int) -> float:
    """Return the share of rows whose true class is among the k most probable; ties go to the lower column."""
    return float((ranks(proba, truth) < k).mean()) if len(truth) else 0.0


def confusion(predicted: Codes, truth: Codes, classes: int) -> NDArray[np.int64]:
    """Return (C + 1, C) counts: entry [t, p] rows of true class t predicted as p; the last row is unseen."""
    rows = np.where(truth >= 0, truth, classes)
    counts = np.bincount(rows * classes + predicted, minlength=(classes + 1) * classes)
    matrix: NDArray[np.int64] = counts.reshape(classes + 1, classes)
    return matrix


def f1_by_class(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (C + 1,) F1 = 2 TP / (2 TP + FP + FN) of a `confusion`; NaN where a class never occurs."""
    hits = np.append(np.diagonal(matrix), 0).astype(np.float64)
    predicted = np.append(matrix.sum(axis=0), 0)
    total = predicted + matrix.sum(axis=1)
    f1: NDArray[np.float64] = np.divide(2 * hits, total, out=np.full(len(hits), np.nan), where=total > 0)
    return f1


def mean_f1(f1: NDArray[np.float64], truth: Codes) -> float:
    """Return the macro average of `f1_by_class`; each class below 0 in the truth counts with 0."""
    occurring = f1[:-1][~np.isnan(f1[:-1])]
    return float(occurring.sum() / (len(occurring) + len(np.unique(truth[truth < 0]))))


def accuracy(predicted: Codes, truth: Codes, classes: int) -> float:
    """Return the share of rows that are right (`classes` is not used: `macro_f1` has the same form)."""
    return float((predicted == truth).mean())


def macro_f1(predicted: Codes, truth: Codes, classes: int) -> float:
    """Return the mean F1 of the classes that occur in (n,) answers or truths; see `mean_f1`."""
    return mean_f1(f1_by_class(confusion(predicted, truth, classes)), truth)


def average_precision(scores: NDArray[np.floating], relevant: NDArray[np.bool_]) -> float:
    """Return the average precision of one ranking: sum over thresholds of (R_n - R_{n-1}) P_n.

    Equal scores share one threshold, as in scikit-learn. NaN where nothing is relevant.
    """
    total = int(relevant.sum())
    if not total:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]), len(ordered) - 1)
    hits = np.cumsum(relevant[order])[last]
    gained = np.diff(np.concatenate([[0], hits]))
    return float((gained * hits / (last + 1)).sum() / total)


def ap_by_class(proba: Floats, truth: Codes) -> NDArray[np.float64]:
    """Return (C,) average precision of each class against the rest; NaN where it has no true row."""
    present = np.unique(truth[truth >= 0])
    result = np.full(proba.shape[1], np.nan)
    for column in present:
        result[column] = average_precision(proba[:, column], truth == column)
    return result


def ap_micro(proba: Floats, truth: Codes) -> float:
    """Return the average precision of all (row, class) pairs; an unseen row's pair is never found."""
    known = np.flatnonzero(truth >= 0)
    if not len(known):
        return 0.0
    relevant = np.zeros(proba.shape, dtype=bool)
    relevant[known, truth[known]] = True
    return average_precision(proba.ravel(), relevant.ravel()) * len(known) / len(truth)


def score_level(proba: Floats, truth: Codes) -> LevelScores:
    """Return every metric of one level."""
    unseen = int((truth < 0).sum())
    classes = len(np.unique(truth))
    if not len(truth):
        return LevelScores(0, 0, 0, *[0.0] * 6)
    matrix = confusion(proba.argmax(axis=1), truth, proba.shape[1])
    f1 = f1_by_class(matrix)
    support = matrix.sum(axis=1)
    ap = ap_by_class(proba, truth)
    occurring = ap[~np.isnan(ap)]
    return LevelScores(
        n=len(truth),
        classes=classes,
        unseen=unseen,
        top1=top_k(proba, truth, 1),
        top5=top_k(proba, truth, 5),
        macro_f1=mean_f1(f1, truth),
        weighted_f1=float(np.nansum(f1 * support) / len(truth)),
        ap_macro=float(occurring.sum() / classes),
        ap_micro=ap_micro(proba, truth),
    )
