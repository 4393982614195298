"""The nearest products of a store by their images: by pixels as in the paper, and by what a network sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mep3m.statistics.pictures import LookAlike, closest, pixel_distances, sample_images, thumbnails
from mep3m.store import Store

#: gives a vector of unit length (N, D) for each image hash, zeros where it cannot be read
See = Callable[[Sequence[str]], NDArray[np.float32]]
#: images that a network looks at: a processor encodes some 40 a second
SAMPLE = 600


@dataclass(frozen=True)
class NearImage:
    """The hash of an image and its class; in a `NearestImages` also the distance from the first one."""

    image: str
    label: str
    distance: float = 0.0


@dataclass(frozen=True)
class NearestImages:
    """An image, and its nearest other ones by pixels and by eyes."""

    image: NearImage
    by_pixels: NearImage
    by_eyes: NearImage


@dataclass(frozen=True)
class Seen:
    """What a network sees in a sample of a store's images, beside what pixels say.

    `same_by_pixels` and `same_by_eyes` are the shares of the `sample` whose nearest other image has the same
    class. `look_alikes` are the closest pairs of different classes; distances are 1 - cosine.
    """

    sample: int
    same_by_pixels: float
    same_by_eyes: float
    nearest: tuple[NearestImages, ...]
    look_alikes: tuple[LookAlike, ...]


def nearest_images(store: Store, see: See, seed: int = 0, shown: int = 6, pairs: int = 8) -> Seen | None:
    """Return the nearest images in a seeded sample of a store, `None` where it has fewer than two.

    Of the sample, `shown` images are drawn for the report whose neighbours differ, where there are such.
    """
    sample = [(key, label) for key, label in sample_images(store, SAMPLE, seed) if label is not None]
    pixels, there = thumbnails(store, [key for key, _ in sample])
    sample = [one for one, has in zip(sample, there, strict=True) if has]
    if len(sample) < 2:
        return None
    vectors = see([key for key, _ in sample])
    both = np.flatnonzero(vectors.any(1))
    if len(both) < 2:
        return None
    sample, vectors, pixels = [sample[i] for i in both], vectors[both], pixels[both]
    classes = np.array([label for _, label in sample])
    kinds = [pixel_distances(pixels), 1 - vectors @ vectors.T]
    for distances in kinds:
        np.fill_diagonal(distances, np.inf)
    first, second = (distances.argmin(1) for distances in kinds)
    differ = np.flatnonzero(first != second)
    chosen = (differ if len(differ) else np.arange(len(sample)))[:shown]

    def near(i: int, kind: int, j: int) -> NearImage:
        return NearImage(*sample[j], float(kinds[kind][i, j]))

    rows = tuple(
        NearestImages(NearImage(*sample[i]), near(i, 0, int(first[i])), near(i, 1, int(second[i])))
        for i in chosen.tolist()
    )
    same = [float((classes[place] == classes).mean()) for place in (first, second)]
    return Seen(len(sample), same[0], same[1], rows, tuple(closest(sample, kinds[1], pairs)))
