"""What the weights of the evidence method are trained on: the split of the real sets, and the worlds."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bench.alignment.data import Case, contest_jd, one_to_one, shopify_google, simulated, walmart_amazon
from bench.alignment.splits import few, split_shops
from mep3m.alignment.learned.features import Features, PairEvidence
from mep3m.alignment.learned.structure import Pairs
from mep3m.alignment.names.compare import Tree, plain, trees
from mep3m.alignment.records import Entry
from mep3m.settings.align import EvidenceSettings

#: Shopify's branches that are trained on; the others given (bi, sg, vp, gc, me) are for validation
TRAIN_BRANCHES = ("ae", "ap", "co", "hg", "ma", "tg")
#: the contest's first levels that are kept for validation (296 of its 1,074 pairs)
VALID_TOPS = (
    "母婴用品/玩具乐器", "运动户外", "手机数码", "珠宝饰品", "医药保健", "宠物生活", "钟表礼品",
)  # fmt: skip
#: simulated worlds that are trained on: seed -> products, from one or two titles a category to hundreds
WORLDS = {
    100: 4000, 101: 400, 102: 12_000, 103: 800, 104: 4000, 105: 250, 106: 1600, 108: 6000,
    109: 500, 110: 300, 111: 2400, 112: 350, 113: 700, 114: 450, 115: 1000, 116: 300, 117: 600,
}  # fmt: skip
#: the worlds whose products have pictures
PICTURED = (101, 103, 105, 106, 110, 113, 115)
#: Walmart's categories whose name hashes below this share are trained on
TRAIN_SHARE = 0.6
#: unlinked pairs that are learned from, a linked one: those that something speaks for, and the others
NEAR_MISSES, STRANGERS = 5, 2
#: links that a task counts for in this, if it has fewer
FEWEST = 40
#: what speaks for a pair, and from where on
SUSPECT = {"leaf": 0.3, "kind_l": 0.5, "kind_r": 0.5, "script": 0.2, "content": 0.2, "near_l": 0.05,
           "near_r": 0.05, "first": 0.005, "within_l": 0.005, "within_r": 0.005}  # fmt: skip
#: parts that the tasks are cut into for out-of-fold scores; a group's name ends in its part
FOLDS = 3


def in_train(name: str) -> bool:
    """Return whether a Walmart category belongs to the training split."""
    return hashed(name) < TRAIN_SHARE


def hashed(name: str) -> float:
    """Return a number in [0, 1) that depends on the name alone."""
    return sum(map(ord, name)) * 2654435761 % 2**32 / 2**32


def train_part(case: Case, train: bool = True) -> Case:
    """Return the training (or the validation) part of a case, by its left categories."""
    if case.left.name == "shopify":
        return case.part(
            "train" if train else "valid", lambda e: (e.id.split("-")[0] in TRAIN_BRANCHES) == train
        )
    if case.left.name == "contest":
        return case.part("train" if train else "valid", lambda e: (e.path[0] not in VALID_TOPS) == train)
    return case.part("train" if train else "valid", lambda e: in_train(e.path[0]) == train)


@dataclass
class Task:
    """One case of the training set with its pairs, features and labels."""

    group: str
    case: Case
    weight: float
    left: Tree
    right: Tree
    pairs: Pairs
    features: Features
    evidence: PairEvidence | None

    @property
    def fold(self) -> int:
        """The number that the group's name ends in."""
        return int(self.group.rsplit("-", 1)[1])

    def labels(self, thinned: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Return (relation of each pair: 0 none, 1 exact, 2 narrower, 3 broader; its weight)."""
        codes = {"exact": 1, "narrower": 2, "broader": 3}
        places = [{entry.id: i for i, entry in enumerate(side)} for side in (self.case.left, self.case.right)]
        found = np.zeros(len(self.pairs), dtype=np.int64)
        for (left, right), kind in relations(self.case).items():
            if left not in places[0] or right not in places[1]:
                continue
            place = self.pairs.find(np.array([places[0][left]]), np.array([places[1][right]]))[0]
            if place >= 0:
                found[place] = codes[kind]
        unknown = np.array([entry.id in self.case.unknown for entry in self.case.left])
        counts = self._thinned(found == 0) if thinned else np.ones(len(found))
        return found, np.where(unknown[self.pairs.rows], 0.0, self.weight * counts)

    def _thinned(self, unlinked: np.ndarray) -> np.ndarray:
        """Return how often each pair counts: unlinked ones are drawn, and count for those left out."""
        suspect = np.any(
            [np.nan_to_num(self.features[k]) > least for k, least in SUSPECT.items() if k in self.features],
            axis=0,
        )
        counts = np.ones(len(unlinked))
        drawn = np.random.default_rng(len(unlinked)).random(len(unlinked))
        for part, times in ((unlinked & suspect, NEAR_MISSES), (unlinked & ~suspect, STRANGERS)):
            share = min(1.0, times * max((~unlinked).sum(), FEWEST) / max(part.sum(), 1))
            counts[part] = np.where(drawn[part] < share, 1 / share, 0.0)
        return counts


def relations(case: Case) -> dict[tuple[str, str], str]:
    """Return each gold pair's relation; where the gold has none, the shallowest left is the equal one."""
    if case.relations:
        return dict(case.relations)
    by_right: dict[str, list[str]] = defaultdict(list)
    for left, right in case.gold:
        if left in case.left and right in case.right:
            by_right[right].append(left)
    if case.left.name == "contest":
        return dict.fromkeys(case.gold, "exact")
    found: dict[tuple[str, str], str] = {}
    for right, lefts in by_right.items():
        lefts.sort(key=lambda key: (len(case.left[key].path), key))
        found |= {(left, right): "narrower" if k else "exact" for k, left in enumerate(lefts)}
    return found


def task(group: str, case: Case, weight: float = 1.0) -> Task:
    left, right = trees(case.left, case.right)
    evidence = PairEvidence(left, right, EvidenceSettings())
    pairs = Pairs(*evidence.candidates(), len(case.right))
    print(f"{group:12s} {case.name}: {len(pairs):,} pairs", file=sys.stderr, flush=True)
    return Task(
        group, case, weight, left, right, pairs, evidence.features(pairs.rows, pairs.columns), evidence
    )


def _of_branch(branch: str, entry: Entry) -> bool:
    return _branch(entry.id) == branch


def _of_top(tops: Sequence[str], entry: Entry) -> bool:
    return entry.path[0] in tops


def _of_fold(fold: int, entry: Entry) -> bool:
    return int(hashed(entry.id) / TRAIN_SHARE * FOLDS) == fold


def training_cases() -> Iterator[tuple[str, Case, float]]:
    """Yield (group, case, weight) of the training tasks: real names, and simulated shops with and without."""
    for language in ("zh", "en", "both", "zh-en"):
        case = shopify_google(language)
        for fold, branch in enumerate(("hg", "ae", "rest")):
            part = train_part(case).part(branch, partial(_of_branch, branch))
            if language in ("zh", "en") or (language == "zh-en" and branch == "rest"):
                yield f"shopify-{fold}", part, 0.5
            yield f"shopify-{fold}", one_to_one(part), 0.5 if language in ("en", "zh-en") else 1.0
    contest = unlinked_twins(train_part(contest_jd()))
    tops = sorted({entry.path[0] for entry in contest.left})
    for fold in range(FOLDS):
        part = contest.part(str(fold), partial(_of_top, tops[fold::FOLDS]))
        yield f"contest-{fold}", part, 2.0
        yield f"contest-{fold}", part.closed(), 2.0
    for fold in range(FOLDS):
        part = train_part(walmart_amazon()).part(str(fold), partial(_of_fold, fold))
        yield f"walmart-{fold}", part, 2.0
        yield f"walmart-{fold}", few(part, fold), 1.0
    for seed, products in WORLDS.items():
        for n, case in enumerate(simulated(seed, products, pictures=seed in PICTURED)):
            stocked = case.stocked() if products < 4000 or seed % 2 else case
            yield f"sim-{seed % 3}", case if seed % 4 == 0 else stocked.without_english(), 1.5
            if seed % 4 == 1:
                yield f"sim-{seed % 3}", case.without_english().names_only(), 0.3
            if n == 0:
                yield f"sim-{seed % 3}", few(case.stocked().without_english(), seed), 1.0
    for k, case in enumerate(split_shops()):
        yield f"titles-{k % FOLDS}", case, 1.5
        if case.gold:
            yield from ((f"titles-{k % FOLDS}", few(case, draw), 1.0) for draw in (k, k + 2))


def unlinked_twins(case: Case) -> Case:
    """Return the case where a left category without gold is unknown if the right has its very names.

    48 of the contest's 184 classes without a link have the same two last names in JD's tree under
    another id: equal in truth, unlinked by hand.
    """
    linked = {pair[0] for pair in case.gold}
    names = {tuple(plain(name) for name in entry.path[-2:]) for entry in case.right}
    twins = {e.id for e in case.left if e.id not in linked and tuple(map(plain, e.path[-2:])) in names}
    return replace(case, unknown=case.unknown | twins)


def _branch(key: str) -> str:
    branch = key.split("-")[0]
    return branch if branch in ("hg", "ae") else "rest"
