"""Train the weights of the evidence method: `python -m bench.alignment.train`.

Trains on the declared training split only (`bench/alignment/tasks.py`) and on the simulator. What
the second look learns from comes from models that have not seen the pair's group (cross-fitting),
so that it knows how unsure the first look really is; its probabilities are calibrated the same way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from bench.alignment.tasks import FOLDS, Task, tasks
from mep3m.stages.evidence import boosted
from mep3m.stages.evidence.boosted import Boosted, Weights
from mep3m.stages.evidence.features import KINDS, Features, mirrored
from mep3m.stages.evidence.structure import FirstLook, Pairs, inherited, structure

FIRST = [name for kind, names in KINDS.items() if kind != "structure" for name in names]
EVERY = [*FIRST, *KINDS["structure"]]


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


#: the same for the left category lying within the right one
WITHIN = (
    "path", "parent", "root", "content", "votes_l", "near_l", "reach_l", "sold_l", "sold", "ocr", "picture",
    "within_l", "above", "inmargin_l", "group_l", "group_r", "share_l", "share_r",
    "group_by_script_l", "group_by_script_r", "share_by_script_l", "share_by_script_r",
)  # fmt: skip
NOT_WITHIN = ("inrank_l",)


def fit(
    table: Features,
    names: list[str],
    y: np.ndarray,
    weight: np.ndarray,
    seed: int,
    rising: Sequence[str],
    falling: Sequence[str],
) -> Boosted:
    """Fit trees on the pairs with a weight, calibrated on themselves only by their own log loss.

    More of what is `rising` never lowers the score, more of what is `falling` never raises it, so that
    the trees hold on catalogues that are unlike those they learned from.
    """
    used = weight > 0
    names = [name for name in names if not np.isnan(table[name][used]).all()]
    X = np.stack([table[name][used] for name in names], axis=1)
    model = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.12, max_leaf_nodes=12, min_samples_leaf=40, l2_regularization=5.0,
        max_features=0.5, random_state=seed,
        monotonic_cst=[(name in rising) - (name in falling) for name in names],
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
    """Fit the exact head and the narrower head; both see every pair turned around, too."""
    table = stacked(tables)
    y, weight = (np.concatenate(parts) for parts in zip(*labels, strict=True))
    turned = mirrored(table)
    both = {name: np.concatenate([table[name], turned[name]]) for name in names}
    equal = np.r_[y == 1, y == 1].astype(int)
    exact = fit(both, names, equal, np.r_[weight, weight], seed, FOR, AGAINST)
    within = np.r_[y == 2, y == 3].astype(int)
    narrower = fit(both, names, within, np.r_[weight, weight], seed + 1, WITHIN, NOT_WITHIN)
    return exact, narrower


def look(features: Features, exact: Boosted, narrower: Boosted) -> FirstLook:
    back = mirrored(features)
    return FirstLook(
        exact.probability(features, back), narrower.probability(features), narrower.probability(back)
    )


def fold_of(one: Task) -> int:
    """Return the fold of a task: the number that its group's name ends in."""
    return int(one.group.rsplit("-", 1)[1])


def second_tables(found: list[Task], seed: int) -> None:
    """Give every task the pairs and features of the second look, by models that have not seen its fold."""
    made: dict[int, tuple[Pairs, Features]] = {}
    for fold in range(FOLDS):
        rest = [one for one in found if fold_of(one) != fold]
        exact, narrower = heads([one.features for one in rest], [one.labels() for one in rest], FIRST, seed)
        for k, one in enumerate(found):
            if fold_of(one) == fold:
                made[k] = second_table(one, exact, narrower)
    for k, one in enumerate(found):
        one.pairs, one.features = made[k]


def second_table(one: Task, exact: Boosted, narrower: Boosted) -> tuple[Pairs, Features]:
    """Return the pairs and features of a task's second look, by these heads of the first."""
    first = look(one.features, exact, narrower)
    more = inherited(one.left, one.right, one.pairs, first.exact)
    pairs = Pairs(np.r_[one.pairs.rows, more[0]], np.r_[one.pairs.columns, more[1]], len(one.case.right))
    features = one.evidence.features(pairs.rows, pairs.columns)
    first = look(features, exact, narrower)
    return pairs, features | structure(one.left, one.right, pairs, first, features["script"])


def unseen_odds(found: list[Task], seed: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return each task's log odds (equal, narrower, broader) by models that have not seen its fold."""
    odds: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    for fold in range(FOLDS):
        rest = [one for one in found if fold_of(one) != fold]
        exact, narrower = heads([one.features for one in rest], [one.labels() for one in rest], EVERY, seed)
        for k, one in enumerate(found):
            if fold_of(one) == fold:
                back = mirrored(one.features)
                equal = (exact.raw(one.features) + exact.raw(back)) / 2
                odds[k] = equal, narrower.raw(one.features), narrower.raw(back)
    return [odds[k] for k in range(len(found))]


def calibrated(model: Boosted, odds: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Boosted:
    """Return the model with Platt's scale and shift, fitted on log odds of pairs that were not seen."""
    platt = LogisticRegression(C=1e6).fit(odds.reshape(-1, 1), y, sample_weight=weight)
    return replace(model, scale=float(platt.coef_.item()), shift=float(platt.intercept_.item()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(boosted.__file__).parent / boosted.WEIGHTS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.write_bytes(train(tasks(), options.seed).to_json())
    print(f"{options.out}: {options.out.stat().st_size:,} bytes", file=sys.stderr)


def train(found: list[Task], seed: int) -> Weights:
    """Return the weights learned from the tasks, their probabilities calibrated on unseen folds."""
    first = heads([one.features for one in found], [one.labels() for one in found], FIRST, seed)
    second_tables(found, seed)
    tables, labels = [one.features for one in found], [one.labels() for one in found]
    exact, narrower = heads(tables, labels, EVERY, seed)
    equal, within, back = (np.concatenate(of) for of in zip(*unseen_odds(found, seed), strict=True))
    y, weight = (np.concatenate(of) for of in zip(*labels, strict=True))
    return Weights(
        first[0],
        first[1],
        calibrated(exact, equal, y == 1, weight),
        calibrated(narrower, np.r_[within, back], np.r_[y == 2, y == 3], np.r_[weight, weight]),
    )


if __name__ == "__main__":
    main()
