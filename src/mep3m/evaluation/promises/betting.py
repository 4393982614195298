"""Testing by betting: is what is filed still as precise as promised, at every moment and not just once?

Somebody bets against the promise. Each audited filing multiplies the money by c / (1 + (c - 1) q) if it is
wrong and by 1 / (1 + (c - 1) q) if it is right, where q is the promised share of errors: while the promise is
kept, no bet can grow on average, and the chance that the money ever reaches 1 / α is at most α (Ville, 1939;
Waudby-Smith and Ramdas, 2024). The money is divided among several odds c, and among bets that begin every
`RESTART` filings, so that a fall after a long good time is found too (as e-detectors do: Shin, Ramdas and
Rinaldo, 2024). Decision 254.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

#: by how much worse than promised the odds of an error may be: one bet each
ODDS: Numbers = np.array([1.5, 2.0, 3.0, 5.0, 10.0])
#: audited filings between the beginnings of two bets
RESTART = 25
#: more money than this is not counted
_MOST = 1e200
#: shares of errors among which a bound is looked for
_SHARES: Numbers = np.geomspace(1e-4, 0.9, 160)


def money(wrong: NDArray[np.bool_], share: Numbers | float) -> Numbers:
    """Return (T, ...) the money after each of T audited filings (T, ...), in order.

    `share` is the promised share of errors; its shape is broadcast against those of the filings.
    """
    shares = np.asarray(share, dtype=np.float64)
    shape = np.broadcast_shapes(wrong.shape[1:], shares.shape)
    right = 1 / (1 + (ODDS - 1) * shares[..., None])
    bets = np.zeros((*shape, len(ODDS)))
    kept, begun = 1.0, 0
    found = np.empty((len(wrong), *shape))
    for time, row in enumerate(wrong):
        if time % RESTART == 0:
            stake = 1 / ((begun + 1) * (begun + 2))  # all together 1
            kept, begun = kept - stake, begun + 1
            bets = bets + stake / len(ODDS)
        bets = np.minimum(bets * np.where(row[..., None], ODDS, 1.0) * right, _MOST)
        found[time] = bets.sum(axis=-1) + kept
    return found


def fell(wrong: NDArray[np.bool_], precision: float, alpha: float) -> int | None:
    """Return after how many of the (T,) filings the promise is given up, `None` where it is not.

    While at least `precision` of filings are right, the chance of that is at most `alpha`, however long.
    """
    crossed = np.flatnonzero(money(wrong, 1 - precision) >= 1 / alpha)
    return int(crossed[0]) + 1 if len(crossed) else None


def at_most(wrong: NDArray[np.bool_], alpha: float) -> float:
    """Return the bound that the filings (T,) put on the precision, from above; it holds at every moment.

    A precision above it would have lost to the bets: in some stretch of filings it was no higher.
    """
    if not len(wrong):
        return 1.0
    reached = money(np.broadcast_to(wrong[:, None], (len(wrong), len(_SHARES))), _SHARES).max(axis=0)
    lost = np.flatnonzero(reached >= 1 / alpha)
    return float(1 - _SHARES[lost[-1]]) if len(lost) else 1.0


def at_least(wrong: NDArray[np.bool_], alpha: float) -> float:
    """Return the bound that the filings (T,) put on the precision, from below; it holds at every moment.

    It takes the precision for one and the same all the time.
    """
    errors = np.cumsum(wrong)[:, None, None]
    n = np.arange(1, len(wrong) + 1)[:, None, None]
    odds = 1 / ODDS
    bets = errors * np.log(odds) - n * np.log1p((odds - 1) * _SHARES[:, None])
    grown = np.exp(np.minimum(bets, 700)).mean(axis=2).max(axis=0, initial=0.0)
    lost = np.flatnonzero(grown >= 1 / alpha)
    return float(1 - _SHARES[lost[0]]) if len(lost) else 0.0
