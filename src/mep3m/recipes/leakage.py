"""How much of a score is leakage: one model on splits that part duplicates, and on splits that do not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from mep3m.dataset.dataset import Dataset
from mep3m.dataset.reading import Opened
from mep3m.dataset.splits import Split, duplicate_groups, split_products
from mep3m.evaluation.evaluate import LevelEvaluation, evaluate
from mep3m.recipes.classify import shape
from mep3m.settings.run import RunSettings, SplitKind
from mep3m.store.images import Images
from mep3m.training.registry import find
from mep3m.training.task import make_task

#: a random split parts duplicates, so their copies in training answer for them
KINDS: tuple[SplitKind, ...] = ("random", "grouped")
SCORES = ("top1", "macro_f1")


def leakage(opened: Opened, settings: RunSettings, seeds: int = 1, test_share: float = 0.2) -> dict[str, Any]:
    """Return the scores of `seeds` random and as many grouped splits, and their differences.

    For each level `random`, `grouped` and `difference` (random minus grouped) hold the mean and the standard
    deviation (`None` of one split) of each score. `shared` is the mean share of a random split's test rows
    that have a duplicate on its train side. The two kinds test on different rows: a difference within a few
    standard deviations / sqrt(seeds) says nothing.
    """
    dataset = shape(Dataset.of(opened.products), settings).labelled()
    groups = duplicate_groups(dataset.products)
    scored: dict[str, list[tuple[LevelEvaluation, ...]]] = {kind: [] for kind in KINDS}
    shared = []
    for seed in range(settings.seed, settings.seed + seeds):
        for kind in KINDS:
            split = split_products(dataset.products, kind, test_share, seed)
            scored[kind].append(_levels(dataset, split, settings, opened.images))
            if kind == "random":
                learned, tested = split.rows(dataset.products)
                shared.append(float(np.isin(groups[tested], groups[learned]).mean()))
    by_level = zip(*(zip(*scored[kind], strict=True) for kind in KINDS), strict=True)
    return {
        "splits": seeds,
        "first_seed": settings.seed,
        "test_share": test_share,
        "shared": float(np.mean(shared)),
        "levels": [_compared(*levels) for levels in by_level],
    }


def _compared(random: tuple[LevelEvaluation, ...], grouped: tuple[LevelEvaluation, ...]) -> dict[str, Any]:
    """Return the means of one level's scores on the splits of each kind, and of their differences."""
    kinds: dict[str, Any] = {"random": {}, "grouped": {}, "difference": {}}
    for score in SCORES:
        one, two = (
            np.array([getattr(level.scores, score) for level in levels]) for levels in (random, grouped)
        )
        for kind, values in zip(kinds, (one, two, one - two), strict=True):
            spread = float(values.std(ddof=1)) if len(values) > 1 else None
            kinds[kind][score] = {"mean": float(values.mean()), "sd": spread}
    return {"level": random[0].level, **kinds}


def _levels(
    dataset: Dataset, split: Split, settings: RunSettings, images: Images | None
) -> tuple[LevelEvaluation, ...]:
    """Return the scores a level on the test side of a split, of a model trained on the other side."""
    learned, tested = dataset.sides(split)
    with tempfile.TemporaryDirectory() as scratch:
        classifier = find(settings)(make_task(learned, settings, images), Path(scratch)).classifier
        return evaluate(classifier, tested, images).levels
