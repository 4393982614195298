"""From probabilities to decisions: support by products, one partner each, and what must hold in two trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mep3m.settings.align import EvidenceSettings
from mep3m.stages.align.proposal import Relation
from mep3m.stages.evidence.boosted import Weights
from mep3m.stages.evidence.features import Features, mirrored
from mep3m.stages.evidence.names import Tree
from mep3m.stages.evidence.products import HALF_TRUSTED
from mep3m.stages.evidence.structure import ASSIGNABLE, Pairs, assign, ties

#: relations in the order of the columns of `Assessed.kinds`
KINDS: tuple[Relation, ...] = ("exact", "narrower", "broader")
EXACT, NARROWER, BROADER = range(3)
#: names at least this alike need no support by products
ALIKE = 0.7
#: stands for no title at all where others have some
TITLE_AT_LEAST = 0.1
#: what is left of a link's probability when another link excludes it
RIVAL = 0.3


@dataclass(frozen=True)
class Candidates:
    """Two sides' candidate pairs with every feature, before any probability of the second look."""

    left: Tree
    right: Tree
    pairs: Pairs
    features: Features


@dataclass(frozen=True)
class Assessed:
    """Candidate pairs with the probability of each relation, `kinds` (pairs, 3), and what was accepted.

    `rule` says, by pair, which rule of `_excluded` spoke against it.
    """

    candidates: Candidates
    kinds: np.ndarray
    accepted: np.ndarray
    relation: np.ndarray
    rule: dict[int, str]


def assess(candidates: Candidates, settings: EvidenceSettings, weights: Weights) -> Assessed:
    """Return the probability of every relation of every pair, and which pairs are accepted.

    The kinds exclude each other: where they add up to more than 1 they are scaled down. Equal
    categories are assigned one to one; the other kinds need their own probability, and must agree
    with the equal ones (`_excluded`).
    """
    features, pairs = candidates.features, candidates.pairs
    back = mirrored(features)
    kinds = np.stack(
        [
            weights.exact.probability(features, back),
            weights.narrower.probability(features),
            weights.narrower.probability(back),
        ],
        axis=1,
    )
    kinds *= supported(features)[:, None]
    if not settings.many_to_one:
        kinds[:, 1:] = 0.0
    kinds /= np.maximum(kinds.sum(axis=1, keepdims=True), 1.0)
    order = ties(candidates.left.side, candidates.right.side, pairs)
    equal = assign(pairs.rows, pairs.columns, kinds[:, EXACT], ASSIGNABLE, order)
    kinds[~equal, EXACT] *= RIVAL
    relation = kinds.argmax(axis=1)
    least = np.where(relation == EXACT, settings.accept, settings.accept_inner)
    accepted = (kinds.sum(axis=1) >= least) & (equal | (relation > 0))
    rule = dict(_excluded(candidates, kinds.sum(axis=1), accepted, relation))
    against = np.array(sorted(rule), np.int64)
    kinds[against] *= RIVAL
    accepted[against] = False
    return Assessed(candidates, kinds, accepted, relation, rule)


def supported(features: Features) -> np.ndarray:
    """Return what is left (pairs,) of the probability of each pair for want of support, 0 to 1.

    Products may link two categories whose names differ, but only as far as both have titles enough
    to speak: n / (n + `HALF_TRUSTED` · (1 - likeness of the names)), n the titles of the poorer
    one. Names that are `ALIKE` need none, and where a side has no titles at all the names decide.
    """
    likeness = np.nan_to_num(np.fmax(features["ratio"], features["segment"]))
    titles = np.expm1(np.nan_to_num(features["support"], nan=np.inf))
    missing = np.where(likeness < ALIKE, HALF_TRUSTED * (1 - likeness), 0.0)
    left: np.ndarray = 1 / (1 + missing / np.maximum(titles, TITLE_AT_LEAST))
    return left


def _excluded(
    candidates: Candidates, linked: np.ndarray, accepted: np.ndarray, relation: np.ndarray
) -> Iterator[tuple[int, str]]:
    """Yield (pair, rule) of accepted narrower and broader links that the other links exclude.

    A link that follows from an ancestor's says nothing new (what follows is added again where it is
    wanted, see `entailed`). Where both sides have products, the categories of one shop share none:
    one with an equal partner lies within nothing else, and nothing lies within two.
    """
    rows, columns = candidates.pairs.rows.tolist(), candidates.pairs.columns.tolist()
    known = ~np.isnan(candidates.features["near_l"])
    places = np.nonzero(accepted)[0].tolist()
    inner_of: dict[int, set[int]] = defaultdict(set)
    outer_of: dict[int, set[int]] = defaultdict(set)
    for k in places:
        if relation[k] != BROADER:
            inner_of[rows[k]].add(columns[k])
        if relation[k] != NARROWER:
            outer_of[columns[k]].add(rows[k])
    equal_l = {rows[k] for k in places if relation[k] == EXACT}
    equal_r = {columns[k] for k in places if relation[k] == EXACT}
    placed: set[tuple[int, int]] = set()
    for k in sorted((k for k in places if relation[k] != EXACT), key=lambda k: (-linked[k], k)):
        i, j = rows[k], columns[k]
        turned = relation[k] == BROADER
        inner, outer = (candidates.right, candidates.left) if turned else (candidates.left, candidates.right)
        low, high, links = (j, i, outer_of) if turned else (i, j, inner_of)
        if any(high in _upwards(outer, of) for above in _above(inner, low) for of in links.get(above, ())):
            yield k, "follows from the category above"
        elif known[k] and (i in equal_l or j in equal_r):
            yield k, "one of the two has an equal partner"
        elif known[k] and (int(relation[k]), low) in placed:
            yield k, "lies within another one already"
        else:
            placed.add((int(relation[k]), low))


def _above(tree: Tree, node: int) -> list[int]:
    """Return the ancestors of a node that have rows of their own, the nearest first."""
    return _upwards(tree, int(tree.parent[node]))


def _upwards(tree: Tree, node: int) -> list[int]:
    """Return a node and its ancestors."""
    found: list[int] = []
    while node >= 0 and node not in found:
        found.append(node)
        node = int(tree.parent[node])
    return found
