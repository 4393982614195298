"""Fit the two models of `relation` on pairs of categories whose relation is known, and their calibrations.

The calibrations are cross-fitted: what they are fitted on was said by models that had seen neither platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mep3m.alignment.crossing.heads import GROUPS, Floats, Heads, LinkCalibration, Logistic
from mep3m.alignment.crossing.relation import (
    KnownPairs,
    equal_numbers,
    groups,
    relations,
    turn,
    turn_crossing,
    within_numbers,
)
from mep3m.alignment.crossing.tables import Crossing
from mep3m.alignment.records import Side

#: share of a category's rows from which on it lies within another
NEARLY = 0.99
#: what a link must be said with to count for a calibration
LEAST = 0.3
#: links, all wrong, that every step of a calibration counts beside those that were seen
DOUBT = 1.0
#: decimals from which on two probabilities are the same
DECIMALS = 9
#: how much surer one calibrated probability is at least than a lower one: so that links keep their order
RISE = 0.001


@dataclass(frozen=True)
class Labelled:
    """Pairs of two sides with their truth, (P,) each, and what each pair counts.

    `narrower` is the share of the left category's rows that may stand below the right one, `broader` the
    reverse; `equal` is 1 where the two are the same.
    """

    left: Side
    right: Side
    crossing: Crossing
    known: KnownPairs
    narrower: Floats
    broader: Floats
    equal: Floats
    weight: float = 1.0

    @cached_property
    def numbers(self) -> tuple[Floats, Floats, Floats]:
        """What the models read, (P, F): of the left within the right, of the reverse, of the two as equal."""
        turned = turn(self.known), turn_crossing(self.crossing)
        return (
            within_numbers(self.left, self.right, self.crossing, self.known),
            within_numbers(self.right, self.left, turned[1], turned[0]),
            equal_numbers(self.crossing, self.known),
        )


def fit_heads(sets: Sequence[Labelled], strength: float = 1.0) -> Heads:
    """Return the models; `strength` is the inverse of the penalty on squared weights."""
    within = [numbers for one in sets for numbers in one.numbers[:2]]
    inside = [(share >= NEARLY).astype(float) for one in sets for share in (one.narrower, one.broader)]
    weights = [np.full(len(one.equal), one.weight) for one in sets]
    each = [weight for weight in weights for _ in range(2)]
    equal = _fit([one.numbers[2] for one in sets], [one.equal for one in sets], weights, strength)
    return Heads(_fit(within, inside, each, strength), equal)


@dataclass(frozen=True)
class Said:
    """Links that models had not seen (P,): what they said, kind of link, and weight.

    `right` is the share of the rows that would be moved and stand right.
    """

    said: Floats
    right: Floats
    group: NDArray[np.str_]
    weight: Floats

    @classmethod
    def of(cls, one: Labelled, heads: Heads) -> Said:
        """Return what models say of pairs that they have not seen."""
        kinds = relations(one.left, one.right, one.crossing, one.known, replace(heads, calibrations={}))
        truth = np.stack([_right_as_equal(one), one.narrower, one.broader], axis=1)
        every, which = np.arange(len(kinds)), kinds.argmax(axis=1)
        kind = groups(one.left, one.right, one.crossing, one.known, kinds)
        weight = np.full(len(kinds), one.weight)
        return cls(kinds[every, which], truth[every, which], kind, weight)

    def of_kind(self, names: Sequence[str]) -> Said:
        """Return only the links of some kinds, each of weight 1."""
        kept = np.isin(self.group, names)
        return Said(self.said[kept], self.right[kept], self.group[kept], np.ones(kept.sum()))


def _right_as_equal(one: Labelled) -> Floats:
    """Return the share (P,) of both categories' rows that stand right if the two become one."""
    sides = (one.left, one.known.rows, one.narrower), (one.right, one.known.columns, one.broader)
    counts = [np.array([max(entry.count or 0, 1) for entry in side], float)[at] for side, at, _ in sides]
    share: Floats = (counts[0] * one.narrower + counts[1] * one.broader) / (counts[0] + counts[1])
    return np.where(one.equal == 1, 1.0, share)


def fit_calibrations(links: Iterable[Said]) -> dict[str, LinkCalibration]:
    """Return the calibration of every kind of link, from what models said of platforms they had not seen."""
    said, right, group, weight = (
        np.concatenate(of)
        for of in zip(*((one.said, one.right, one.group, one.weight) for one in links), strict=True)
    )
    fitted = {}
    for name in GROUPS:
        of = (group == name) & (said >= LEAST)
        if of.any():
            fitted[name] = fit_calibration(said[of], right[of], weight[of])
    return fitted


def fit_calibration(said: Floats, right: Floats, weight: Floats) -> LinkCalibration:
    """Return the rising line through the share of rows that links (P,) left right, by what was said of them.

    Isotonic regression finds the steps; each counts one wrong link more than was seen, so that few
    links make nothing sure.
    """
    from sklearn.isotonic import IsotonicRegression

    said = np.round(said, DECIMALS)  # between neighbouring floats its line is not a number
    fitted = IsotonicRegression().fit(said, right, sample_weight=weight).predict(said)
    steps = [fitted == level for level in np.unique(fitted)]
    count = np.array([weight[of].sum() for of in steps])
    at = np.array([np.average(said[of], weights=weight[of]) for of in steps])
    share = np.array([(weight[of] * right[of]).sum() for of in steps]) / (count + DOUBT)
    share = np.maximum.accumulate(share)
    line = np.r_[0.0, at, 1.0], np.r_[0.0, share, share[-1]]
    return LinkCalibration(line[0].round(6), (line[1] * (1 - RISE) + RISE * line[0]).round(6))


def _fit(
    numbers: Sequence[Floats], truth: Sequence[Floats], weights: Sequence[Floats], strength: float
) -> Logistic:
    from sklearn.linear_model import LogisticRegression

    x, y, w = np.concatenate(numbers), np.concatenate(truth), np.concatenate(weights)
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=4000).fit((x - mean) / deviation, y, sample_weight=w)
    return Logistic(model.coef_[0], mean, deviation, float(model.intercept_[0]))
