"""From probabilities to decisions: support by products, one partner each, and what must hold in two trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mep3m.alignment.learned.boosted import Curve, Weights, probability
from mep3m.alignment.learned.features import Features, mirrored
from mep3m.alignment.learned.products import trust
from mep3m.alignment.learned.structure import ASSIGNABLE, Pairs, assign, ties
from mep3m.alignment.names.compare import Tree
from mep3m.alignment.records import Relation
from mep3m.alignment.similarity import Ints
from mep3m.settings.align import EvidenceSettings

#: relations in the order of the columns of `Assessed.kinds`
KINDS: tuple[Relation, ...] = ("exact", "narrower", "broader")
EXACT, NARROWER, BROADER = range(3)
#: names at least this similar need no support by products
SIMILAR = 0.7
#: stands for no title at all where others have some
TITLE_AT_LEAST = 0.05
#: titles of the poorer category at which a pair of wholly different names keeps half its probability
SUPPORT = 4
#: likeness of names of which one goes on where the other ends, with another head: 手机, 手机壳
OTHER_HEAD = 0.3
#: cosine of all titles from which products of pairs whose names differ are believed to be of one kind
OF_ONE_KIND = 0.15
#: what is left of a link's probability when another link excludes it
RIVAL = 0.3
#: share of the categories with a partner in the training sets, and how far a set may lift the odds
PARTNERED, LIFT = 0.7, 6.0
#: score from which a category without a link shares a partner that is given to another
SHARING = 0.7
#: kinds of decision, each with its own curve from score to probability: given to each other as equal;
#: one within the other; passed over; within a partner that is given to another; following from a
#: link of an ancestor, as a candidate; the same without being one; given to each other as equal
#: though the names are known to mean different things; and one within the other though nothing says so
GROUPS = ("equal", "inner", "other", "shared", "implied", "entailed", "unlike", "unsaid")
EQUAL, INNER, OTHER, SHARED, IMPLIED, FOLLOWS, UNLIKE, UNSAID = range(8)


@dataclass(frozen=True)
class Candidates:
    """Two sides' candidate pairs with every feature, before any probability of the second pass."""

    left: Tree
    right: Tree
    pairs: Pairs
    features: Features


@dataclass(frozen=True)
class Assessed:
    """Candidate pairs with the probability of each relation, `kinds` (pairs, 3), and what was accepted.

    `rule` says, by pair, why a link that its probability would accept is not. `group` (pairs,) is
    the kind of decision, a place in `GROUPS`, and `score` (pairs,) what it was before calibration.
    """

    candidates: Candidates
    kinds: np.ndarray
    accepted: np.ndarray
    relation: np.ndarray
    rule: dict[int, str]
    group: np.ndarray
    score: np.ndarray


def assess(candidates: Candidates, settings: EvidenceSettings, weights: Weights) -> Assessed:
    """Return the probability of every relation of every pair, and which pairs are accepted."""
    features = candidates.features
    back = mirrored(features)
    kinds = np.stack(
        [
            weights.exact.probability(features, back),
            weights.narrower.probability(features),
            weights.narrower.probability(back),
        ],
        axis=1,
    )
    return predict_links(candidates, kinds, settings, weights.curves)


