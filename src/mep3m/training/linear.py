"""Training of the linear text classifier: learn, calibrate on held-out rows, learn again on every row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import UsageError
from mep3m.models.blocks import BlockLearner, leaf_block, sibling_blocks
from mep3m.models.hinge import Learner, scores
from mep3m.models.labels import LabelTree
from mep3m.models.linear import LinearClassifier, has_features, join_scores, level_starts, text_column
from mep3m.models.ngrams import Grams, Texts, Vocabulary, encode_texts
from mep3m.models.tree import prior
from mep3m.settings.linear import LinearSettings
from mep3m.training.task import Task, Trained
from mep3m.training.temperature import temperatures

#: rows that are scored at once
_CHUNK = 4096


def train(task: Task, run: Path) -> Trained:
    """Train on `task.train`, calibrate on `task.valid`, then fit the same recipe again on all rows.

    Raises:
        UsageError: no row has text.
        SettingsError: an option is unknown or not allowed.
    """
    settings = LinearSettings.parse(task.settings.options, "options of the linear model")
    texts = encode_texts(text_column(task.products, settings.ocr))
    if not len(texts.points):
        raise UsageError("no row has a title; name the title column with --title")
    began = time.perf_counter()
    vocabulary, weights = _fit(task, texts, task.train, settings)
    held = [vocabulary.rows(texts, rows) for rows in _batches(task.valid, _CHUNK)]
    raw = np.concatenate([scores(rows, weights) for rows in held])
    seen = np.concatenate([has_features(rows) for rows in held])
    hierarchy = task.settings.hierarchy
    scale = temperatures(task.tree, raw, task.codes[task.valid], hierarchy)
    bias = np.zeros(len(task.tree), dtype=np.float32)
    valid_proba = join_scores(task.tree, raw * scale + bias, hierarchy)
    vocabulary, weights = _fit(task, texts, np.concatenate([task.train, task.valid]), settings)
    log = {
        "seconds": round(time.perf_counter() - began, 3),
        "features": len(vocabulary),
        "settings": settings.model_dump(),
        "final": "fitted again on training and validation rows; the card is of the fit without the latter",
    }
    details = {"ocr": settings.ocr, "hierarchy": hierarchy}
    shares = prior(task.tree, np.bincount(task.codes[task.codes >= 0], minlength=len(task.tree)))
    classifier = LinearClassifier(task.tree, vocabulary, weights, scale, bias, shares, details)
    return Trained(classifier, valid_proba, seen, log)


def make_learner(
    features: int, tree: LabelTree, hierarchy: str, own: NDArray[np.float32] | None = None
) -> Learner | BlockLearner:
    """Return the learner of a hierarchy: which columns a row teaches, and by which loss.

    `own` (C,) weighs the rows of each class for that class, where all classes of a level compete.
    """
    if hierarchy == "coarse-to-fine":
        return BlockLearner(features, tree, sibling_blocks(tree))
    if hierarchy == "fine-to-coarse":
        return BlockLearner(features, tree, leaf_block(tree))
    return Learner(features, level_starts(tree), own)


def rare_weights(tree: LabelTree, codes: NDArray[np.int32], power: float) -> NDArray[np.float32]:
    """Return (C,) (m / n) ** `power` between 1 and 8, of n rows with the node and the level's median m.

    `codes` (N, depth) are those of the training rows, -1 where unknown; nodes without a row count as one.
    """
    counts = np.maximum(1, np.bincount(codes[codes >= 0], minlength=len(tree)))
    weights = np.ones(len(tree), dtype=np.float32)
    for level in range(1, tree.depth + 1):
        nodes = tree.nodes(level)
        weights[nodes] = (np.median(counts[nodes]) / counts[nodes]) ** power
    return np.clip(weights, 1.0, 8.0)


def _fit(
    task: Task, texts: Texts, rows: NDArray[np.int64], settings: LinearSettings
) -> tuple[Vocabulary, NDArray[np.float32]]:
    """Return the vocabulary and weights (V, C) learned from the chosen rows."""
    grams = Grams(settings.low, settings.high, settings.words, settings.bits)
    vocabulary = Vocabulary.fit(texts, rows, grams, settings.least, settings.most)
    own = rare_weights(task.tree, task.codes[rows], settings.rare)
    learner = make_learner(len(vocabulary), task.tree, task.settings.hierarchy, own)
    draw = np.random.default_rng(task.settings.seed)
    for epoch in range(settings.epochs):
        rate = settings.rate * (1 - 0.9 * epoch / settings.epochs)
        for batch in _batches(draw.permutation(rows), learner.batch):
            learner.learn(vocabulary.rows(texts, batch), task.codes[batch], rate)
    return vocabulary, learner.weights


def _batches(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
