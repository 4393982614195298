"""What more audited rows would buy, by drawing rows to come from what the rows there are leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mep3m.evaluation.guarantees import GRID, Audited, first_rows, last_passed

#: audits that are drawn of each size
DRAWS = 400


@dataclass(frozen=True)
class PlannedAudit:
    """An audit of `rows` in all: `coverage` is the median of many, `low` and `high` hold 90 % of them.

    `proven` is the share of them in which anything can be promised; without a promise the coverage is 0.
    """

    more: int
    rows: int
    coverage: float
    low: float
    high: float
    proven: float


def plan(
    audited: Audited,
    precision: float,
    confidence: float,
    more: Sequence[int] = (0, 500, 1000, 5000),
    start: int | None = None,
    seed: int = 0,
) -> list[PlannedAudit]:
    """Return what audits with so many `more` rows would promise, if more rows are like these.

    `start` is that of `guarantees.prove`.

    The rows there are stay, and more are drawn beside them. What these are like is drawn too, by what the
    rows leave open (a Bayesian bootstrap with half an error more, at a probability as any row's): few rows
    have a wide interval, also where none of them is wrong.
    """
    random, size = np.random.default_rng(seed), len(audited.files)
    if not size:
        return []
    # rows that enter and fail at the same λ are of one kind: what is drawn is how many there are of each
    places = np.stack([np.searchsorted(-GRID, -marks, side="left") for marks in audited])
    kinds, number = np.unique(places, axis=1, return_counts=True)
    kinds = np.hstack([kinds, kinds[[0, 0]]])  # an error that was not seen, and half a row that shows it
    shares = random.dirichlet(np.concatenate([number, number / (2 * size)]), DRAWS)
    seen = np.concatenate([number, np.zeros_like(number)])
    made = []
    for extra in more:
        total = size + extra
        drawn = seen + random.multinomial(extra, shares)
        filed, errors = (np.cumsum(_by_place(drawn, place), axis=1) for place in kinds)
        starts = (start,) if start else first_rows(precision, confidence, total)
        last = [last_passed(*pair, precision, confidence, starts) for pair in zip(filed, errors, strict=True)]
        found = [row[at] / total if at >= 0 else 0.0 for row, at in zip(filed, last, strict=True)]
        low, middle, high = np.quantile(found, [0.05, 0.5, 0.95]).tolist()
        proven = float(np.mean([at >= 0 for at in last]))
        made.append(PlannedAudit(extra, total, middle, low, high, proven))
    return made


def _by_place(drawn: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return (draws, G): how many rows of each draw (draws, kinds) lie at each place of the grid."""
    sums = np.zeros((len(drawn), len(GRID) + 1), dtype=np.int64)
    np.add.at(sums.T, place, drawn.T)
    return sums[:, :-1]
