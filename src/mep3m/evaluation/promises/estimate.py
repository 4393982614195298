"""How often filing would be right at each threshold, counted on labelled rows: an estimate, no promise.

A row is filed where its most probable full path has at least the threshold's probability, as `assign` files
without a promise. It is right where that path is the label: one that goes on below the label counts as wrong,
because nobody has said that it is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.evaluation.intervals import Interval, share_interval
from mep3m.label_tree.probabilities import deepest, top_paths
from mep3m.label_tree.tree import LabelTree

#: thresholds that are counted, ascending
THRESHOLDS = (
    0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98,
    0.985, 0.99, 0.9925, 0.995, 0.997, 0.998, 0.999,
)  # fmt: skip
#: filed rows without which a share says nothing, and the threshold below which no estimate files anything:
#: what is as likely wrong as right is not filed, however the few rows turned out
LEAST, LOWEST = 30, 0.5


@dataclass(frozen=True)
class FilingPoint:
    """One threshold: `filed` of `n` rows, `right` of these, and their share with its interval of 95 %."""

    threshold: float
    n: int
    filed: int
    right: int
    precision: Interval


def filing_curve(tree: LabelTree, proba: Floats, codes: NDArray[np.int32]) -> list[FilingPoint]:
    """Return what each threshold files of rows with a known label, of (N, depth) `LabelTree.encode` codes.

    Thresholds that file nothing are left out.
    """
    truth = deepest(codes)
    rows = np.flatnonzero(truth >= 0)
    if not len(rows):
        return []
    best, chances = top_paths(tree, proba[rows], 1)
    right = best[:, 0] == truth[rows]
    points = []
    for threshold in THRESHOLDS:
        filed = chances[:, 0] >= threshold
        if filed.any():
            found = share_interval(right[filed])
            points.append(FilingPoint(threshold, len(rows), int(filed.sum()), int(right[filed].sum()), found))
    return points


def least_threshold(curve: Iterable[Mapping[str, Any]], precision: float) -> Mapping[str, Any] | None:
    """Return the point of the least threshold from which on all are as precise as that, `None` without one.

    `curve` holds points as JSON values; those that file fewer than `LEAST` rows say nothing. One more right
    and one more wrong row are added to each, so that few rows are no certainty (Laplace).
    """
    chosen = None
    told = [point for point in curve if point["filed"] >= LEAST and point["threshold"] >= LOWEST]
    for point in sorted(told, key=lambda one: -one["threshold"]):
        if point["right"] + 1 < precision * (point["filed"] + 2):
            break
        chosen = point
    return chosen
