"""What the other pairs say about a pair: parents, children, rivals; and the one-to-one assignment."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mep3m.alignment.learned.features import Features
from mep3m.alignment.learned.titles import EXACT
from mep3m.alignment.names.compare import Tree
from mep3m.alignment.records import Side
from mep3m.alignment.similarity import Ints

#: an ancestor counts as matched from this probability
MATCHED = 0.5
#: largest number that `ties` adds to a gain
TIE = 1e-7
#: a pair takes part in the assignment from this probability of being equal
ASSIGNABLE = 0.02


class Pairs:
    """Candidate pairs (rows, columns), sorted and distinct, that can be looked up."""

    def __init__(self, rows: Ints, columns: Ints, width: int) -> None:
        self.width = max(width, 1)
        self.keys = np.unique(rows * self.width + columns)
        self.rows, self.columns = self.keys // self.width, self.keys % self.width

    def __len__(self) -> int:
        return len(self.keys)

    def find(self, rows: Ints, columns: Ints) -> Ints:
        """Return the position of each pair, -1 where it is not a candidate."""
        if not len(self.keys):
            return np.full(len(rows), -1)
        wanted = rows * self.width + columns
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        hit = (rows >= 0) & (columns >= 0) & (self.keys[place] == wanted)
        return np.where(hit, place, -1)


@dataclass(frozen=True)
class FirstPass:
    """What the pair alone says (pairs,): same category, left within right, right within left."""

    exact: np.ndarray
    narrower: np.ndarray
    broader: np.ndarray


def inherited(left: Tree, right: Tree, pairs: Pairs, first: np.ndarray) -> tuple[Ints, Ints]:
    """Return the pairs of each category with the match of its nearest matched ancestor, on both sides."""
    first = first + ties(left.side, right.side, pairs)
    ours, _, _ = _nearest_match(left.parent, *_best(pairs.rows, pairs.columns, first, len(left.side)))
    theirs, _, _ = _nearest_match(right.parent, *_best(pairs.columns, pairs.rows, first, len(right.side)))
    i, j = np.nonzero(ours >= 0)[0], np.nonzero(theirs >= 0)[0]
    return np.concatenate([i, theirs[j]]), np.concatenate([ours[i], j])


def structure(left: Tree, right: Tree, pairs: Pairs, alone: FirstPass, script: np.ndarray) -> Features:
    """Return the features that come from the first pass over all pairs.

    `script` (pairs,) is the plain similarity of names and paths; `scripted` is its own assignment.
    """
    rows, columns = pairs.rows, pairs.columns
    up_l, up_r = left.parent[rows], right.parent[columns]
    order = ties(left.side, right.side, pairs)
    first, script = alone.exact + order, np.nan_to_num(script) + order
    assigned = assign(rows, columns, first, ASSIGNABLE, order)
    scripted = best_matching(rows, columns, script)
    features = _slim(
        {
            "first": first,
            "within_l": alone.narrower,
            "within_r": alone.broader,
            "above": _first_of(pairs, first, up_l, up_r),
            "above_l": _first_of(pairs, first, up_l, columns),
            "above_r": _first_of(pairs, first, rows, up_r),
            "below": _below(left, right, pairs, first),
            "assigned": assigned,
            "scripted": scripted,
        }
    )
    features |= _slim(_neighbourly(left, right, pairs, first * assigned))
    by_script = _slim(_neighbourly(left, right, pairs, script * scripted))
    features |= {name.replace("_", "_by_script_"): values for name, values in by_script.items()}
    for side, own, other, tree in (("l", rows, columns, left), ("r", columns, rows, right)):
        inner = order + (alone.narrower if side == "l" else alone.broader)
        ranked = {"": first, "script_": script, "in": inner}
        for name, value in ranked.items():
            rank, margin = _rivals(own, value)
            features |= _slim({f"{name}rank_{side}": rank, f"{name}margin_{side}": margin})
        best, value = _best(own, other, first, len(tree.side))
        match, gap, sure = _nearest_match(tree.parent, best, value)
        known = match[own] >= 0
        features |= _slim(
            {
                f"own_{side}": value[own],
                f"inherit_{side}": np.where(known, np.where(match[own] == other, sure[own], 0.0), np.nan),
                f"gap_{side}": np.where(known, gap[own], np.nan),
                f"known_{side}": np.full(len(pairs), (value >= MATCHED).mean()),
                f"matched_{side}": _matched_share(tree, value)[own],
            }
        )
    return features


def _slim(features: Features) -> Features:
    """Return features as they are kept: single precision, rounded, half the memory."""
    return {name: np.round(np.asarray(values, np.float32), EXACT) for name, values in features.items()}


def _neighbourly(left: Tree, right: Tree, pairs: Pairs, sure: np.ndarray) -> Features:
    """Return where the siblings of each pair's categories lead, the pair's own categories left out.

    `sure` (pairs,) is the first pass's probability of the assigned pairs, 0 elsewhere. `group_l` is the
    share of the left one's other siblings whose partner is a sibling of the right one, `share_l` the same
    among the siblings with a partner: it speaks of parents that have no row of their own.
    """
    ours, theirs = left.siblings, right.siblings
    _, group = np.unique(
        ours[pairs.rows] * (int(theirs.max()) + 1) + theirs[pairs.columns], return_inverse=True
    )
    total = np.bincount(group, sure)
    of_l = np.bincount(pairs.rows, sure, minlength=len(left.side))
    of_r = np.bincount(pairs.columns, sure, minlength=len(right.side))
    at_l, at_r = np.zeros(len(left.side), np.int64), np.zeros(len(right.side), np.int64)
    taken = np.nonzero(sure > 0)[0]
    at_l[pairs.rows[taken]], at_r[pairs.columns[taken]] = group[taken], group[taken]
    own = np.where(at_l[pairs.rows] == group, of_l[pairs.rows], 0.0)
    own += np.where(at_r[pairs.columns] == group, of_r[pairs.columns], 0.0) - sure
    rest = np.maximum(total[group] - own, 0.0)
    features: Features = {}
    for side, place, siblings, of in (("l", pairs.rows, ours, of_l), ("r", pairs.columns, theirs, of_r)):
        members = np.bincount(siblings)[siblings][place] - 1
        linked = np.bincount(siblings, of)[siblings][place] - of[place]
        features[f"group_{side}"] = np.where(members > 0, rest / np.maximum(members, 1), np.nan)
        features[f"share_{side}"] = np.where(linked > 0.2, rest / np.maximum(linked, 0.2), np.nan)
    return features


def _first_of(pairs: Pairs, first: np.ndarray, rows: Ints, columns: Ints) -> np.ndarray:
    """Return `first` of other pairs: NaN where one of the two does not exist, 0 where no candidate."""
    place = pairs.find(rows, columns)
    value = np.where(place >= 0, first[np.maximum(place, 0)], 0.0)
    return np.where((rows >= 0) & (columns >= 0), value, np.nan)


def _below(left: Tree, right: Tree, pairs: Pairs, first: np.ndarray) -> np.ndarray:
    """Return how much of the two categories' children match each other, 0 to 1 (NaN: one has none)."""
    up_l, up_r = left.parent[pairs.rows], right.parent[pairs.columns]
    place = pairs.find(up_l, up_r)
    hit = place >= 0
    children_l = np.array([len(of) for of in left.children])[pairs.rows]
    children_r = np.array([len(of) for of in right.children])[pairs.columns]
    total = np.full(len(pairs), np.inf)
    for own in (pairs.rows, pairs.columns):
        order = np.lexsort((-first[hit], own[hit], place[hit]))
        row, child, value = place[hit][order], own[hit][order], first[hit][order]
        leading = np.ones(len(row), dtype=bool)
        leading[1:] = (row[1:] != row[:-1]) | (child[1:] != child[:-1])
        total = np.minimum(total, np.bincount(row[leading], value[leading], minlength=len(pairs)))
    fewer = np.minimum(children_l, children_r)
    return np.where(fewer > 0, total / np.maximum(fewer, 1), np.nan)


