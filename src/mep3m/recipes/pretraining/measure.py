"""How good vectors are without any training on them: labels of the nearest products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.store.images import Images

#: products of training that are searched, and products that search, at most
REFERENCES, QUERIES = 2000, 1000
#: neighbours that vote, each by its cosine
NEIGHBOURS = 5


@dataclass(frozen=True)
class NeighbourScores:
    """Of `n` products, how many have their own label by a vote of their nearest `references`.

    `levels` has one entry a level with `n` labelled products, `top1`, `unseen` (how many have a label that no
    reference has, and are wrong), and `frequent`: what the most frequent label of the references would get.
    `unreadable_images` are of further products. `platform` is how often the vote finds the platform, `None`
    where there is one only.
    """

    n: int
    references: int
    neighbours: int
    levels: tuple[dict[str, Any], ...]
    unreadable_images: int = 0
    platform: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {**asdict(self), "levels": list(self.levels)}


def neighbour_scores(
    encoder: NetworkClassifier, known: Dataset, asked: Dataset, images: Images | None, seed: int
) -> NeighbourScores | None:
    """Return how well products are recognised among `known` ones, `None` where nothing can be compared.

    Both are drawn by the seed where they are many.
    """
    known, asked = _some(known, REFERENCES, seed), _some(asked, QUERIES, seed)
    references, known, _ = _encode(encoder, known, images)
    queries, asked, unreadable = _encode(encoder, asked, images)
    if not len(known) or not len(asked):
        return None
    near, weights = nearest(queries, references, NEIGHBOURS)
    levels = []
    for level in range(1, max(known.depth, asked.depth) + 1):
        names = known.names(level)
        truth = asked.names(level)
        told = np.array([name is not None for name in truth])
        if not told.any() or not any(names):
            continue
        right = np.array(vote(names, near, weights)) == np.array(truth, object)
        own = [name for name in names if name is not None]
        frequent = max(sorted(set(own)), key=own.count)
        share = float(np.mean([one == frequent for one in truth if one is not None]))
        levels.append(
            {
                "level": level,
                "n": int(told.sum()),
                "top1": float(right[told].mean()),
                "unseen": sum(one is not None and one not in names for one in truth),
                "frequent": share,
            }
        )
    sources = known.products["source"].to_pylist()
    platform = None
    if len(set(sources)) > 1 and set(asked.products["source"].to_pylist()) & set(sources):
        found = vote(sources, near, weights)
        platform = float(np.mean(np.array(found) == np.array(asked.products["source"].to_pylist())))
    return NeighbourScores(len(asked), len(known), NEIGHBOURS, tuple(levels), unreadable, platform)


def nearest(
    queries: NDArray[np.float32], references: NDArray[np.float32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the places (N, K) of the nearest references of each query (unit vectors), and the cosines."""
    cosines = queries @ references.T
    places = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return places, np.take_along_axis(cosines, places, 1)


def vote(
    names: Sequence[str | None], near: NDArray[np.int64], weights: NDArray[np.float32]
) -> list[str | None]:
    """Return the name with the most weight among the neighbours (N, K) of each row; ties go to the nearest.

    `None` where no neighbour has a name.
    """
    answers: list[str | None] = []
    for places, cosines in zip(near, weights, strict=True):
        sums: dict[str, float] = {}
        for place, cosine in zip(places, cosines, strict=True):
            name = names[place]
            if name is not None:
                sums[name] = sums.get(name, 0.0) + max(float(cosine), 0.0) + 1e-6
        answers.append(max(sums, key=lambda name: sums[name]) if sums else None)
    return answers


def _some(dataset: Dataset, most: int, seed: int) -> Dataset:
    if len(dataset) <= most:
        return dataset
    return dataset.take(np.sort(np.random.default_rng(seed).choice(len(dataset), most, replace=False)))


def _encode(
    encoder: NetworkClassifier, dataset: Dataset, images: Images | None
) -> tuple[NDArray[np.float32], Dataset, int]:
    """Return unit vectors of the products that show anything, these products, and how many images are broken.

    A vector of zeros stays one: it is as near to any product as to any other.
    """
    read = encoder.encode(dataset.products, images)
    seen = np.flatnonzero(read.seen)
    vectors = read.vectors[seen]
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit, dataset.take(seen), len(read.rejects)
