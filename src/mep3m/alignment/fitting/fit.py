"""From labelled cases to weights: features, the heads of two passes by cross-fitting, calibration.

What the second pass learns from comes from first heads that have not seen the case's fold, so that it
knows how unsure the first pass really is; its probabilities are calibrated the same way, after the
rules (`fitting.curves`). The same cases and seed give the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
from sklearn.linear_model import LogisticRegression

from mep3m.alignment.fitting.cases import CasePairs, LabelledCase, pairs_of
from mep3m.alignment.fitting.curves import fit_curves
from mep3m.alignment.fitting.heads import EVERY, FIRST, Heads, fit_heads
from mep3m.alignment.learned.boosted import Boosted, Weights, mean
from mep3m.alignment.learned.features import Features, mirrored
from mep3m.alignment.learned.proposer import widened
from mep3m.alignment.learned.structure import FirstPass, Pairs, inherited, structure
from mep3m.errors import UsageError

#: folds whose unseeing heads are made; the shipped heads are their mean, two have seen everything
FOLDS = 2
#: gives the result of a step by its name: makes it, or takes it from where an earlier run kept it
Keep = Callable[[str, Callable[[], Any]], Any]
#: features of the first pass and of the second
Names = tuple[Sequence[str], Sequence[str]]


def fit_weights(
    cases: Iterable[LabelledCase], seed: int = 0, names: Names = (FIRST, EVERY), keep: Keep | None = None
) -> Weights:
    """Return the weights that the cases teach. `keep` may remember finished steps (minutes each).

    Raises:
        UsageError: a fold of `range(FOLDS)` has no case, or all cases are of one fold.
    """
    return Fitting(cases, seed, names, keep).weights()


class Fitting:
    """The steps of one fit, each made once and when it is needed."""

    def __init__(
        self,
        cases: Iterable[LabelledCase],
        seed: int,
        names: Names = (FIRST, EVERY),
        keep: Keep | None = None,
    ) -> None:
        """Take the arguments of `fit_weights`; nothing is made yet."""
        self._cases, self._seed, self._names = cases, seed, names
        self._keep: Keep = keep or (lambda _, make: make())
        self._made: dict[tuple[int, int], Heads] = {}

    def weights(self) -> Weights:
        """Return the weights of both passes, calibrated on folds that their parts have not seen."""
        folds = {one.case.fold for one in self.first}
        if not folds.issuperset(range(FOLDS)):
            raise UsageError(f"the cases are of folds {sorted(folds)}; weights need cases of folds 0 and 1")
        first, second = self._mean(0), self._mean(1)
        exact, narrower = (
            replace(model, scale=scale, shift=shift)
            for model, (scale, shift) in zip(second, self._platt, strict=True)
        )
        return Weights(*first, exact, narrower, fit_curves(self.unseen()), self._seed)

    @cached_property
    def first(self) -> list[CasePairs]:
        """The cases with the pairs and features of the first pass."""
        return [
            cast("CasePairs", self._keep(f"{k:03}", partial(pairs_of, case)))
            for k, case in enumerate(self._cases)
        ]

    @cached_property
    def second(self) -> list[CasePairs]:
        """The cases with the features of the second pass, by first heads that have not seen them."""
        return [
            cast("CasePairs", self._keep(f"second-{k:03}", partial(self._second, one)))
            for k, one in enumerate(self.first)
        ]

    def unseen(self) -> list[tuple[CasePairs, np.ndarray]]:
        """Return cases with their kinds (pairs, 3), by models of the second pass that have not seen them."""
        predicted, odds = self._odds
        equal, inner = self._platt
        return [(one, _kinds(of, equal, inner)) for one, of in zip(predicted, odds, strict=True)]

    def _second(self, one: CasePairs) -> CasePairs:
        return second_pass(one, *self._heads(0, one.case.fold))

    def _heads(self, number: int, fold: int) -> Heads:
        """Return the heads of the first (0) or second (1) pass that have not seen a fold."""

        def make() -> Heads:
            rest = [one for one in (self.second if number else self.first) if one.case.fold != fold]
            labels = [one.labels() for one in rest]
            return fit_heads([one.features for one in rest], labels, self._names[number], self._seed)

        if (number, fold) not in self._made:
            self._made[number, fold] = self._keep(f"{('first', 'second')[number]}-{fold}", make)
        return self._made[number, fold]

    def _mean(self, number: int) -> Heads:
        """Return the mean of the heads of `FOLDS` folds; together they have seen every case."""
        exact, narrower = zip(*(self._heads(number, fold) for fold in range(FOLDS)), strict=True)
        return mean(exact), mean(narrower)

    @cached_property
    def _odds(self) -> tuple[list[CasePairs], list[np.ndarray]]:
        """The cases of `FOLDS` folds, and the log odds (3, pairs) that unseeing heads give each."""
        predicted = [one for one in self.second if one.case.fold < FOLDS]
        odds = []
        for one in predicted:
            exact, narrower = self._heads(1, one.case.fold)
            back = mirrored(one.features)
            equal = (exact.raw(one.features) + exact.raw(back)) / 2
            odds.append(np.stack([equal, narrower.raw(one.features), narrower.raw(back)]))
        return predicted, odds

    @cached_property
    def _platt(self) -> tuple[tuple[float, float], ...]:
        """Platt's (scale, shift) of both heads, fitted on log odds of pairs that were not seen."""
        predicted, odds = self._odds
        equal, within, back = np.concatenate(odds, axis=1)
        y, weight = (np.concatenate(of) for of in zip(*(one.labels() for one in predicted), strict=True))
        return (
            _scale(equal, y == 1, weight),
            _scale(np.r_[within, back], np.r_[y == 2, y == 3], np.r_[weight, weight]),
        )


def second_pass(one: CasePairs, exact: Boosted, narrower: Boosted) -> CasePairs:
    """Return a case with the pairs and features of its second pass, by these heads of the first.

    Raises:
        UsageError: its evidence was let go already.
    """
    if one.evidence is None:
        raise UsageError(f"{one.case.name} has been through its second pass already")
    first = _first(one.features, exact, narrower)
    more = Pairs(*inherited(one.left, one.right, one.pairs, first.exact), len(one.case.right))
    pairs, features = widened(one.evidence, one.pairs, dict(one.features), more)
    first = _first(features, exact, narrower)
    features |= structure(one.left, one.right, pairs, first, features["script"])
    return replace(one, pairs=pairs, features=features, evidence=None)


def _first(features: Features, exact: Boosted, narrower: Boosted) -> FirstPass:
    back = mirrored(features)
    return FirstPass(
        exact.probability(features, back), narrower.probability(features), narrower.probability(back)
    )


def _kinds(odds: np.ndarray, equal: tuple[float, float], inner: tuple[float, float]) -> np.ndarray:
    scaled = [a * of + b for of, (a, b) in zip(odds, (equal, inner, inner), strict=True)]
    kinds: np.ndarray = 1 / (1 + np.exp(-np.clip(np.stack(scaled, axis=1), -30, 30)))
    return kinds


def _scale(odds: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    platt = LogisticRegression(C=1e6).fit(odds.reshape(-1, 1), y, sample_weight=weight)
    return float(platt.coef_.item()), float(platt.intercept_.item())
