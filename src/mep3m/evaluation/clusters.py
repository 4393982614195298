"""How well a grouping agrees with the true one: pairwise and B-cubed precision, recall and F1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean, each in [0, 1]."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 0 where both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def _codes(groups: Sequence[object]) -> NDArray[np.int64]:
    numbers: dict[object, int] = {}
    return np.fromiter((numbers.setdefault(name, len(numbers)) for name in groups), np.int64, len(groups))


def _sizes(given: Sequence[object], true: Sequence[object]) -> tuple[NDArray[np.int64], ...]:
    """Return for each item the size of its given group, its true group, and of what they share."""
    if len(given) != len(true):
        raise ValueError(f"{len(given)} items are grouped, {len(true)} have a truth")
    a, b = _codes(given), _codes(true)
    both = _codes(list(zip(a.tolist(), b.tolist(), strict=True)))
    return tuple(np.bincount(codes)[codes] for codes in (a, b, both))


def pairwise(given: Sequence[object], true: Sequence[object]) -> Agreement:
    """Score the pairs of items that share a group; `given[i]` and `true[i]` name item i's groups.

    With no pair given the precision is 1, with no true pair the recall is 1.
    """
    in_given, in_true, in_both = _sizes(given, true)
    pairs = [float((sizes - 1).sum()) for sizes in (in_given, in_true, in_both)]
    return Agreement(pairs[2] / pairs[0] if pairs[0] else 1.0, pairs[2] / pairs[1] if pairs[1] else 1.0)


def b_cubed(given: Sequence[object], true: Sequence[object]) -> Agreement:
    """Score each item by the share of its group that is right, then average (Bagga and Baldwin, 1998)."""
    in_given, in_true, in_both = _sizes(given, true)
    if len(in_given) == 0:
        return Agreement(1.0, 1.0)
    return Agreement(float((in_both / in_given).mean()), float((in_both / in_true).mean()))
