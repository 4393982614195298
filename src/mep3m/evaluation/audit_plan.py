"""What more audited rows would buy, by drawing audits of that size from the rows there are."""

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

    Rows are drawn with replacement. That treats these rows as all there is, so that what few of them cannot
    show is not in the interval either.
    """
    random, size = np.random.default_rng(seed), len(audited.files)
    if not size:
        return []
    # rows that enter and fail at the same λ are alike: what is drawn is how many there are of each kind
    places = np.stack([np.searchsorted(-GRID, -marks, side="left") for marks in audited])
    kinds, number = np.unique(places, axis=1, return_counts=True)
    made = []
    for extra in more:
        total = size + extra
        drawn = random.multinomial(total, number / size, DRAWS)
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
