"""Training of the linear text classifier: learn, calibrate on held-out rows, learn again on every row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from mep3m.errors import UsageError
from mep3m.models.hinge import Learner, scores
from mep3m.models.linear import LinearClassifier, level_starts, softmax_levels, text_column
from mep3m.models.ngrams import Grams, Texts, Vocabulary, encode_texts
from mep3m.settings.linear import LinearSettings
from mep3m.training.task import Task, Trained


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
    raw = np.concatenate(
        [scores(vocabulary.rows(texts, rows), weights) for rows in _batches(task.valid, 4096)]
    )
    levels = level_starts(task.tree)
    scale = _temperatures(raw, task.codes[task.valid], levels)
    bias = np.zeros(len(task.tree), dtype=np.float32)
    valid_proba = softmax_levels(raw * scale + bias, levels)
    vocabulary, weights = _fit(task, texts, np.concatenate([task.train, task.valid]), settings)
    log = {
        "seconds": round(time.perf_counter() - began, 3),
        "features": len(vocabulary),
        "settings": settings.model_dump(),
        "final": "fitted again on training and validation rows; the card is of the fit without the latter",
    }
    details = {"ocr": settings.ocr}
    classifier = LinearClassifier(task.tree, vocabulary, weights, scale, bias, _prior(task), details)
    return Trained(classifier, valid_proba, log)


def _fit(
    task: Task, texts: Texts, rows: NDArray[np.int64], settings: LinearSettings
) -> tuple[Vocabulary, NDArray[np.float32]]:
    """Return the vocabulary and weights (V, C) learned from the chosen rows."""
    grams = Grams(settings.low, settings.high, settings.words, settings.bits)
    vocabulary = Vocabulary.fit(texts, rows, grams, settings.least, settings.most)
    learner = Learner(len(vocabulary), level_starts(task.tree))
    draw = np.random.default_rng(task.settings.seed)
    for epoch in range(settings.epochs):
        rate = settings.rate * (1 - 0.9 * epoch / settings.epochs)
        for batch in _batches(draw.permutation(rows), settings.batch):
            learner.learn(vocabulary.rows(texts, batch), task.codes[batch], rate)
    return vocabulary, learner.weights


def _batches(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _temperatures(
    raw: NDArray[np.float32], codes: NDArray[np.int32], levels: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return (C,) the factor of each level that makes held-out rows most likely (temperature scaling)."""
    scale = np.ones(raw.shape[1], dtype=np.float32)
    for level, (start, stop) in enumerate(pairwise(levels)):
        known = codes[:, level] >= 0
        part, truth = raw[known, start:stop].astype(np.float64), codes[known, level] - start
        if not len(part):
            continue

        def loss(
            log_factor: float, part: NDArray[np.float64] = part, truth: NDArray[np.int32] = truth
        ) -> float:
            scaled = part * np.exp(log_factor)
            peak = scaled.max(axis=1)
            total = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
            return float((total - scaled[np.arange(len(truth)), truth]).mean())

        best = minimize_scalar(loss, bounds=(-2.0, 4.0), method="bounded")
        scale[start:stop] = np.exp(best.x)
    return scale


def _prior(task: Task) -> NDArray[np.float32]:
    """Return (C,) the share of each node among the labelled rows of its level."""
    counts = np.bincount(task.codes[task.codes >= 0], minlength=len(task.tree)).astype(np.float32)
    for start, stop in pairwise(task.tree.starts):
        counts[start:stop] /= max(1.0, float(counts[start:stop].sum()))
    return counts
