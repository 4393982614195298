"""The paper's rule (section 3.2): S_label ≥ 0.50 AND S_content > the mean of identically named pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from scipy import sparse

from mep3m.alignment.connected import connected_sets
from mep3m.alignment.paper.links import LINK, Content, Links, PaperLinks, best_links, predicted_links
from mep3m.alignment.paper.shared_names import BLOCK_PAIRS, DistinctNames, category_pairs, nearest
from mep3m.alignment.records import Entry, Proposal, Side
from mep3m.alignment.similarity import Floats, Ints, content_pairs, content_vectors, name_pairs
from mep3m.settings.align import AlignSettings, PaperSettings

#: equation 3; used where no pair of identical names with titles exists to calibrate on
PUBLISHED_CONTENT_THRESHOLD = 0.75
#: where more categories than this bear one name on both sides, or two similar names (其他, 其它),
#: each is paired with so many of the nearest: 20,000 categories called 'other' on both sides are 400
#: million pairs
NAMESAKES_KEPT = 20

#: (platform, its first-level name) -> the common first-level class
FirstLevels = Mapping[tuple[str, str], str]
Vectors = tuple[sparse.csr_matrix, sparse.csr_matrix]


def propose_paper(
    sides: Sequence[Side], settings: AlignSettings, first_levels: FirstLevels | None = None
) -> Sequence[Proposal]:
    """Return the pairs with S_label ≥ the threshold, accepted where equation 3 or the identity rule holds.

    Every pair of platforms is compared; the content threshold is calibrated once, on all of them.
    Where no category has titles, S_content cannot be computed and S_label decides alone (the words
    of each proposal say so). `probability` is (S_label + S_content)/2: a rank, not calibrated.
    Memory grows with the pairs that are returned (`PaperLinks`), not with those that are compared.
    """
    starts = np.cumsum([0, *(len(side) for side in sides)])
    vectors = content_vectors([entry.titles for side in sides for entry in side], settings.paper.content)
    of = [vectors[start:end] for start, end in pairwise(starts)]
    pairings = []
    for a, b in combinations(range(len(sides)), 2):
        classes = _classes(
            sides[a], sides[b], first_level_classes(sides[a], sides[b], settings, first_levels)
        )
        pairings.append(_Pairing(sides[a], sides[b], classes, (of[a], of[b]) if vectors.nnz else None))
    content = _content(settings.paper, pairings) if vectors.nnz else None
    return PaperLinks(
        [(one.left, one.right, one.links(settings.paper, content)) for one in pairings], content
    )


@dataclass(frozen=True)
class _Pairing:
    """Two platforms: the categories of each first-level class on both sides, and their vectors."""

    left: Side
    right: Side
    classes: list[tuple[DistinctNames, DistinctNames]]
    vectors: Vectors | None

    def links(self, settings: PaperSettings, content: Content | None) -> Links:
        """Return the accepted pairs and each left category's best refused ones."""
        kept = np.empty(0, LINK)
        waiting, count = [], 0
        for rows, columns, labels in self._compared(settings.label_threshold):
            waiting.append(
                predicted_links(rows, columns, labels, self._contents(rows, columns), settings, content)
            )
            count += len(rows)
            if count > max(len(kept), BLOCK_PAIRS):
                kept = best_links(np.concatenate([kept, *waiting]))
                waiting, count = [], 0
        return best_links(np.concatenate([kept, *waiting]))

    def identical(self) -> Floats:
        """Return S_content of the pairs of one name where both have titles; names of too many are left out.

        Two categories whose titles share no word count with their 0.
        """
        parts = []
        for left, right in self.classes:
            theirs = {name: number for number, name in enumerate(right.distinct)}
            both = [(n, theirs[name]) for n, name in enumerate(left.distinct) if name in theirs]
            rows, columns = np.array(both, np.int64).reshape(-1, 2).T
            few = np.minimum(left.counts[rows], right.counts[columns]) <= NAMESAKES_KEPT
            parts += [pairs[1:] for pairs in category_pairs(left, right, rows[few], columns[few])]
        rows, columns = np.concatenate([np.empty((2, 0), np.int64), *map(np.stack, parts)], axis=1)
        order = np.lexsort((columns, rows))
        rows, columns = rows[order], columns[order]
        if self.vectors is None:
            return np.empty(0)
        said = [np.diff(of.indptr) > 0 for of in self.vectors]
        both_have = said[0][rows] & said[1][columns]
        return self._contents(rows[both_have], columns[both_have])

    def _compared(self, threshold: float) -> Iterator[tuple[Ints, Ints, Floats]]:
        """Yield (left place, right place, S_label) of the pairs that the rule may look at."""
        for left, right in self.classes:
            for named in name_pairs(left.distinct, right.distinct, threshold):
                yield from self._borne(left, right, *named)

    def _borne(
        self, left: DistinctNames, right: DistinctNames, rows: Ints, columns: Ints, labels: Floats
    ) -> Iterator[tuple[Ints, Ints, Floats]]:
        """Yield the pairs of categories that bear the names rows[k] and columns[k]."""
        many = np.minimum(left.counts[rows], right.counts[columns]) > NAMESAKES_KEPT
        for k, one, other in category_pairs(left, right, rows[~many], columns[~many]):
            yield one, other, labels[~many][k]
        for n in np.flatnonzero(many).tolist():
            ends = left.members(int(rows[n])), right.members(int(columns[n]))
            one, other = nearest(*ends, self.vectors, NAMESAKES_KEPT)
            yield one, other, np.full(len(one), labels[n])

    def _contents(self, rows: Ints, columns: Ints) -> Floats:
        if self.vectors is None:
            return np.zeros(len(rows))
        return content_pairs(*self.vectors, rows, columns)


