"""Train the weights of the evidence method: `python -m bench.alignment.train`.

Trains on the declared training split only (see `TRAIN_BRANCHES` and `VALID_TOPS`) and on the
simulator. What the second look learns from comes from models that have not seen the pair's group
(cross-fitting over groups), so that it knows how unsure the first look really is.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from bench.alignment.data import Case, contest_jd, one_to_one, shopify_google, simulated, walmart_amazon
from mep3m.settings.align import EvidenceSettings
from mep3m.stages.evidence import boosted
from mep3m.stages.evidence.boosted import Boosted, Weights
from mep3m.stages.evidence.features import KINDS, Evidence, Features, mirrored
from mep3m.stages.evidence.names import Tree, plain, trees
from mep3m.stages.evidence.structure import FirstLook, Pairs, inherited, structure

#: Shopify's branches that are trained on; the others given (bi, sg, vp, gc, me) are for validation
TRAIN_BRANCHES = ("ae", "ap", "co", "hg", "ma", "tg")
#: the contest's first levels that are kept for validation (296 of its 1,074 pairs)
VALID_TOPS = (
    "母婴用品/玩具乐器", "运动户外", "手机数码", "珠宝饰品", "医药保健", "宠物生活", "钟表礼品",
)  # fmt: skip
#: simulated worlds that are trained on: seed -> products, from one or two titles a category to hundreds
WORLDS = {
    100: 4000, 101: 400, 102: 12_000, 103: 800, 104: 4000, 105: 250, 106: 1600, 107: 12_000,
    108: 6000, 109: 500, 110: 300, 111: 2400,
}  # fmt: skip
#: Walmart's categories whose name hashes below this share are trained on
TRAIN_SHARE = 0.6
FOLDS = 3
#: share of the unlinked pairs that is learned from, each with its weight divided by it
NEGATIVES = 0.12
FIRST = [name for kind, names in KINDS.items() if kind != "structure" for name in names]
EVERY = [*FIRST, *KINDS["structure"]]


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
    evidence: Evidence
    later: Pairs | None = None
    second: Features = field(default_factory=dict)

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
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
        return found, np.where(unknown[self.pairs.rows], 0.0, self.weight)


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
    found = {}
    for right, lefts in by_right.items():
        lefts.sort(key=lambda key: (len(case.left[key].path), key))
        found |= {(left, right): "narrower" if k else "exact" for k, left in enumerate(lefts)}
    return found


def task(group: str, case: Case, weight: float = 1.0) -> Task:
    left, right = trees(case.left, case.right)
    evidence = Evidence(left, right, EvidenceSettings())
    pairs = Pairs(*evidence.candidates(), len(case.right))
    print(f"{group:12s} {case.name}: {len(pairs):,} pairs", file=sys.stderr, flush=True)
    return Task(
        group, case, weight, left, right, pairs, evidence.features(pairs.rows, pairs.columns), evidence
    )


def tasks() -> list[Task]:
    """Return the training tasks: real ones with names, the simulator's with products and without."""
    found = []
    for language in ("zh", "en", "both"):
        case = shopify_google(language)
        for branch in ("hg", "ae", "rest"):
            part = train_part(case).part(branch, lambda e, b=branch: _branch(e.id) == b)
            if language != "both":
                found.append(task(f"shopify-{branch}", part, 0.5))
            found.append(task(f"shopify-{branch}", one_to_one(part), 0.5 if language == "en" else 1.0))
    contest = unlinked_twins(train_part(contest_jd()))
    tops = sorted({entry.path[0] for entry in contest.left})
    for fold in range(FOLDS):
        part = contest.part(str(fold), lambda e, f=fold: tops.index(e.path[0]) % FOLDS == f)
        found += [task(f"contest-{fold}", part, 2.0), task(f"contest-{fold}", part.closed(), 2.0)]
    for fold in range(FOLDS):
        part = train_part(walmart_amazon()).part(
            str(fold), lambda e, f=fold: int(hashed(e.id) / TRAIN_SHARE * FOLDS) == f
        )
        found.append(task(f"walmart-{fold}", part, 1.0))
    for seed, products in WORLDS.items():
        for case in simulated(seed, products):
            stocked = case.stocked() if products < 4000 or seed % 2 else case
            found.append(task(f"sim-{seed % 3}", case if seed % 4 == 0 else stocked.without_english(), 1.5))
            if seed % 4 == 1:
                found.append(task(f"sim-{seed % 3}", case.without_english().names_only(), 0.3))
    return found


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


#: what can only speak for two categories being the same, and what can only speak against it
FOR = (
    "same", "ratio", "leaf", "cover_l", "cover_r", "segment", "segments_l", "segments_r", "head", "head2",
    "path", "whole", "script", "parent", "root", "children", "siblings", "content", "votes_l", "votes_r",
    "near_l", "near_r", "reach_l", "reach_r", "sold_l", "sold_r", "sold", "ocr", "picture", "first", "above",
    "below", "margin_l", "margin_r", "assigned", "scripted", "group_l", "group_r", "share_l", "share_r",
    "group_by_script_l", "group_by_script_r", "share_by_script_l", "share_by_script_r",
    "script_margin_l", "script_margin_r",
)  # fmt: skip
AGAINST = ("length", "size", "rank_l", "rank_r", "script_rank_l", "script_rank_r", "twins_l", "twins_r")


