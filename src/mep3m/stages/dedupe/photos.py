"""Pairs of rows that show one photo: candidates by vectors of the images, verified by their pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.errors import NotFoundError
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.dedupe.pairs import Pairs, no_pairs, unique_pairs
from mep3m.stages.dedupe.registered import KeyedPicture, agreement, open_picture
from mep3m.store import Store

#: gives a vector of unit length (N, D) for each image hash, zeros where it cannot be read
See = Callable[[Sequence[str]], NDArray[np.float32]]
#: least cosine of two images that are compared, and how many others each is compared with at most
COSINE, NEIGHBOURS = 0.75, 3
#: images whose products with all others are in memory at a time, and pictures that are kept open
BLOCK, OPEN = 512, 256


def same_photos(store: Store, see: See, settings: DedupeSettings, alike: Callable[[Pairs], Ints]) -> Pairs:
    """Return pairs of rows (K, 2) whose pictures are one photo; dropped rows and equal images have none.

    `alike` returns the places of the pairs whose titles are similar enough: only these are compared. The work
    grows with the square of the number of images.

    Raises:
        MissingExtraError: OpenCV is not installed.
    """
    rows = pa.concat_tables(
        [table.select(["image", "dropped"]) for table in store.tables(["image", "dropped"])]
    )
    hashes = pc.if_else(pc.is_null(rows["dropped"]), rows["image"], pa.scalar(None, pa.string()))
    keys, first = _distinct(hashes)
    found = near_vectors(see(keys))
    pairs = first[found]
    chosen = alike(pairs)
    opened = _opener(store, settings.max_pixels)
    kept = [
        place
        for place in chosen.tolist()
        if (left := opened(keys[found[place, 0]])) is not None
        and (right := opened(keys[found[place, 1]])) is not None
        and agreement(left, right) >= (settings.same_photo or 0.0)
    ]
    return unique_pairs([pairs[kept]], len(hashes)) if kept else no_pairs()


def near_vectors(vectors: NDArray[np.float32]) -> Pairs:
    """Return the pairs (K, 2) of rows of cosine `COSINE` or more, of each row with its nearest others."""
    near = [no_pairs()]
    for start in range(0, len(vectors), BLOCK):
        cosines = vectors[start : start + BLOCK] @ vectors.T
        own = np.arange(len(cosines))
        cosines[own, start + own] = -1.0
        most = min(NEIGHBOURS, len(vectors) - 1)
        if most < 1:
            continue
        others = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
        enough = np.take_along_axis(cosines, others, 1) >= COSINE
        left = np.broadcast_to(start + own[:, None], others.shape)
        near.append(np.stack([left[enough], others[enough]], 1).astype(np.int64))
    return unique_pairs(near, len(vectors))


def _distinct(hashes: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """Return the image hashes, each once, and the first row of each."""
    first: dict[str, int] = {}
    for row, key in enumerate(hashes.to_pylist()):
        if key is not None:
            first.setdefault(key, row)
    return list(first), np.array(list(first.values()), np.int64)


def _opener(store: Store, max_pixels: int) -> Callable[[str], KeyedPicture | None]:
    @lru_cache(OPEN)
    def opened(key: str) -> KeyedPicture | None:
        try:
            return open_picture(store.images.read(key), max_pixels)
        except NotFoundError:
            return None

    return opened