def _rivals(own: Ints, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each pair's rank among the pairs of its own category, and its lead over the best other."""
    order = np.lexsort((-value, own))
    sorted_own, sorted_value = own[order], value[order]
    starts = np.r_[True, sorted_own[1:] != sorted_own[:-1]]
    group = np.cumsum(starts) - 1
    first_at = np.nonzero(starts)[0]
    rank = np.arange(len(own)) - first_at[group]
    sizes = np.diff(np.r_[first_at, len(own)])
    best = sorted_value[first_at]
    second = np.where(sizes > 1, sorted_value[np.minimum(first_at + 1, len(own) - 1)], 0.0)
    margin = np.where(rank == 0, sorted_value - second[group], sorted_value - best[group])
    back = np.empty(len(own), dtype=np.int64)
    back[order] = np.arange(len(own))
    return np.minimum(rank, 20)[back], margin[back]


def _best(own: Ints, other: Ints, value: np.ndarray, count: int) -> tuple[Ints, np.ndarray]:
    """Return, for each of `count` categories, its most probable partner (-1: none) and the probability."""
    best = np.full(count, -1, dtype=np.int64)
    highest = np.zeros(count)
    order = np.argsort(value, kind="stable")
    best[own[order]] = other[order]
    highest[own[order]] = value[order]
    return best, highest


def _nearest_match(parent: Ints, best: Ints, value: np.ndarray) -> tuple[Ints, np.ndarray, np.ndarray]:
    """Return the match of each category's nearest matched ancestor (-1: none), steps up, probability."""
    match = np.full(len(parent), -1, dtype=np.int64)
    gap, sure = np.zeros(len(parent)), np.zeros(len(parent))
    for i in range(len(parent)):
        node, steps = parent[i], 1
        while node >= 0 and value[node] < MATCHED and steps < 20:
            node, steps = parent[node], steps + 1
        if node >= 0 and value[node] >= MATCHED:
            match[i], gap[i], sure[i] = best[node], steps, value[node]
    return match, gap, sure


def _matched_share(tree: Tree, value: np.ndarray) -> np.ndarray:
    """Return which share of each category's siblings (itself included) has a match (n,)."""
    matched = (value >= MATCHED).astype(float)
    total, count = np.bincount(tree.siblings, matched), np.bincount(tree.siblings)
    share: np.ndarray = (total / count)[tree.siblings]
    return share


def ties(left: Side, right: Side, pairs: Pairs) -> np.ndarray:
    """Return a tiny number (pairs,) that prefers the same pair among equals in any order of rows and sides.

    It is drawn from the ids and paths of the two categories.
    """
    ours, theirs = (
        np.array([zlib.crc32(f"{entry.id}\n{entry.label}".encode()) for entry in side], np.uint64)
        for side in (left, right)
    )
    mixed = (ours[pairs.rows] ^ theirs[pairs.columns]) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    small: np.ndarray = mixed.astype(np.float64) * (TIE / 2**32)
    return small


def assign(
    rows: Ints, columns: Ints, probability: np.ndarray, least: float, order: np.ndarray | float = 0.0
) -> np.ndarray:
    """Return which pairs the best one-to-one assignment takes (pairs,), among those ≥ `least`.

    The sum of log odds over `least` is largest: scipy's sparse solver, with a free place for every
    category so that nobody has to be matched. `order` (pairs,) is added, see `ties`.
    """
    taken = np.zeros(len(rows), dtype=bool)
    able = np.nonzero(probability >= least)[0]
    clipped = np.clip(probability[able], 1e-6, 1 - 1e-6)
    gain = np.log(clipped / (1 - clipped)) - np.log(least / (1 - least)) + 1e-3
    gain += np.broadcast_to(order, len(rows))[able]
    taken[able] = best_matching(rows[able], columns[able], gain)
    return taken


def best_matching(rows: Ints, columns: Ints, gain: np.ndarray) -> np.ndarray:
    """Return which pairs (pairs,) the one-to-one matching of largest summed gain (0 to 40) takes."""
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    if len(rows) == 0:
        return np.zeros(0, dtype=bool)
    ours, i = np.unique(rows, return_inverse=True)
    theirs, j = np.unique(columns, return_inverse=True)
    alone = np.arange(len(ours))
    cost = sparse.coo_matrix(
        (
            np.r_[40.0 - gain, np.full(len(ours), 40.0)],
            (np.r_[i, alone], np.r_[j, len(theirs) + alone]),
        ),
        shape=(len(ours), len(theirs) + len(ours)),
    ).tocsr()
    row, column = min_weight_full_bipartite_matching(cost)
    partner = np.full(len(ours), -1)
    partner[row] = column
    taken: np.ndarray = partner[i] == j
    return taken