def fit(
    table: Features, names: list[str], y: np.ndarray, weight: np.ndarray, seed: int, ordered: bool
) -> Boosted:
    """Fit trees on the pairs with a weight, calibrated on themselves only by their own log loss.

    `ordered`: more of what speaks `FOR` equality never lowers the score, more of `AGAINST` never
    raises it, so that the trees hold on catalogues that are unlike those they learned from.
    """
    used = (weight > 0) & ((y == 1) | (np.random.default_rng(seed).random(len(y)) < NEGATIVES))
    weight = np.where(y == 1, weight, weight / NEGATIVES)
    names = [name for name in names if not np.isnan(table[name][used]).all()]
    X = np.stack([table[name][used] for name in names], axis=1)
    model = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.12, max_leaf_nodes=12, min_samples_leaf=40, l2_regularization=5.0,
        max_features=0.5, random_state=seed,
        monotonic_cst=[(name in FOR) - (name in AGAINST) if ordered else 0 for name in names],
    )  # fmt: skip
    model.fit(X, y[used], sample_weight=weight[used])
    grown = []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        grown.append(
            {
                "feature": np.where(nodes["is_leaf"], -1, nodes["feature_idx"]).astype(np.int32),
                "threshold": np.round(np.where(nodes["is_leaf"], 0, nodes["num_threshold"]), 6),
                "left": nodes["left"].astype(np.int32),
                "right": nodes["right"].astype(np.int32),
                "missing": nodes["missing_go_to_left"].astype(np.int32),
                "value": np.round(nodes["value"], 6),
            }
        )
    return Boosted(tuple(names), float(model._baseline_prediction.item()), tuple(grown))


def stacked(tables: list[Features]) -> Features:
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def heads(
    tables: list[Features], labels: list[tuple[np.ndarray, np.ndarray]], names: list[str], seed: int
) -> tuple[Boosted, Boosted]:
    """Fit the exact head and the narrower head (which also sees every pair turned around)."""
    table = stacked(tables)
    y, weight = (np.concatenate(parts) for parts in zip(*labels, strict=True))
    exact = fit(table, names, (y == 1).astype(int), weight, seed, True)
    turned = mirrored(table)
    both = {name: np.concatenate([table[name], turned[name]]) for name in names}
    narrower = fit(both, names, np.r_[y == 2, y == 3].astype(int), np.r_[weight, weight], seed + 1, False)
    return exact, narrower


def look(features: Features, exact: Boosted, narrower: Boosted) -> FirstLook:
    return FirstLook(
        exact.probability(features), narrower.probability(features), narrower.probability(mirrored(features))
    )


def folds(found: list[Task], seed: int) -> dict[str, int]:
    groups = sorted({one.group for one in found})
    order = np.random.default_rng(seed).permutation(len(groups))
    return {group: int(k) % FOLDS for group, k in zip(groups, order, strict=True)}


def second_tables(found: list[Task], seed: int) -> None:
    """Give every task the pairs and features of the second look, by models that have not seen its group."""
    fold_of = folds(found, seed)
    for fold in range(FOLDS):
        rest = [one for one in found if fold_of[one.group] != fold]
        exact, narrower = heads([one.features for one in rest], [one.labels() for one in rest], FIRST, seed)
        for one in found:
            if fold_of[one.group] == fold:
                first = look(one.features, exact, narrower)
                more = inherited(one.left, one.right, one.pairs, first.exact)
                one.later = Pairs(
                    np.r_[one.pairs.rows, more[0]], np.r_[one.pairs.columns, more[1]], len(one.case.right)
                )
                features = one.evidence.features(one.later.rows, one.later.columns)
                first = look(features, exact, narrower)
                one.second = features | structure(one.left, one.right, one.later, first, features["script"])


def calibrated(model: Boosted, table: Features, y: np.ndarray, weight: np.ndarray) -> Boosted:
    """Return the model with Platt's scale and shift, fitted on pairs that it has not seen."""
    odds = model.raw(table).reshape(-1, 1)
    platt = LogisticRegression(C=1e6).fit(odds, y, sample_weight=weight)
    return Boosted(
        model.features, model.start, model.trees, float(platt.coef_.item()), float(platt.intercept_.item())
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(boosted.__file__).parent / boosted.WEIGHTS)
    parser.add_argument("--without", default="", help="kinds of evidence to hide, joined by commas")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = tasks()
    hidden = {name for kind in options.without.split(",") if kind for name in KINDS[kind]}
    for one in found:
        one.features = {k: np.full_like(v, np.nan) if k in hidden else v for k, v in one.features.items()}
    options.out.write_bytes(train(found, options.seed).to_json())
    print(f"{options.out}: {options.out.stat().st_size:,} bytes", file=sys.stderr)


def train(found: list[Task], seed: int) -> Weights:
    """Return the weights learned from the tasks."""
    first = heads([one.features for one in found], [one.labels() for one in found], FIRST, seed)
    second_tables(found, seed)
    for one in found:
        one.pairs = one.later
    tables, labels = [one.second for one in found], [one.labels() for one in found]
    exact, narrower = heads(tables, labels, EVERY, seed)
    return Weights(first[0], first[1], exact, narrower)


if __name__ == "__main__":
    main()
