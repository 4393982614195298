"""Fit the two models of `relation` on pairs of categories whose relation is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mep3m.alignment.crossing.relation import (
    Floats,
    Heads,
    KnownPairs,
    Logistic,
    equal_numbers,
    turn,
    turn_crossing,
    within_numbers,
)
from mep3m.alignment.crossing.tables import Crossing
from mep3m.alignment.records import Side


@dataclass(frozen=True)
class Labelled:
    """Pairs of two sides with their truth, (P,) booleans, and what each pair counts.

    `narrower`: all rows of the left category may stand below the right one; `broader` the reverse; `equal`:
    the two are the same.
    """

    left: Side
    right: Side
    crossing: Crossing
    known: KnownPairs
    narrower: Floats
    broader: Floats
    equal: Floats
    weight: float = 1.0


def fit_heads(sets: Sequence[Labelled], strength: float = 1.0) -> Heads:
    """Return the models; `strength` is the inverse of the penalty on squared weights."""
    within, inside, equal, same, weights = [], [], [], [], []
    for one in sets:
        turned = turn(one.known), turn_crossing(one.crossing)
        within += [
            within_numbers(one.left, one.right, one.crossing, one.known),
            within_numbers(one.right, one.left, turned[1], turned[0]),
        ]
        inside += [one.narrower, one.broader]
        equal.append(equal_numbers(one.crossing, one.known))
        same.append(one.equal)
        weights.append(np.full(len(one.equal), one.weight))
    each = [weight for weight in weights for _ in range(2)]
    return Heads(_fit(within, inside, each, strength), _fit(equal, same, weights, strength))


def _fit(
    numbers: Sequence[Floats], truth: Sequence[Floats], weights: Sequence[Floats], strength: float
) -> Logistic:
    from sklearn.linear_model import LogisticRegression

    x, y, w = np.concatenate(numbers), np.concatenate(truth), np.concatenate(weights)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=4000).fit((x - mean) / deviation, y, sample_weight=w)
    return Logistic(model.coef_[0], mean, deviation, float(model.intercept_[0]))
