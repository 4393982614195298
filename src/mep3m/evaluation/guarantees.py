"""What a promise of precision rests on: one threshold for the whole tree, proven on audited rows.

A row is filed at the deepest node of its likely path whose probability is at least λ. That is right where the
node is the truth or lies above it. λ is found by testing a grid that no data decides in a fixed sequence,
from the strictest λ down (Angelopoulos et al., Learn then Test, 2021): each is tested exactly (Clopper and
Pearson, 1934), the first that fails ends the search, and the last that passed is taken. The search may begin
anew further down, with a share of the allowed error that was set aside (Wiens, 2003). Decisions 216, 247.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

from mep3m.arrays import Ints
from mep3m.label_tree.likely_path import LikelyPaths
from mep3m.label_tree.tree import LabelTree

Numbers = NDArray[np.float64]

#: what λ may be, strictest first: 1, then closer steps near 1, where the probabilities of a sure model lie
GRID: Numbers = np.concatenate(
    [[1.0], 1 - 10.0 ** -np.arange(6, 1, -0.125), np.arange(0.9, 0.095, -0.0125)]
).round(9)
#: the first λ files no more rows than this, unless fewer could prove nothing
FIRST = 600


class Audited(NamedTuple):
    """What λ does to each of N audited rows: the largest at which it is filed, and wrongly; -1 is never."""

    files: Numbers
    errs: Numbers

    def take(self, rows: Ints) -> Audited:
        """Return some of the rows."""
        return Audited(self.files[rows], self.errs[rows])


@dataclass(frozen=True)
class Proof:
    """A threshold and what the audit says of it: `errors` of `filed` of `n` rows are wrong.

    `bound` is the exact lower bound of the precision at the confidence asked for.
    """

    threshold: float
    n: int
    filed: int
    errors: int
    bound: float

    @property
    def coverage(self) -> float:
        """The share of rows that are filed."""
        return self.filed / self.n if self.n else 0.0


def audit(tree: LabelTree, paths: LikelyPaths, truth: NDArray[np.int32], min_level: int = 1) -> Audited:
    """Return what λ does to each row; `truth` (N,) is the deepest node that its label names, -1 for none.

    A node below the truth counts as wrong: nobody has said that it is right. Filed at `min_level` and below.
    """
    ancestors = np.vstack([tree.ancestors, np.full((1, tree.depth), -1, dtype=np.int32)])[truth]
    right = np.logical_and.accumulate((paths.nodes == ancestors) & (paths.nodes >= 0), axis=1).sum(axis=1)
    lowest = min(max(min_level, 1), tree.depth)
    chances = np.hstack([paths.chances, np.zeros((len(right), 1))])
    files = chances[:, lowest - 1]
    errs = chances[np.arange(len(right)), np.maximum(right, lowest - 1)]
    return Audited(np.where(files > 0, files, -1.0), np.where(errs > 0, errs, -1.0))


def fewest(precision: float, confidence: float) -> int:
    """Return how many filed rows without an error prove a precision: 299 for .99 at a confidence of .95."""
    return math.ceil(math.log(1 - confidence) / math.log(precision))


def first_rows(precision: float, confidence: float, n: int) -> tuple[int, ...]:
    """Return how many of `n` rows the first tested λ files at least, and that where the search begins anew.

    First: twice the fewest, so that one may be wrong; a quarter of the rows, up to 600, where that is more:
    few rows fail easily, and a failure ends the search. Anew: a quarter of the rows, where that is more.
    """
    first = max(2 * fewest(precision, confidence), min(FIRST, n // 4))
    return (first, n // 4) if n // 4 > first else (first,)


def seen_precision(precision: float, label_noise: float) -> float:
    """Return the share of filings that agree with their labels, where `precision` are right.

    At least `label_noise` of the labels are wrong at every level that is filed at, whether the model is right
    or not; where both are wrong they are taken to agree, which is the worst case.
    """
    return precision * (1 - label_noise) + (1 - precision) * label_noise


def true_precision(seen: float, label_noise: float) -> float:
    """Return the precision where a share `seen` of the filings agree with their labels: the inverse."""
    return min(max((seen - label_noise) / (1 - 2 * label_noise), 0.0), 1.0)


def lower_bound(filed: Ints | int, errors: Ints | int, confidence: float) -> Numbers:
    """Return the exact one-sided lower bound of the precision; 0 where nothing right was filed."""
    right = np.asarray(filed) - np.asarray(errors)
    bound = beta.ppf(1 - confidence, np.maximum(right, 1), np.asarray(errors) + 1)
    return np.where(right > 0, bound, 0.0)


def upper_bound(filed: int, errors: int, confidence: float) -> float:
    """Return the exact one-sided upper bound of the precision; 1 where nothing was wrong."""
    return float(beta.ppf(confidence, filed - errors + 1, errors)) if errors else 1.0


def counts(audited: Audited, weights: Numbers | None = None, grid: Numbers = GRID) -> tuple[Ints, Ints]:
    """Return how many rows each λ of a grid files, and how many wrongly; `weights` (N,) repeat rows."""
    return _reached(audited.files, weights, grid), _reached(audited.errs, weights, grid)


def _reached(marks: Numbers, weights: Numbers | None, grid: Numbers) -> Ints:
    first = np.searchsorted(-grid, -marks, side="left")  # the first λ that is not above the mark
    return np.cumsum(np.bincount(first, weights, len(grid) + 1)[:-1]).astype(np.int64)


def last_passed(filed: Ints, errors: Ints, precision: float, confidence: float, starts: Sequence[int]) -> int:
    """Return the place of the last λ that passed, -1 where none did.

    `filed` and `errors` (G,) are by a grid that descends. The allowed error is divided equally among the
    `starts`: at the first λ that files so many rows, the search begins with its part. What passes hands all
    that it had to the next λ; a failure loses it.
    """
    chance = binom.cdf(errors, filed, 1 - precision)
    given = np.zeros(len(filed))
    for start in starts:
        given[np.flatnonzero(filed >= start)[:1]] += (1 - confidence) / len(starts)
    held, last = 0.0, -1
    for place in range(len(filed)):
        held += given[place]
        if held and chance[place] <= held:
            last = place
        else:
            held = 0.0
    return last


def prove(
    audited: Audited, precision: float, confidence: float, start: int | None = None, grid: Numbers = GRID
) -> Proof | None:
    """Return the least λ whose precision is proven on the audited rows, `None` where none is.

    `start` is how many rows the first tested λ files at least (`first_rows` unless given). The rows have to
    be a random sample of what comes in, independent of each other and of all that the model was made with.
    """
    filed, errors = counts(audited, grid=grid)
    starts = first_rows(precision, confidence, len(audited.files)) if start is None else (start,)
    place = last_passed(filed, errors, precision, confidence, starts)
    return None if place < 0 else at(audited, float(grid[place]), confidence)


def at(audited: Audited, threshold: float, confidence: float) -> Proof:
    """Return what the audited rows say of one λ that was fixed before they were looked at."""
    filed = int((audited.files >= threshold).sum())
    errors = int((audited.errs >= threshold).sum())
    bound = float(lower_bound(filed, errors, confidence))
    return Proof(threshold, len(audited.files), filed, errors, bound)


def empirical(audited: Audited, precision: float, confidence: float, grid: Numbers = GRID) -> Proof | None:
    """Return the least λ whose precision among the rows themselves is enough: what promises nothing."""
    filed, errors = counts(audited, grid=grid)
    enough = np.flatnonzero((filed > 0) & (errors <= (1 - precision) * filed))
    return at(audited, float(grid[enough[-1]]), confidence) if len(enough) else None


def rows_needed(
    audited: Audited, precision: float, confidence: float, start: int | None = None, grid: Numbers = GRID
) -> int | None:
    """Return about how many audited rows would prove something, if more rows are like these.

    The share of errors at each λ is taken a little higher than seen (half an error more), and as seen where
    the rows are too few for that. `None`: at no λ is the share small enough, or nothing is filed.
    """
    filed, errors = counts(audited, grid=grid)
    n = len(audited.files)
    points = {(int(f), int(e)) for f, e in zip(filed, errors, strict=True) if f}
    for more in (0.5, 0.0):
        wanted = {f: _filings_needed((e + more) / (f + 2 * more), precision, confidence) for f, e in points}
        known = [(f, w) for f, w in wanted.items() if w is not None]
        if known:
            begin = first_rows(precision, confidence, 0)[0]
            # where a quarter of the rows is more than is filed, the first λ has to file all of `FIRST`
            least = {f: start or (begin if 4 * f >= n else max(begin, FIRST)) for f, _ in known}
            return min(math.ceil(max(w, least[f]) * n / f) for f, w in known)
    return None


def _filings_needed(share: float, precision: float, confidence: float) -> int | None:
    """Return the least number of filings, within 2 %, that prove a precision with this share of errors."""
    if share >= 1 - precision:
        return None
    filings = np.unique(np.geomspace(fewest(precision, confidence), 1e7, 1000).astype(np.int64))
    allowed = binom.cdf(np.ceil(share * filings), filings, 1 - precision) <= 1 - confidence
    return int(filings[np.argmax(allowed)]) if allowed.any() else None
