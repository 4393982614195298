"""Everything that the report of a dataset draws, taken from the store in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mep3m.imaging.jpeg import jpeg
from mep3m.statistics.nearest import NearImage, See, nearest_images
from mep3m.statistics.numbers import statistics
from mep3m.statistics.pictures import LookAlike, look_alikes, mosaic, thumbnail
from mep3m.store import Store
from mep3m.taxonomy import name_of

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
class NamedImage:
    """An image as JPEG (`None` where it is gone), the name of its class, and a distance from another."""

    image: bytes | None
    label: str
    distance: float


@dataclass(frozen=True)
class SeenFigures:
    """`statistics.nearest.Seen` with images and names: rows of (image, by pixels, by eyes)."""

    sample: int
    same_by_pixels: float
    same_by_eyes: float
    nearest: tuple[tuple[NamedImage, NamedImage, NamedImage], ...]
    look_alikes: tuple[ImagePair, ...]


@dataclass(frozen=True)
class ClassNode:
    """One class of the hierarchy; `parent` is empty where none of the classes is above it."""

    id: str
    name: str
    parent: str
    samples: int


@dataclass(frozen=True)
class DatasetFigures:
    """The `statistics` of a store, its mosaic (JPEG, `None` without images), look-alikes and class tree.

    `seen` is what a network sees in the images, `None` where it was not asked.
    """

    numbers: dict[str, Any]
    mosaic: bytes | None
    look_alikes: tuple[ImagePair, ...]
    hierarchy: tuple[ClassNode, ...]
    seen: SeenFigures | None = None


def dataset_figures(store: Store, seed: int = 0, see: See | None = None) -> DatasetFigures:
    """Return what the report of a store draws; the seed picks the samples, `see` encodes images."""
    numbers = statistics(store, seed)
    pairs = tuple(_image_pair(store, pair) for pair in look_alikes(store, seed=seed))
    seen = _seen(store, see, seed) if see is not None else None
    return DatasetFigures(numbers, mosaic(store, seed=seed), pairs, class_tree(store, numbers), seen)


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


def _seen(store: Store, see: See, seed: int) -> SeenFigures | None:
    found = nearest_images(store, see, seed)
    if found is None:
        return None

    def named(one: NearImage) -> NamedImage:
        return NamedImage(_jpeg(store, one.image), name_of(one.label, store.taxonomy), one.distance)

    nearest = tuple((named(row.image), named(row.by_pixels), named(row.by_eyes)) for row in found.nearest)
    pairs = tuple(_image_pair(store, pair) for pair in found.look_alikes)
    return SeenFigures(found.sample, found.same_by_pixels, found.same_by_eyes, nearest, pairs)


def _image_pair(store: Store, pair: LookAlike) -> ImagePair:
    images = (_jpeg(store, pair.left), _jpeg(store, pair.right))
    names = (name_of(pair.left_class, store.taxonomy), name_of(pair.right_class, store.taxonomy))
    return ImagePair(*images, *names, pair.distance)


def _jpeg(store: Store, key: str) -> bytes | None:
    image = thumbnail(store, key, SIDE)
    return jpeg(image) if image is not None else None
