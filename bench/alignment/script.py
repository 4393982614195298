"""The script that a capable user would write instead: n-grams of leaf and path, one-to-one.

It is the peer that `bench/align_quality.py` measures beside the paper's rule and ours, and it knows
nothing of mep3m but the two records.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.feature_extraction.text import TfidfVectorizer

from mep3m.alignment.records import Side


def similarities(left: Side, right: Side) -> np.ndarray:
    """Return the (left, right) mean of leaf and path cosine over character 1-3-gram tf-idf."""
    total = np.zeros((len(left), len(right)), dtype=np.float32)
    for pick in (lambda entry: entry.name, lambda entry: " ".join(entry.path)):
        texts = [[pick(entry).lower() for entry in side] for side in (left, right)]
        vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), dtype=np.float32).fit(
            texts[0] + texts[1]
        )
        total += (vectors.transform(texts[0]) @ vectors.transform(texts[1]).T).toarray() / 2
    return total


def script(left: Side, right: Side, threshold: float = 0.3) -> set[tuple[str, str]]:
    """Return the pairs of the one-to-one assignment whose similarity reaches the threshold."""
    score = similarities(left, right)
    rows, columns = linear_sum_assignment(score, maximize=True)
    return {
        (left.entries[i].id, right.entries[j].id)
        for i, j in zip(rows, columns, strict=True)
        if score[i, j] >= threshold
    }


def script_best(left: Side, right: Side, threshold: float = 0.3) -> set[tuple[str, str]]:
    """Return each left category with its most similar right one, where that reaches the threshold."""
    score = similarities(left, right)
    best = score.argmax(axis=1)
    return {
        (left.entries[i].id, right.entries[j].id)
        for i, j in enumerate(best.tolist())
        if score[i, j] >= threshold
    }