def predict_links(
    candidates: Candidates, kinds: np.ndarray, settings: EvidenceSettings, curves: Mapping[str, Curve]
) -> Assessed:
    """Return what is accepted, from what the heads say of each pair: `kinds` (pairs, 3).

    A pair is linked unless it is of no kind, 1 - (1 - exact) (1 - narrower) (1 - broader). Names with
    words that exclude each other are never equal. Equal categories are assigned one to one; who is as
    surely equal to a partner that another has got lies within it. What the rules leave of a pair is its
    score; the curve of its group makes it a probability, and from the settings' least probability on
    it is accepted.
    """
    pairs, features = candidates.pairs, candidates.features
    kinds = kinds.copy()
    kinds[features["clash"] == 1, EXACT] = 0.0
    kinds[:, EXACT] = partnered(pairs, kinds[:, EXACT], len(candidates.left.side), len(candidates.right.side))
    if not settings.many_to_one:
        kinds[:, 1:] = 0.0
    linked = 1 - (1 - kinds).prod(axis=1)
    kinds *= (supported(features) * linked / np.maximum(kinds.sum(axis=1), 1e-9))[:, None]
    order = ties(candidates.left.side, candidates.right.side, pairs)
    equal = assign(pairs.rows, pairs.columns, kinds[:, EXACT], ASSIGNABLE, order)
    alone = kinds[:, EXACT].copy()
    kinds[~equal, EXACT] *= RIVAL
    relation = kinds.argmax(axis=1)
    given = np.where(apart(features), UNLIKE, EQUAL)
    inner = np.where(below(features, relation), IMPLIED, np.where(said(features, relation), INNER, UNSAID))
    group = np.where(relation != EXACT, inner, np.where(equal, given, OTHER))
    score = kinds.sum(axis=1)
    fewest = min(len(candidates.left.side), len(candidates.right.side))
    sure = calibrated(curves, group, features, score, fewest)
    least = np.where(relation == EXACT, settings.accept, settings.accept_inner)
    accepted = (sure >= least) & (group != OTHER) & (group != IMPLIED)
    if settings.many_to_one:
        both = [
            (_shared(own, alone + order, accepted, group == OTHER), kind)
            for own, kind in ((pairs.rows, NARROWER), (pairs.columns, BROADER))
        ]
        for shared, kind in both:
            kinds[shared, kind], kinds[shared, EXACT] = alone[shared], 0.0
            relation[shared], group[shared], score[shared] = kind, SHARED, kinds[shared].sum(axis=1)
        sure = calibrated(curves, group, features, score, fewest)
        accepted |= (group == SHARED) & (sure >= settings.accept_inner)
    against = _beside_equal(candidates, accepted, relation)
    accepted[against], group[against] = False, OTHER
    rule = dict(_implied(candidates, accepted, relation))
    against = np.array(sorted(rule), np.int64)
    accepted[against], group[against] = False, IMPLIED
    sure = calibrated(curves, group, features, score, fewest)
    kinds *= (sure / np.maximum(kinds.sum(axis=1), 1e-9))[:, None]
    return Assessed(candidates, kinds, accepted, relation, rule, group, score)


def calibrated(
    curves: Mapping[str, Curve], group: np.ndarray, features: Features, score: np.ndarray, fewest: int
) -> np.ndarray:
    """Return the probabilities (pairs,) that scores stand for in their groups; the scores without a curve.

    `fewest` is the number of categories of the smaller side. Rounded, so that nothing hangs on the
    order of sums.
    """
    probabilities = score.astype(np.float64)
    stocked = ~np.isnan(features["support"])
    for name, curve in curves.items():
        of, what = name.split()
        there = (group == GROUPS.index(of)) & (stocked == (what == "titles"))
        probabilities[there] = probability(score[there], curve, fewest)
    return np.round(probabilities, 9)


def partnered(pairs: Pairs, equal: np.ndarray, left: int, right: int) -> np.ndarray:
    """Return the probabilities of equality (pairs,), lifted where nearly every category has a partner.

    `left` and `right` count the categories. The heads learned from sets where `PARTNERED` of them
    have one; in a set with more (two editions of one tree, say), the same evidence is worth more.
    The share is estimated from the set itself, on the side with the higher one, by repeating
    Bayes' rule with the share that the last round found.
    """
    lifted, odds = equal, 1.0
    for _ in range(6):
        share = 0.0
        for own, count in ((pairs.rows, left), (pairs.columns, right)):
            best = np.zeros(count)
            np.maximum.at(best, own, lifted)
            share = max(share, min(float(best.mean()), 0.995))
        odds = min(max(share / (1 - share) / (PARTNERED / (1 - PARTNERED)), 1.0), LIFT)
        lifted = odds * equal / (odds * equal + 1 - equal)
    return lifted


