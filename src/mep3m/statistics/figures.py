"""Everything that the report of a dataset draws, taken from the store in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mep3m.statistics.numbers import statistics
from mep3m.statistics.pictures import LookAlike, jpeg, look_alikes, mosaic, thumbnail
from mep3m.store import Store

#: side in pixels of the images of a pair
SIDE = 120


@dataclass(frozen=True)
class ImagePair:
    """Two look-alikes as JPEG (`None` where an image is gone) with the names of their classes."""

    left: bytes | None
    right: bytes | None
    left_class: str
    right_class: str
    distance: float


@dataclass(frozen=True)
class ClassNode:
    """One class of the hierarchy; `parent` is empty where none of the classes is above it."""

    id: str
    name: str
    parent: str
    samples: int


@dataclass(frozen=True)
class DatasetFigures:
    """The `statistics` of a store, its mosaic (JPEG, `None` without images), look-alikes and class tree."""

    numbers: dict[str, Any]
    mosaic: bytes | None
    look_alikes: tuple[ImagePair, ...]
    hierarchy: tuple[ClassNode, ...]


def dataset_figures(store: Store, seed: int = 0) -> DatasetFigures:
    """Return what the report of a store draws; the seed picks the samples."""
    numbers = statistics(store, seed)
    pairs = tuple(_image_pair(store, pair) for pair in look_alikes(store, seed=seed))
    return DatasetFigures(numbers, mosaic(store, seed=seed), pairs, class_tree(store, numbers))


def class_tree(store: Store, numbers: Mapping[str, Any]) -> tuple[ClassNode, ...]:
    """Return the first two levels with their samples (Fig 9), of the classes that have any.

    Rows whose first level is not known count below it all the same: a part is never more than the whole.
    """
    rows = (*numbers["classes"], *numbers["subclasses"])
    sizes = {row["id"]: row["samples"] for row in rows if row["id"] in store.taxonomy}
    parents = {key: store.taxonomy[key].parent for key in sizes}
    below = Counter[str]()
    for key, parent in parents.items():
        below[parent or ""] += sizes[key]
    return tuple(
        ClassNode(
            id=key,
            name=store.taxonomy[key].name,
            parent=(parents[key] or "") if parents[key] in sizes else "",
            samples=max(size, below[key]),
        )
        for key, size in sizes.items()
    )


def _image_pair(store: Store, pair: LookAlike) -> ImagePair:
    left, right = (thumbnail(store, key, SIDE) for key in (pair.left, pair.right))
    names = [
        store.taxonomy[category].name if category in store.taxonomy else category
        for category in (pair.left_class, pair.right_class)
    ]
    images = [jpeg(image) if image is not None else None for image in (left, right)]
    return ImagePair(images[0], images[1], names[0], names[1], pair.distance)
