"""Scores of counted products, as the RPC paper defines them (Wei et al., arXiv:1901.07249, section 4.1).

`truth` and `counted` are (N, K): how many of product k image i has, and how many were counted. With
CD[i, k] = |counted - truth|:

    cAcc   share of images without an error: the mean of (sum_k CD[i, k] == 0)
    ACD    errors an image: the mean of sum_k CD[i, k]
    mCCD   errors an instance, the mean over products of sum_i CD[i, k] / sum_i truth[i, k]
    mCIoU  the mean over products of sum_i min(counted, truth) / sum_i max(counted, truth)

A product that no image has gives 0/0, which the public tool (rpctool) passes on as nan. Here mCCD is
the mean of the products that these images have; mCIoU also counts those that were only counted, as 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mep3m.arrays import Ints


class CountScores(NamedTuple):
    """Scores of N images; `None` where nothing defines them: no image, or no instance on any."""

    images: int
    instances: int
    cAcc: float | None  # noqa: N815 (the paper's names)
    ACD: float | None
    mCCD: float | None  # noqa: N815
    mCIoU: float | None  # noqa: N815


def checkout_accuracy(truth: Ints, counted: Ints) -> float | None:
    """Return cAcc, the share of images (N, K) on which every product is counted right."""
    return float((truth == counted).all(axis=1).mean()) if len(truth) else None


def counting_distance(truth: Ints, counted: Ints) -> float | None:
    """Return ACD, the mean number of counting errors an image of (N, K)."""
    return float(np.abs(counted - truth).sum(axis=1).mean()) if len(truth) else None


def category_distance(truth: Ints, counted: Ints) -> float | None:
    """Return mCCD, the mean over the products that occur of their errors an instance."""
    instances = truth.sum(axis=0)
    occurs = instances > 0
    errors = np.abs(counted - truth).sum(axis=0)
    return float((errors[occurs] / instances[occurs]).mean()) if occurs.any() else None


def category_iou(truth: Ints, counted: Ints) -> float | None:
    """Return mCIoU, the mean over the products that occur or were counted of shared over all instances."""
    most = np.maximum(truth, counted).sum(axis=0)
    occurs = most > 0
    least = np.minimum(truth, counted).sum(axis=0)
    return float((least[occurs] / most[occurs]).mean()) if occurs.any() else None


def count_scores(truth: Ints, counted: Ints) -> CountScores:
    """Return all scores of counts (N, K).

    Raises:
        ValueError: the two have different shapes, or a count is negative.
    """
    if truth.shape != counted.shape or truth.ndim != 2:
        raise ValueError(f"counts of {truth.shape} and {counted.shape}; both are (images, products)")
    if (truth < 0).any() or (counted < 0).any():
        raise ValueError("a count is negative")
    return CountScores(
        len(truth),
        int(truth.sum()),
        checkout_accuracy(truth, counted),
        counting_distance(truth, counted),
        category_distance(truth, counted),
        category_iou(truth, counted),
    )
