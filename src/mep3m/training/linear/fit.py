"""Training of the linear text classifier: learn, score the held-out rows, learn from these too."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import UsageError
from mep3m.label_tree.probabilities import prior
from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import (
    LinearClassifier,
    NameHead,
    has_features,
    join_scores,
    mix_names,
    name_columns,
    named_levels,
    text_column,
)
from mep3m.models.linear.ngrams import Grams, GramVocabulary, Rows, encode_texts
from mep3m.models.linear.scores import scores
from mep3m.settings.linear import LinearSettings
from mep3m.training.linear.hinge import SolverPlan, level_contests, sibling_contests, solve
from mep3m.training.linear.marginal import LeafLearner
from mep3m.training.task import Task, Trained
from mep3m.training.temperature import temperatures

Weights = NDArray[np.float32]


def train(task: Task, run: Path) -> Trained:
    """Learn from `task.train`, calibrate on `task.valid`, then learn from these rows too.

    The features are counted on all rows; the labels of the held-out ones play no part in their scores.

    Raises:
        UsageError: no row has text.
        SettingsError: an option is unknown or not allowed.
    """
    settings = LinearSettings.parse(task.settings.options, "options of the linear model")
    texts = encode_texts(text_column(task.products, settings.ocr))
    if not len(texts.points):
        raise UsageError("no row has a title; name the title column with --title")
    began = time.perf_counter()
    used = np.concatenate([task.train, task.valid])
    held = np.arange(len(task.train), len(used))
    grams = Grams(settings.min_ngram, settings.max_ngram, settings.word_ngrams, settings.hash_bits)
    vocabulary = GramVocabulary.fit(texts, used, grams, settings.min_titles, settings.max_features)
    hierarchy = task.hierarchy
    rows, codes, seed = vocabulary.all_rows(texts, used), task.codes[used], task.settings.seed
    if settings.purity_exponent:
        own = purity(
            rows.take(np.arange(len(task.train))), codes[: len(task.train)], settings.purity_exponent
        )
        rows.weigh(own)
        vocabulary = vocabulary.weighed(own)
    weights, raw = fit(rows, task.tree, codes, held, hierarchy, settings, seed)
    scale = temperatures(task.tree, raw, task.codes[task.valid], hierarchy)
    bias = np.zeros(len(task.tree), dtype=np.float32)
    valid_proba = join_scores(task.tree, raw * scale + bias, hierarchy)
    names = None
    if hierarchy == "coarse-to-fine" and (depth := named_levels(task.tree, settings.name_head_size)):
        names, opinion = fit_names(rows, task.tree, codes[:, :depth], held, settings, seed)
        mix_names(task.tree, valid_proba, names.proba(task.tree, opinion), depth)
    log = {
        "seconds": round(time.perf_counter() - began, 3),
        "features": len(vocabulary),
        "settings": settings.model_dump(),
        "final": "learned from the validation rows too, after the card was measured on them",
    }
    details = {"ocr": settings.ocr, "hierarchy": hierarchy}
    shares = prior(task.tree, np.bincount(task.codes[task.codes >= 0], minlength=len(task.tree)))
    classifier = LinearClassifier(task.tree, vocabulary, weights, scale, bias, shares, details, names)
    return Trained(classifier, valid_proba, has_features(rows.take(held)), log)


def fit(
    rows: Rows,
    tree: LabelTree,
    codes: NDArray[np.int32],
    held: NDArray[np.int64],
    hierarchy: str,
    settings: LinearSettings,
    seed: int,
) -> tuple[Weights, Weights]:
    """Return weights (V, C) learned from all rows, and scores (H, C) of the rows `held` out before.

    `codes` (N, depth) are `LabelTree.encode`'s; `held` are places among the rows.
    """
    if hierarchy == "fine-to-coarse":
        first = np.setdiff1d(np.arange(len(rows)), held)
        raw = scores(rows.take(held), _leaf_weights(rows, tree, codes, first, settings, seed))
        return _leaf_weights(rows, tree, codes, np.arange(len(rows)), settings, seed), raw
    if hierarchy == "flat":
        plan = _plan(settings.passes(len(rows)), seed)
        weights, raw = fit_levels(rows, tree, codes, held, settings, plan)
        columns, place = name_columns(tree, tree.depth)
        return (weights, raw) if len(columns) == len(tree) else (weights[:, place], raw[:, place])
    siblings = hierarchy == "coarse-to-fine"
    costs = np.full((2, len(tree)), settings.error_cost, dtype=np.float32)
    if not siblings:
        costs[1] *= rare_weights(tree, np.delete(codes, held, axis=0), settings.rare_exponent)
    plan = _plan(settings.passes(len(rows)), seed, settings.error_limit if siblings else np.inf)
    contests = sibling_contests(tree) if siblings else level_contests(tree)
    return solve(rows, codes, held, contests, costs, plan)


def _plan(passes: int, seed: int, bound: float = np.inf) -> SolverPlan:
    """Return the plan of so many passes, and a third of them with the rows that were held out."""
    return SolverPlan(passes, -(-passes // 3), seed, bound)


def fit_levels(
    rows: Rows,
    tree: LabelTree,
    codes: NDArray[np.int32],
    held: NDArray[np.int64],
    settings: LinearSettings,
    plan: SolverPlan,
) -> tuple[Weights, Weights]:
    """Return what `fit` does with a column a name (V, E) and (H, E), all names of a level competing.

    `codes` (N, K) has the first K levels. A name below several parents is one class (`name_columns`).
    """
    depth = codes.shape[1]
    width = tree.starts[depth]
    columns, _ = name_columns(tree, depth)
    codes = np.where(codes >= 0, tree.first_of_name[codes], -1).astype(np.int32)
    costs = np.full((2, width), settings.error_cost, dtype=np.float32)
    costs[1] *= rare_weights(tree, np.delete(codes, held, axis=0), settings.rare_exponent)[:width]
    costs[:, np.setdiff1d(np.arange(width), columns)] = np.inf
    weights, raw = solve(rows, codes, held, level_contests(tree, depth), costs, plan)
    return (weights, raw) if len(columns) == width else (weights[:, columns], raw[:, columns])


def fit_names(
    rows: Rows,
    tree: LabelTree,
    codes: NDArray[np.int32],
    held: NDArray[np.int64],
    settings: LinearSettings,
    seed: int,
) -> tuple[NameHead, Weights]:
    """Return the name-level head of the first K levels, and its raw scores (H, E) of the rows `held` out.

    `codes` (N, K) are those of the first K levels. A third of the passes does: it is averaged.
    """
    plan = _plan(-(-settings.passes(len(rows)) // 3), seed)
    weights, raw = fit_levels(rows, tree, codes, held, settings, plan)
    columns, place = name_columns(tree, codes.shape[1])
    scale = temperatures(tree, raw[:, place], codes[held], "flat")
    return NameHead(codes.shape[1], weights, scale[columns]), raw


def _leaf_weights(
    rows: Rows,
    tree: LabelTree,
    codes: NDArray[np.int32],
    chosen: NDArray[np.int64],
    settings: LinearSettings,
    seed: int,
) -> Weights:
    """Return the weights of fine to coarse, learned from the chosen rows."""
    learner = LeafLearner(rows.width, tree)
    draw = np.random.default_rng(seed)
    passes = settings.passes(len(chosen))
    for epoch in range(passes):
        rate = settings.learning_rate * (1 - 0.9 * epoch / passes)
        order = draw.permutation(chosen)
        for start in range(0, len(order), learner.batch):
            batch = order[start : start + learner.batch]
            learner.learn(rows.take(batch), codes[batch], rate)
    return learner.weights


def purity(rows: Rows, codes: NDArray[np.int32], power: float) -> Weights:
    """Return (V,) (1.05 - H) ** `power`, of how evenly H the rows with a feature are spread over the classes.

    H is the mean over the levels of `codes` (N, depth), where -1 is unknown. What stands in one class only
    tells more than its frequency says; 1.05 leaves something to what stands in all of them.
    """
    levels = []
    for level in codes.T:
        known = np.flatnonzero(level >= 0)
        _, classes = np.unique(level[known], return_inverse=True)
        levels.append(rows.take(known).spread(classes.astype(np.int32)))
    return np.asarray((1.05 - np.mean(levels, axis=0)) ** power, dtype=np.float32)


def rare_weights(tree: LabelTree, codes: NDArray[np.int32], power: float) -> NDArray[np.float32]:
    """Return (C,) (m / n) ** `power` between 1 and 8, of n rows with the node and the level's median m.

    `codes` (N, depth) are those of the training rows, -1 where unknown; nodes without a row stay at 1.
    """
    counts = np.bincount(codes[codes >= 0], minlength=len(tree))
    weights = np.ones(len(tree), dtype=np.float32)
    for level in range(1, tree.depth + 1):
        nodes = np.flatnonzero((tree.levels == level) & (counts > 0))
        if len(nodes):
            weights[nodes] = (np.median(counts[nodes]) / counts[nodes]) ** power
    return np.clip(weights, 1.0, 8.0)