def _content(settings: PaperSettings, pairings: Sequence[_Pairing]) -> Content:
    """Return the threshold of S_content and where it comes from."""
    if settings.content_threshold is not None:
        return settings.content_threshold, "set by hand"
    identical = np.concatenate([pairing.identical() for pairing in pairings])
    if len(identical) == 0:
        return PUBLISHED_CONTENT_THRESHOLD, "the published one: no identical names to calibrate on"
    return float(identical.mean()), f"mean of {len(identical)} identically named pairs"


def _classes(
    left: Side, right: Side, classes: tuple[list[str], list[str]] | None
) -> list[tuple[DistinctNames, DistinctNames]]:
    """Return the names of both sides, one pair for every first-level class that both have."""
    names = [[entry.name for entry in side] for side in (left, right)]
    if classes is None:
        return [(DistinctNames.of(names[0]), DistinctNames.of(names[1]))]
    places: list[dict[str, list[int]]] = [{}, {}]
    for of, known in zip(classes, places, strict=True):
        for place, name in enumerate(of):
            known.setdefault(name, []).append(place)
    return [
        (DistinctNames.of(names[0], np.array(ours)), DistinctNames.of(names[1], np.array(places[1][name])))
        for name, ours in places[0].items()
        if name in places[1]
    ]


def first_level_classes(
    left: Side, right: Side, settings: AlignSettings, first_levels: FirstLevels | None = None
) -> tuple[list[str], list[str]] | None:
    """Return the first-level class of each entry of both sides, or `None` where they cannot be compared.

    A class is the entry's own `first_level`, else the map's word for the first name of its path,
    else that name. With the setting 'auto' the classes count when a map or own classes are given,
    or when at least half of the first-level names of the side with fewer of them are equal.
    """
    if settings.within_first_level == "never":
        return None
    classes = [
        [_first_level(side.name, entry, first_levels or {}) for entry in side] for side in (left, right)
    ]
    given = first_levels or any(entry.first_level for side in (left, right) for entry in side)
    ours, theirs = set(classes[0]), set(classes[1])
    agree = 2 * len(ours & theirs) >= min(len(ours), len(theirs))
    deep = all(any(len(entry.path) > 1 for entry in side) for side in (left, right))
    if settings.within_first_level == "always" or given or (agree and deep):
        return classes[0], classes[1]
    return None


def _first_level(source: str, entry: Entry, first_levels: FirstLevels) -> str:
    return entry.first_level or first_levels.get((source, entry.path[0]), entry.path[0])


def groups(proposals: Sequence[Proposal]) -> list[tuple[tuple[str, str], ...]]:
    """Return the merges that the accepted exact proposals make, as sorted groups of (platform, id)."""
    merged = [
        ((one.left_source, one.left_id), (one.right_source, one.right_id))
        for one in proposals
        if one.accept and one.relation == "exact"
    ]
    return connected_sets((), merged)
