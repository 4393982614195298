"""The evidence method: candidates, a pass over pairs alone, a second with their neighbours, an assignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from mep3m.alignment.crossing.heads import Heads, shipped_heads
from mep3m.alignment.crossing.overlap import RIGHT as OVERLAP
from mep3m.alignment.crossing.overlap import overlapping
from mep3m.alignment.crossing.relation import TELLING, KnownPairs, relations
from mep3m.alignment.crossing.tables import Crossing
from mep3m.alignment.learned.boosted import Curve, Weights, probability, shipped_weights
from mep3m.alignment.learned.decide import (
    FOLLOWS,
    GROUPS,
    KINDS,
    Assessed,
    Candidates,
    assess,
    follows_from_others,
)
from mep3m.alignment.learned.features import Features, PairEvidence, mirrored
from mep3m.alignment.learned.structure import FirstPass, Pairs, inherited, structure, ties
from mep3m.alignment.names.compare import Tree, is_unknown, trees, unknown
from mep3m.alignment.records import Proposal, Side
from mep3m.alignment.similarity import Ints
from mep3m.settings.align import EvidenceSettings
from mep3m.taxonomy import PATH_SEPARATOR

#: pairs below this probability are not worth a person's time
LEAST = 0.02
#: share of a category's rows filed under another one from which on the pair is worth a look
FILED = 0.15


def propose_evidence(
    left: Side,
    right: Side,
    settings: EvidenceSettings,
    classes: tuple[Sequence[str], Sequence[str]] | None = None,
    weights: Weights | None = None,
    crossing: Crossing | None = None,
) -> list[Proposal]:
    """Return proposals between two sides, each with a probability and its evidence.

    `classes` are the first-level classes of both sides' entries; where given, only pairs within
    one class are looked at. A proposal's probability is that the two categories are linked at
    all; its relation is the most probable kind of link. `crossing` says where each side's products
    would be filed on the other: with it the probability is that of the relation itself.
    """
    if not len(left) or not len(right) or (classes is not None and set(classes[0]).isdisjoint(classes[1])):
        return []
    used = weights or shipped_weights()
    candidates = find_candidates(left, right, settings, used, classes)
    assessed = assess(candidates, settings, used)
    if crossing is not None:
        assessed = by_products(assessed, crossing, settings)
    return proposals_of(assessed, settings, used.curves)


def proposals_of(
    assessed: Assessed, settings: EvidenceSettings, curves: Mapping[str, Curve]
) -> list[Proposal]:
    """Return the proposals among assessed pairs, and those that follow from a link of the category above."""
    follows = entailed(assessed, settings, curves)
    again = {(one.left_id, one.right_id) for one in follows}
    own = [one for one in _proposals(assessed, settings) if (one.left_id, one.right_id) not in again]
    return own + follows


def find_candidates(
    left: Side,
    right: Side,
    settings: EvidenceSettings,
    weights: Weights,
    classes: tuple[Sequence[str], Sequence[str]] | None = None,
) -> Candidates:
    """Return the candidate pairs with all features, those of their neighbourhood included."""
    ours, theirs = trees(left, right)
    pairs, features = _compared(ours, theirs, settings, weights, classes)
    first = first_pass(features, weights)
    return Candidates(
        ours, theirs, pairs, features | structure(ours, theirs, pairs, first, features["script"])
    )


def _compared(
    left: Tree,
    right: Tree,
    settings: EvidenceSettings,
    weights: Weights,
    classes: tuple[Sequence[str], Sequence[str]] | None,
) -> tuple[Pairs, Features]:
    """Return the candidate pairs with what each pair alone says; the vectors behind it are let go."""
    evidence = PairEvidence(left, right, settings)
    pairs = _within(Pairs(*evidence.candidates(), len(right.side)), classes)
    features = evidence.features(pairs.rows, pairs.columns)
    first = first_pass(features, weights)
    more = _within(Pairs(*inherited(left, right, pairs, first.exact), len(right.side)), classes)
    return widened(evidence, pairs, features, more)


def widened(evidence: PairEvidence, pairs: Pairs, features: Features, more: Pairs) -> tuple[Pairs, Features]:
    """Return all pairs of both kinds with their features; those of `pairs` are known, and taken out."""
    new = more.find(pairs.rows, pairs.columns)
    fresh = np.delete(np.arange(len(more)), new[new >= 0])
    if not len(fresh):
        return pairs, features
    rows, columns = more.rows[fresh], more.columns[fresh]
    whole = Pairs(np.r_[pairs.rows, rows], np.r_[pairs.columns, columns], pairs.width)
    known, added = whole.find(pairs.rows, pairs.columns), whole.find(rows, columns)
    features_of_all: Features = {}
    for name, values in evidence.features(rows, columns).items():
        before = features.pop(name)
        if is_unknown(values):
            features_of_all[name] = unknown(len(whole))
            continue
        features_of_all[name] = np.empty(len(whole), np.float32)
        features_of_all[name][known], features_of_all[name][added] = before, values
    return whole, features_of_all


def first_pass(features: Features, weights: Weights) -> FirstPass:
    """Return what each pair alone says."""
    back = mirrored(features)
    return FirstPass(
        weights.first_exact.probability(features, back),
        weights.first_narrower.probability(features),
        weights.first_narrower.probability(back),
    )


def known_pairs(assessed: Assessed, crossing: Crossing) -> tuple[KnownPairs, Ints]:
    """Return what is known of the pairs that something speaks for, and their places among the candidates.

    Only pairs of which both categories have titles: of the others filing says nothing.
    """
    pairs, features = assessed.candidates.pairs, assessed.candidates.features
    linked = np.minimum(assessed.kinds.sum(axis=1), 1.0)
    share = np.maximum(
        np.asarray(crossing.there.share[pairs.rows, pairs.columns]).ravel(),
        np.asarray(crossing.back.share[pairs.columns, pairs.rows]).ravel(),
    )
    stocked = (crossing.there.titles[pairs.rows] > 0) & (crossing.back.titles[pairs.columns] > 0)
    at = np.nonzero(stocked & (assessed.accepted | (linked >= LEAST) | (share >= FILED)))[0]

    def feature(name: str) -> np.ndarray:
        values: np.ndarray = np.nan_to_num(features[name][at].astype(float))
        return values

    kinds = assessed.kinds[at].astype(float)
    return KnownPairs(
        pairs.rows[at], pairs.columns[at], kinds[:, 0], kinds[:, 1], kinds[:, 2],
        ((feature("kind_l") > 0) | (feature("inside_r") == 1)).astype(float),
        ((feature("kind_r") > 0) | (feature("inside_l") == 1)).astype(float),
        np.maximum(feature("clash"), feature("apart")), feature("same"), feature("ratio"), feature("whole"),
    ), at  # fmt: skip


def _within(pairs: Pairs, classes: tuple[Sequence[str], Sequence[str]] | None) -> Pairs:
    if classes is None:
        return pairs
    numbers = {name: k for k, name in enumerate({*classes[0], *classes[1]})}
    ours, theirs = (np.array([numbers[name] for name in of]) for of in classes)
    same = ours[pairs.rows] == theirs[pairs.columns]
    return Pairs(pairs.rows[same], pairs.columns[same], pairs.width)


def _proposals(assessed: Assessed, settings: EvidenceSettings) -> list[Proposal]:
    """Return what is accepted, what overlaps, and the best others of each left category, in its order."""
    pairs = assessed.candidates.pairs
    left, right = assessed.candidates.left.side, assessed.candidates.right.side
    linked = np.minimum(assessed.kinds.sum(axis=1), 1.0)
    overlaps = overlapping(assessed.candidates.features, linked) & ~assessed.accepted
    order = np.lexsort((-linked - ties(left, right, pairs), ~assessed.accepted, pairs.rows))
    kept: dict[int, int] = {}
    proposals = []
    for k in order.tolist():
        row = int(pairs.rows[k])
        accepted, overlap = bool(assessed.accepted[k]), bool(overlaps[k])
        if not accepted and not overlap:
            kept[row] = kept.get(row, 0) + 1
            if kept[row] > settings.kept or linked[k] < LEAST:
                continue
        one, other = left.entries[row], right.entries[int(pairs.columns[k])]
        proposals.append(
            Proposal(
                one.id, other.id, "overlaps" if overlap else KINDS[assessed.relation[k]],
                OVERLAP if overlap else float(linked[k]), accepted,
                _numbers(assessed, k), _words(assessed, k), one.label, other.label, left.name, right.name,
            )
        )  # fmt: skip
    return proposals


def by_products(
    assessed: Assessed, crossing: Crossing, settings: EvidenceSettings, heads: Heads | None = None
) -> Assessed:
    """Return the pairs with the relations that products, names and trees together speak for.

    What is accepted is probable enough, and the best exact link of both its categories. Without `heads`,
    those speak that ship.
    """
    candidates = assessed.candidates
    known, at = known_pairs(assessed, crossing)
    if not len(at):
        return assessed
    kinds, relation = assessed.kinds.copy(), assessed.relation.copy()
    accepted, rule = assessed.accepted.copy(), dict(assessed.rule)
    sides = candidates.left.side, candidates.right.side
    kinds[at] = relations(*sides, crossing, known, heads or shipped_heads())
    relation[at] = kinds[at].argmax(axis=1)
    least = np.where(relation[at] == 0, settings.accept, settings.accept_inner)
    accepted[at] = (kinds[at].max(axis=1) >= least) & (settings.many_to_one | (relation[at] == 0))
    accepted &= ~_second_partner(candidates.pairs, kinds, relation, accepted)
    for k, why in follows_from_others(candidates, accepted, relation, kinds.sum(axis=1)):
        accepted[k], rule[k] = False, why
    told = candidates.features | _filed(candidates, crossing, known, at)
    return replace(
        assessed,
        candidates=replace(candidates, features=told),
        kinds=kinds,
        relation=relation,
        accepted=accepted,
        rule=rule,
    )


def _filed(candidates: Candidates, crossing: Crossing, known: KnownPairs, at: Ints) -> Features:
    """Return what filing says of each pair (pairs,), NaN where one of the two has too few titles to tell."""
    empty = np.full(len(candidates.pairs), np.nan, np.float32)
    enough = (crossing.there.titles[known.rows] >= TELLING) & (crossing.back.titles[known.columns] >= TELLING)
    rows, columns, of = known.rows[enough], known.columns[enough], at[enough]
    told = {name: empty.copy() for name in ("filed_l", "filed_r", "at_home_l", "at_home_r")}
    told["filed_l"][of] = np.asarray(crossing.there.share[rows, columns]).ravel() if len(of) else ()
    told["filed_r"][of] = np.asarray(crossing.back.share[columns, rows]).ravel() if len(of) else ()
    told["at_home_l"][of], told["at_home_r"][of] = crossing.there.home[rows], crossing.back.home[columns]
    names = {"named_l": empty.copy(), "named_r": empty.copy()}
    names["named_l"][at], names["named_r"][at] = known.inside_l, known.inside_r
    return told | names


def _second_partner(
    pairs: Pairs, kinds: np.ndarray, relation: np.ndarray, accepted: np.ndarray
) -> np.ndarray:
    """Return which accepted exact pairs (pairs,) have a category that is surer of another partner."""
    places = np.nonzero(accepted & (relation == 0))[0]
    order = places[np.argsort(-kinds[places, 0], kind="stable")]
    taken: tuple[set[int], set[int]] = set(), set()
    second = np.zeros(len(relation), dtype=bool)
    for k in order.tolist():
        ends = int(pairs.rows[k]), int(pairs.columns[k])
        second[k] = ends[0] in taken[0] or ends[1] in taken[1]
        if not second[k]:
            taken[0].add(ends[0])
            taken[1].add(ends[1])
    return second


def entailed(assessed: Assessed, settings: EvidenceSettings, curves: Mapping[str, Curve]) -> list[Proposal]:
    """Return the links that follow from a parent's: what lies below an equal or narrower one is narrower.

    Only for categories without a link of their own, and only on the side that is finer below the
    pairs that are equal. With 'auto' they are proposed where they are at least `FINER` of that
    side: then the other tree is the coarser edition, and each category wants a place in it. Where
    they are few they are the finer platform's own third level, which applying keeps anyway.
    """
    if not settings.many_to_one or settings.inherit == "never":
        return []
    candidates = assessed.candidates
    pairs, left, right = candidates.pairs, candidates.left, candidates.right
    equal = assessed.accepted & (assessed.relation == 0)
    finer = sum(len(left.children[i]) for i in pairs.rows[equal].tolist())
    coarser = sum(len(right.children[j]) for j in pairs.columns[equal].tolist())
    turned = coarser > finer
    inner, outer = (right, left) if turned else (left, right)
    own, other = (pairs.columns, pairs.rows) if turned else (pairs.rows, pairs.columns)
    linked = np.minimum(assessed.kinds.sum(axis=1), 1.0)
    below = assessed.accepted & (assessed.relation != (1 if turned else 2))
    links: dict[int, tuple[int, float]] = {}
    preferred = linked + ties(left.side, right.side, pairs)
    for k in np.nonzero(below)[0][np.argsort(preferred[below], kind="stable")].tolist():
        links[int(own[k])] = int(other[k]), float(linked[k])
    busy = {int(i) for i in own[assessed.accepted].tolist()}
    links_below = []
    kind = f"{GROUPS[FOLLOWS]} {'names' if np.isnan(candidates.features['support']).all() else 'titles'}"
    fewest = min(len(left.side), len(right.side))
    for i in sorted(range(len(inner.side)), key=lambda i: len(inner.side.entries[i].path)):
        above = int(inner.parent[i])
        if i in busy or above not in links:
            continue
        j, sure = links[i] = links[above][0], links[above][1] * ENTAILED
        said = float(probability(np.array(sure), curves[kind], fewest)) if kind in curves else sure
        if said >= settings.accept_inner:
            links_below.append(_entailed(inner.side, i, outer.side, j, said, turned))
    enough = settings.inherit == "always" or len(links_below) >= FINER * len(inner.side)
    return links_below if enough else []


def _entailed(inner: Side, i: int, outer: Side, j: int, probability: float, turned: bool) -> Proposal:
    one, other = (outer.entries[j], inner.entries[i]) if turned else (inner.entries[i], outer.entries[j])
    sides = (outer, inner) if turned else (inner, outer)
    parent = PATH_SEPARATOR.join(inner.entries[i].path[:-1])
    return Proposal(
        one.id, other.id, "broader" if turned else "narrower", probability, True,
        {"p_narrower": probability},
        f"lies below '{parent}', which is linked to '{outer.entries[j].label}'; no link of its own",
        one.label, other.label, sides[0].name, sides[1].name,
    )  # fmt: skip


#: probability that a category without a link of its own follows its linked parent
ENTAILED = 0.95
#: share of a side's categories that must be without a link of their own below linked ones
FINER = 0.25
#: feature -> how the words name it; those that are known are told, in this order
TOLD = {
    "ratio": "names", "segment": "best part of the names", "whole": "whole path", "parent": "parents",
    "children": "children", "siblings": "siblings", "content": "titles",
    "votes_l": "left titles nearest to right", "votes_r": "right titles nearest to left",
    "ocr": "text on images", "picture": "pictures", "above": "link of the parents",
    "inherit_l": "link of an ancestor", "filed_l": "left rows filed under right",
    "filed_r": "right rows filed under left", "at_home_l": "left rows at home there",
    "at_home_r": "right rows at home there", "named_l": "left name says it lies within right",
    "named_r": "right name says it lies within left",
}  # fmt: skip


def _numbers(assessed: Assessed, k: int) -> dict[str, float]:
    numbers = {f"p_{kind}": float(assessed.kinds[k, column]) for column, kind in enumerate(KINDS)}
    features = assessed.candidates.features
    return numbers | {
        name: float(features[name][k])
        for name in TOLD
        if name in features and not np.isnan(features[name][k])
    }


def _words(assessed: Assessed, k: int) -> str:
    """Return the evidence of one pair as a person reads it."""
    features = assessed.candidates.features
    told = [
        f"{words} {features[name][k]:.2f}"
        for name, words in TOLD.items()
        if name in features and not np.isnan(features[name][k])
    ]
    if features["same"][k] == 1:
        told.insert(0, "same name")
    rivals = features["margin_l"][k], features["margin_r"][k]
    if min(rivals) < 0:
        told.append("another category fits " + ("the left" if rivals[0] < 0 else "the right") + " one better")
    if k in assessed.rule:
        told.append(assessed.rule[k])
    return "; ".join(told)
