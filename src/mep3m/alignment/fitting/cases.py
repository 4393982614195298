"""What weights are fitted on: two category trees whose links are known, and their candidate pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mep3m.alignment.learned.features import Features, PairEvidence
from mep3m.alignment.learned.structure import Pairs
from mep3m.alignment.names.compare import Tree, trees
from mep3m.alignment.records import Relation, Side
from mep3m.settings.align import EvidenceSettings

#: relation -> its code in the labels of pairs; 0 is no link
CODES: dict[Relation, int] = {"exact": 1, "narrower": 2, "broader": 3}
#: unlinked pairs that are learned from, a linked one: those that something speaks for, and the others
NEAR_MISSES, OTHERS = 5, 2
#: links that a case counts for in this, if it has fewer
FEWEST = 40
#: what speaks for a pair, and from where on
SUSPECT = {"leaf": 0.3, "kind_l": 0.5, "kind_r": 0.5, "script": 0.2, "content": 0.2, "near_l": 0.05,
           "near_r": 0.05, "first": 0.005, "within_l": 0.005, "within_r": 0.005}  # fmt: skip


@dataclass(frozen=True)
class LabelledCase:
    """Two trees and every link between them.

    `links` maps (left id, right id) to the left one's relation. `unknown` are left categories whose links
    nobody knows: their pairs are not learned from. `fold` says which cases belong together: nothing
    is calibrated on a fold that its heads have seen. `family` names the kind of data; in the calibration
    every family counts alike. `only_equal` says that the links leave out what lies within another.
    """

    name: str
    left: Side
    right: Side
    links: Mapping[tuple[str, str], Relation]
    fold: int
    weight: float = 1.0
    family: str = ""
    unknown: frozenset[str] = field(default_factory=frozenset)
    only_equal: bool = False


@dataclass(frozen=True)
class CasePairs:
    """A case with its candidate pairs and their features, each (pairs,).

    `evidence` adds pairs in the second pass and is let go there.
    """

    case: LabelledCase
    left: Tree
    right: Tree
    pairs: Pairs
    features: Features
    evidence: PairEvidence | None

    def labels(self, thinned: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Return (code of each pair's relation, 0 where it has none; the pair's weight), each (pairs,).

        `thinned` draws the unlinked pairs: one that is drawn counts for those that are left out.
        """
        case = self.case
        places = [{entry.id: i for i, entry in enumerate(side)} for side in (case.left, case.right)]
        codes = np.zeros(len(self.pairs), dtype=np.int64)
        for (left, right), relation in case.links.items():
            if left not in places[0] or right not in places[1]:
                continue
            place = self.pairs.find(np.array([places[0][left]]), np.array([places[1][right]]))[0]
            if place >= 0:
                codes[place] = CODES[relation]
        unknown = np.array([entry.id in case.unknown for entry in case.left])
        counts = self._thinned(codes == 0) if thinned else np.ones(len(codes))
        return codes, np.where(unknown[self.pairs.rows], 0.0, case.weight * counts)

    def _thinned(self, unlinked: np.ndarray) -> np.ndarray:
        """Return how often each pair (pairs,) counts."""
        suspect = np.any(
            [np.nan_to_num(self.features[k]) > least for k, least in SUSPECT.items() if k in self.features],
            axis=0,
        )
        counts = np.ones(len(unlinked))
        drawn = np.random.default_rng(len(unlinked)).random(len(unlinked))
        for part, times in ((unlinked & suspect, NEAR_MISSES), (unlinked & ~suspect, OTHERS)):
            share = min(1.0, times * max((~unlinked).sum(), FEWEST) / max(part.sum(), 1))
            counts[part] = np.where(drawn[part] < share, 1 / share, 0.0)
        return counts


def pairs_of(case: LabelledCase) -> CasePairs:
    """Return the case with the pairs and features of the first pass."""
    left, right = trees(case.left, case.right)
    evidence = PairEvidence(left, right, EvidenceSettings())
    pairs = Pairs(*evidence.candidates(), len(case.right))
    features = evidence.features(pairs.rows, pairs.columns)
    return CasePairs(case, left, right, pairs, features, evidence)
