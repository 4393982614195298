"""From scores to probabilities: what was true of pairs that the models had not seen, after the rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from mep3m.alignment.fitting.cases import CasePairs
from mep3m.alignment.learned.boosted import SUREST, Curve
from mep3m.alignment.learned.decide import FOLLOWS, GROUPS, Assessed, Candidates, predict_links
from mep3m.alignment.learned.proposer import entailed
from mep3m.settings.align import EvidenceSettings

#: scores below this are not shown to anybody
LEAST = 0.01
#: proposals from which on a family of cases counts as much as the others
SMALL = 30
#: the calibration that changes nothing, how strongly the fitted one is drawn to it, and what it may be
EQUAL_TO_SCORE = np.array([1.0, 1.0, 0.0, 0.0])
PRIOR = 0.002
BOUNDS = ((0.3, 5.0), (0.1, 5.0), (-8.0, 8.0), (-8.0, 0.0))


@dataclass(frozen=True)
class ProposedPairs:
    """The proposals of one group of decisions in one family of cases, each (n,).

    `few` is 1 / the categories of the smaller side.
    """

    score: np.ndarray
    true: np.ndarray
    weight: np.ndarray
    few: np.ndarray


def fit_curves(unseen: list[tuple[CasePairs, np.ndarray]]) -> dict[str, Curve]:
    """Return the curve of every group, from cases with kinds (pairs, 3) of models that have not seen them.

    Twice: what is accepted depends on the curves of what is decided first.
    """
    curves: dict[str, Curve] = {}
    for _ in range(2):
        proposed = proposed_pairs(unseen, curves)
        curves = {name: fit_curve(list(families.values())) for name, families in proposed.items()}
    return curves


def proposed_pairs(
    unseen: list[tuple[CasePairs, np.ndarray]], known: Mapping[str, Curve]
) -> dict[str, dict[str, ProposedPairs]]:
    """Return what was proposed and what of it was true, by group of decisions and family of cases."""
    parts: dict[tuple[str, str], list[np.ndarray]] = defaultdict(list)
    for one, kinds in unseen:
        candidates = Candidates(one.left, one.right, one.pairs, one.features)
        assessed = predict_links(candidates, kinds, EvidenceSettings(), known)
        what = "names" if np.isnan(one.features["support"]).all() else "titles"
        for group, table in _proposed(one, assessed):
            parts[f"{group} {what}", one.case.family].append(table)
    proposed: dict[str, dict[str, ProposedPairs]] = defaultdict(dict)
    for (group, of), tables in parts.items():
        proposed[group][of] = ProposedPairs(*np.concatenate(tables, axis=1))
    return proposed


def _proposed(one: CasePairs, assessed: Assessed) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (group, its proposals as rows of `ProposedPairs`) of one case."""
    true, weight = one.labels(thinned=False)
    shown = _shown(assessed) & (weight > 0)
    few = 1 / min(len(one.case.left), len(one.case.right))
    for group in np.unique(assessed.group[shown]).tolist():
        of = shown & (assessed.group == group)
        if not one.case.only_equal or GROUPS[group] in ("equal", "other", "unlike"):
            yield (
                GROUPS[group],
                np.stack([assessed.score[of], true[of] > 0, weight[of], np.full(of.sum(), few)]),
            )
    if one.case.only_equal:
        return
    loose = EvidenceSettings(accept_inner=0.01)
    follows = [p for p in entailed(assessed, loose, {}) if p.left_id not in one.case.unknown]
    if follows:
        rows = [
            (p.probability, (p.left_id, p.right_id) in one.case.links, one.case.weight, few) for p in follows
        ]
        yield GROUPS[FOLLOWS], np.array(rows, np.float64).T


def _shown(assessed: Assessed) -> np.ndarray:
    """Return the pairs (pairs,) that a person sees: what is accepted, and each left one's best others."""
    rows = assessed.candidates.pairs.rows
    order = np.lexsort((-assessed.score, ~assessed.accepted, rows))
    starts = np.r_[True, rows[order][1:] != rows[order][:-1]]
    place = np.arange(len(order)) - np.nonzero(starts)[0][np.cumsum(starts) - 1]
    best = np.zeros(len(rows), dtype=bool)
    best[order[place < EvidenceSettings().kept]] = True
    shown: np.ndarray = (best | assessed.accepted) & (assessed.score >= LEAST)
    return shown


def fit_curve(families: list[ProposedPairs]) -> Curve:
    """Return the calibration through what was true; families count alike, unless they are small."""
    score, true, few = (
        np.concatenate([getattr(one, name) for one in families]) for name in ("score", "true", "few")
    )
    weight = np.concatenate(
        [one.weight / one.weight.sum() * len(one.weight) / (len(one.weight) + SMALL) for one in families]
    )
    kept = np.clip(score, 1e-9, 1 - 1e-9)
    terms = np.stack([np.log(kept), -np.log1p(-kept), np.ones(len(kept)), few])

    def cost(values: np.ndarray) -> float:
        said = SUREST / (1 + np.exp(-(values @ terms)))
        loss = -(weight * np.where(true > 0, np.log(said + 1e-12), np.log1p(-said))).sum()
        return float(loss + PRIOR * ((values - EQUAL_TO_SCORE) ** 2).sum())

    fitted = minimize(cost, EQUAL_TO_SCORE, method="L-BFGS-B", bounds=BOUNDS)
    a, b, c, d = np.round(fitted.x, 4).tolist()
    return a, b, c, d