def _shared(own: Ints, alone: np.ndarray, accepted: np.ndarray, able: np.ndarray) -> Ints:
    """Return the pairs, one for each category of `own` without a link, whose partner another has got."""
    linked = np.isin(own, own[accepted])
    places = np.nonzero(~linked & able & ~accepted & (alone >= SHARING))[0]
    order = places[np.argsort(-alone[places], kind="stable")]
    _, first = np.unique(own[order], return_index=True)
    chosen: Ints = order[first]
    return chosen


def apart(features: Features) -> np.ndarray:
    """Return whether the names of each pair (pairs,) are known to mean different things."""
    return np.asarray((features["clash"] == 1) | (features["apart"] == 1))


def said(features: Features, relation: np.ndarray) -> np.ndarray:
    """Return whether names or titles say that one category of each pair (pairs,) lies within the other.

    The inner one is a known kind of the outer one, its name holds the other's, or both have titles.
    Without that only the place in the tree speaks for it, which is right less often.
    """
    narrower = (features["kind_l"] > 0) | (features["inside_r"] == 1)
    broader = (features["kind_r"] > 0) | (features["inside_l"] == 1)
    return np.asarray(np.where(relation == BROADER, broader, narrower) | ~np.isnan(features["support"]))


def below(features: Features, relation: np.ndarray) -> np.ndarray:
    """Return whether an ancestor of each pair's inner category is matched with its outer one (pairs,).

    Such a link says nothing new; it is added where it is wanted, see `proposer.entailed`.
    """
    inherited = np.where(relation == BROADER, features["inherit_r"], features["inherit_l"])
    return np.asarray(np.nan_to_num(inherited) > 0)


def supported(features: Features) -> np.ndarray:
    """Return what is left (pairs,) of the probability of each pair for want of support, 0 to 1.

    Products may link two categories whose names differ, but only as far as both have titles enough
    to speak: n / (n + s), n the titles of the poorer one and s = `SUPPORT` · (1 - likeness of the
    names). Names that are `SIMILAR` or mean the same need none, unless they have another head or words
    that exclude each other; where a side has no titles at all the names decide. Where a title lies
    nearest says nothing in a shop that sells nothing like it: the titles of both must also have words
    in common (`OF_ONE_KIND`).
    """
    meant = np.fmin(features["means_l"], features["means_r"])
    likeness = np.nan_to_num(np.fmax(np.fmax(features["ratio"], features["segment"]), meant))
    longer = (features["inside_l"] == 1) | (features["inside_r"] == 1)
    likeness = np.where(longer & (features["head"] == 0), OTHER_HEAD, likeness)
    likeness = np.fmax(likeness, np.fmax(features["kind_l"], features["kind_r"]))
    likeness = np.where(apart(features), 0.0, likeness)
    titles = np.expm1(np.nan_to_num(features["support"], nan=np.inf))
    missing = np.where(likeness < SIMILAR, SUPPORT * (1 - likeness), 0.0)
    share = 1 / (1 + missing / np.maximum(titles, TITLE_AT_LEAST))
    known = np.isfinite(titles) & (titles > 0)
    content = np.nan_to_num(features["content"]) / trust(np.where(known, titles, 1.0))
    kind = np.where((missing > 0) & known, np.clip(content / OF_ONE_KIND, 0, 1) ** 2, 1.0)
    left: np.ndarray = share * kind
    return left


