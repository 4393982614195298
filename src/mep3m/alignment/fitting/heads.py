"""Growing the trees: one head for equal, one for narrower, with order constraints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from mep3m.alignment.learned.boosted import Boosted
from mep3m.alignment.learned.features import KINDS, Features, mirrored

#: labels and weights of pairs, each (pairs,)
Labels = tuple[np.ndarray, np.ndarray]
#: the exact head and the narrower head
Heads = tuple[Boosted, Boosted]

#: features of the first pass, and of the second
FIRST = [name for kind, names in KINDS.items() if kind != "structure" for name in names]
EVERY = [*FIRST, *KINDS["structure"]]

#: what can only speak for two categories being the same, and what can only speak against it
FOR = (
    "same", "ratio", "leaf", "cover_l", "cover_r", "segment", "segments_l", "segments_r", "head", "head2",
    "concept", "concept_path", "concept_whole", "means_l", "means_r", "means_head",
    "path", "whole", "script", "parent", "root", "children", "siblings", "content", "votes_l", "votes_r",
    "near_l", "near_r", "reach_l", "reach_r", "sold_l", "sold_r", "sold", "ocr", "picture", "first", "above",
    "said_l", "said_r", "says_l", "says_r",
    "below", "margin_l", "margin_r", "assigned", "scripted", "group_l", "group_r", "share_l", "share_r",
    "group_by_script_l", "group_by_script_r", "share_by_script_l", "share_by_script_r",
    "script_margin_l", "script_margin_r",
)  # fmt: skip
AGAINST = ("length", "size", "rank_l", "rank_r", "script_rank_l", "script_rank_r", "twins_l", "twins_r",
           "clash", "clash_path", "kind_l", "kind_r", "apart")  # fmt: skip


#: the same for the left category lying within the right one
WITHIN = (
    "path", "concept_path", "parent", "root", "content", "votes_l", "near_l", "reach_l", "sold_l", "sold",
    "ocr", "picture", "said_r", "kind_l", "within_l", "above", "inmargin_l",
    "group_l", "group_r", "share_l", "share_r",
    "group_by_script_l", "group_by_script_r", "share_by_script_l", "share_by_script_r",
)  # fmt: skip
NOT_WITHIN = ("inrank_l", "clash", "clash_path", "kind_r", "apart")


def fit_heads(tables: list[Features], labels: list[Labels], names: Sequence[str], seed: int) -> Heads:
    """Fit the exact head and the narrower head; both see every pair turned around, too."""
    y, weight = (np.concatenate(parts) for parts in zip(*labels, strict=True))
    used = weight > 0
    table = {name: np.concatenate([of[name] for of in tables])[used] for name in names}
    y, weight = y[used], weight[used]
    turned = mirrored(table)
    both = {name: np.concatenate([table[name], turned[name]]) for name in names}
    twice = np.r_[weight, weight]
    return (
        fit_trees(both, np.r_[y == 1, y == 1], twice, seed, FOR, AGAINST),
        fit_trees(both, np.r_[y == 2, y == 3], twice, seed + 1, WITHIN, NOT_WITHIN),
    )


def fit_trees(
    table: Features,
    y: np.ndarray,
    weight: np.ndarray,
    seed: int,
    rising: Sequence[str],
    falling: Sequence[str],
) -> Boosted:
    """Fit trees on `y` (pairs,), by scikit-learn's histogram gradient boosting, read out as plain arrays.

    More of what is `rising` never lowers the score, more of what is `falling` never raises it, so that
    the trees hold on catalogues that are unlike those they learned from.
    """
    names = [name for name, values in table.items() if not np.isnan(values).all()]
    X = np.stack([table[name] for name in names], axis=1)
    model = HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.12, max_leaf_nodes=12, min_samples_leaf=40, l2_regularization=5.0,
        max_features=0.5, early_stopping=False, random_state=seed,
        monotonic_cst=[(name in rising) - (name in falling) for name in names],
    )  # fmt: skip
    model.fit(X, y.astype(int), sample_weight=weight)
    trees = []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        trees.append(
            {
                "feature": np.where(nodes["is_leaf"], -1, nodes["feature_idx"]).astype(np.int32),
                "threshold": np.round(np.where(nodes["is_leaf"], 0, nodes["num_threshold"]), 6),
                "left": nodes["left"].astype(np.int32),
                "right": nodes["right"].astype(np.int32),
                "missing": nodes["missing_go_to_left"].astype(np.int32),
                "value": np.round(nodes["value"], 6),
            }
        )
    return Boosted(tuple(names), float(model._baseline_prediction.item()), tuple(trees))
