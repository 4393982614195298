"""Training of the linear text classifier: learn, score the held-out rows, learn from these too."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class LinearProblem:
    """Rows with their `codes` (N, depth) in the tree, -1 where unknown, and what they are learned by.

    `held` are the places of the rows that a first fit leaves out and is scored on.
    """

    rows: Rows
    tree: LabelTree
    codes: NDArray[np.int32]
    held: NDArray[np.int64]
    settings: LinearSettings
    seed: int

    @property
    def passes(self) -> int:
        """The passes over the rows that the settings ask for."""
        return self.settings.passes(len(self.rows))

    def first_levels(self, depth: int) -> LinearProblem:
        """Return the problem of the first `depth` levels."""
        return replace(self, codes=self.codes[:, :depth])

    def plan(self, passes: int, bound: float = np.inf) -> SolverPlan:
        """Return the plan of so many passes, and a third of them with the rows that were held out."""
        return SolverPlan(passes, -(-passes // 3), self.seed, bound)

    def costs(self, rare: bool = False) -> NDArray[np.float32]:
        """Return (2, C): what an error costs on rows of other classes, and on its own, if `rare` by size."""
        costs = np.full((2, len(self.tree)), self.settings.error_cost, dtype=np.float32)
        if rare:
            known = np.delete(self.codes, self.held, axis=0)
            costs[1] *= rare_weights(self.tree, known, self.settings.rare_exponent)
        return costs


def train(task: Task, run: Path) -> Trained:
    """Learn from `task.train`, calibrate on `task.valid`, then learn from these rows too.

    The features are counted on all rows; the labels of the held-out ones play no part in their scores.

    Raises:
        UsageError: no row has text.
        SettingsError: an option is unknown or not allowed.
    """
    settings = LinearSettings.parse(task.settings.options, "options of the linear model")
    texts = encode_texts(text_column(task.products, settings.reads))
    if not len(texts.points):
        if not settings.title:
            raise UsageError("no row has OCR text; run 'mep3m ocr' before, or leave ocr = true out")
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
    problem = LinearProblem(rows, task.tree, codes, held, settings, seed)
    weights, raw = fit(problem, hierarchy)
    scale = temperatures(task.tree, raw, task.codes[task.valid], hierarchy)
    bias = np.zeros(len(task.tree), dtype=np.float32)
    valid_proba = join_scores(task.tree, raw * scale + bias, hierarchy)
    names = None
    if hierarchy == "coarse-to-fine" and (depth := named_levels(task.tree, settings.name_head_size)):
        names, opinion = fit_names(problem.first_levels(depth))
        mix_names(task.tree, valid_proba, names.proba(task.tree, opinion), depth)
    timings = {"seconds": round(time.perf_counter() - began, 3)}
    log = {
        "features": len(vocabulary),
        "settings": settings.model_dump(),
        "final": "learned from the validation rows too, after the card was measured on them",
    }
    details = {"title": settings.title, "ocr": settings.ocr, "hierarchy": hierarchy}
    shares = prior(task.tree, np.bincount(task.codes[task.codes >= 0], minlength=len(task.tree)))
    classifier = LinearClassifier(task.tree, vocabulary, weights, scale, bias, shares, details, names)
    return Trained(classifier, valid_proba, has_features(rows.take(held)), log, timings)


def fit(problem: LinearProblem, hierarchy: str) -> tuple[Weights, Weights]:
    """Return weights (V, C) learned from all rows, and scores (H, C) of the rows `held` out before."""
    rows, tree, held = problem.rows, problem.tree, problem.held
    if hierarchy == "fine-to-coarse":
        first = np.setdiff1d(np.arange(len(rows)), held)
        raw = scores(rows.take(held), _leaf_weights(problem, first))
        return _leaf_weights(problem, np.arange(len(rows))), raw
    if hierarchy == "flat":
        weights, raw = fit_levels(problem, problem.passes)
        columns, place = name_columns(tree, tree.depth)
        return (weights, raw) if len(columns) == len(tree) else (weights[:, place], raw[:, place])
    if hierarchy == "coarse-to-fine":
        plan = problem.plan(problem.passes, problem.settings.error_limit)
        return solve(rows, problem.codes, held, sibling_contests(tree), problem.costs(), plan)
    plan, costs = problem.plan(problem.passes), problem.costs(rare=True)
    return solve(rows, problem.codes, held, level_contests(tree), costs, plan)


def fit_levels(problem: LinearProblem, passes: int) -> tuple[Weights, Weights]:
    """Return what `fit` does with a column a name (V, E) and (H, E), all names of a level competing.

    `problem` has the first K levels. A name below several parents is one class (`name_columns`).
    """
    tree, depth = problem.tree, problem.codes.shape[1]
    width = tree.starts[depth]
    columns, _ = name_columns(tree, depth)
    codes = np.where(problem.codes >= 0, tree.first_of_name[problem.codes], -1).astype(np.int32)
    costs = replace(problem, codes=codes).costs(rare=True)[:, :width]
    costs[:, np.setdiff1d(np.arange(width), columns)] = np.inf
    contests = level_contests(tree, depth)
    weights, raw = solve(problem.rows, codes, problem.held, contests, costs, problem.plan(passes))
    return (weights, raw) if len(columns) == width else (weights[:, columns], raw[:, columns])


def fit_names(problem: LinearProblem) -> tuple[NameHead, Weights]:
    """Return the name-level head of the first K levels, which the problem is of, and its raw scores (H, E).

    A third of the passes does: it is averaged.
    """
    weights, raw = fit_levels(problem, -(-problem.passes // 3))
    tree, depth = problem.tree, problem.codes.shape[1]
    columns, place = name_columns(tree, depth)
    scale = temperatures(tree, raw[:, place], problem.codes[problem.held], "flat")
    return NameHead(depth, weights, scale[columns]), raw


def _leaf_weights(problem: LinearProblem, chosen: NDArray[np.int64]) -> Weights:
    """Return the weights of fine to coarse, learned from the chosen rows."""
    learner = LeafLearner(problem.rows.width, problem.tree)
    draw = np.random.default_rng(problem.seed)
    passes = problem.settings.passes(len(chosen))
    for epoch in range(passes):
        rate = problem.settings.learning_rate * (1 - 0.9 * epoch / passes)
        order = draw.permutation(chosen)
        for start in range(0, len(order), learner.batch):
            batch = order[start : start + learner.batch]
            learner.learn(problem.rows.take(batch), problem.codes[batch], rate)
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