def _implied(candidates: Candidates, accepted: np.ndarray, relation: np.ndarray) -> Iterator[tuple[int, str]]:
    """Yield (pair, why) of accepted narrower and broader links that follow from a link of an ancestor.

    They say nothing new; what follows is added again where it is wanted, see `entailed`.
    """
    rows, columns = candidates.pairs.rows.tolist(), candidates.pairs.columns.tolist()
    places = np.nonzero(accepted)[0].tolist()
    inner_of: dict[int, set[int]] = defaultdict(set)
    outer_of: dict[int, set[int]] = defaultdict(set)
    for k in places:
        if relation[k] != BROADER:
            inner_of[rows[k]].add(columns[k])
        if relation[k] != NARROWER:
            outer_of[columns[k]].add(rows[k])
    for k in (k for k in places if relation[k] != EXACT):
        low, high, inner, outer, links = (
            (columns[k], rows[k], candidates.right, candidates.left, outer_of)
            if relation[k] == BROADER
            else (rows[k], columns[k], candidates.left, candidates.right, inner_of)
        )
        if any(high in _upwards(outer, of) for above in _above(inner, low) for of in links.get(above, ())):
            yield k, "follows from the category above"


def follows_from_others(
    candidates: Candidates, accepted: np.ndarray, relation: np.ndarray, sure: np.ndarray
) -> Iterator[tuple[int, str]]:
    """Yield (pair, why) of accepted narrower and broader links that surer accepted links already say.

    A category lies within whatever its partner, or what an ancestor of it is linked to, lies within. `sure`
    (pairs,) are the probabilities: a link does not rest on one that may not be applied where it would be.
    """
    pairs, left, right = candidates.pairs, candidates.left, candidates.right
    places = np.nonzero(accepted)[0].tolist()
    links: tuple[dict[int, dict[int, float]], dict[int, dict[int, float]]] = (
        defaultdict(dict),
        defaultdict(dict),
    )
    for k in places:
        ends = int(pairs.rows[k]), int(pairs.columns[k])
        if relation[k] != BROADER:
            links[0][ends[0]][ends[1]] = float(sure[k])
        if relation[k] != NARROWER:
            links[1][ends[1]][ends[0]] = float(sure[k])
    for k in (k for k in places if relation[k] != EXACT):
        turned = bool(relation[k] == BROADER)
        ends = int(pairs.rows[k]), int(pairs.columns[k])
        low, high = ends[::-1] if turned else ends
        inner, outer = (right, left) if turned else (left, right)
        ways = (
            (above, of)
            for above in _upwards(inner, low)
            for of, probability in links[turned][above].items()
            if probability > float(sure[k]) and (above, of) != (low, high)
        )
        if any(high in _upwards(outer, of) for _, of in ways):
            yield k, "follows from a surer link"


def _beside_equal(candidates: Candidates, accepted: np.ndarray, relation: np.ndarray) -> Ints:
    """Return the accepted narrower and broader links that the other shop's own tree contradicts.

    A category with an equal partner lies within nothing that this partner does not lie within.
    """
    pairs = candidates.pairs
    equal = np.nonzero(accepted & (relation == EXACT))[0]
    partners = (
        dict(zip(pairs.rows[equal].tolist(), pairs.columns[equal].tolist(), strict=True)),
        dict(zip(pairs.columns[equal].tolist(), pairs.rows[equal].tolist(), strict=True)),
    )
    contradicted = []
    for k in np.nonzero(accepted & (relation != EXACT))[0].tolist():
        ends = int(pairs.rows[k]), int(pairs.columns[k])
        turned = bool(relation[k] == BROADER)
        inner, outer = ends[::-1] if turned else ends
        tree = candidates.left if turned else candidates.right
        partner = partners[turned].get(inner)
        if partner is not None and outer not in _upwards(tree, partner):
            contradicted.append(k)
    return np.array(contradicted, np.int64)


def _above(tree: Tree, node: int) -> list[int]:
    """Return the ancestors of a node that have rows of their own, the nearest first."""
    return _upwards(tree, int(tree.parent[node]))


def _upwards(tree: Tree, node: int) -> list[int]:
    """Return a node and its ancestors."""
    chain: list[int] = []
    while node >= 0 and node not in chain:
        chain.append(node)
        node = int(tree.parent[node])
    return chain
