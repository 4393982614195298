"""Pictures for the report: a random mosaic (Fig 2) and look-alikes of different classes (Fig 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mep3m.errors import Mep3mError, NotFoundError
from mep3m.imaging.decode import UnreadableImageError, decode
from mep3m.imaging.jpeg import jpeg, small_jpeg
from mep3m.store import Store
from mep3m.store.images import Images

#: side in pixels of the thumbnails that pixel-wise distance is taken on
PIXELS = 16
#: images compared with each other; distance is quadratic in this number
SAMPLE = 2_000


@dataclass(frozen=True)
class LookAlike:
    """Two products of different classes whose images nearly agree; `distance` is in [0, 1]."""

    left: str
    right: str
    left_class: str
    right_class: str
    distance: float


def sample_images(store: Store, count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Return up to `count` distinct (image hash, deepest category id) pairs, picked by seed."""
    query = (
        "SELECT image, any_value(labels[len(labels)].category ORDER BY id) FROM products "
        "WHERE dropped IS NULL AND image NOT NULL GROUP BY image "
        "ORDER BY hash(image || ?::VARCHAR), image LIMIT ?"
    )
    pairs: list[tuple[str, str]] = store.connect().execute(query, [seed, count]).fetchall()
    return pairs


def thumbnail(store: Store, key: str, side: int) -> Image.Image | None:
    """Return an RGB square of `side` pixels, or `None` where the image cannot be decoded."""
    try:
        return decode(store.images.read(key), suffices=side).image.resize((side, side))
    except (NotFoundError, UnreadableImageError):
        return None


def small_pictures(images: Images, rows: Sequence[dict[str, Any]], side: int = 220) -> dict[str, bytes]:
    """Return JPEGs of at most `side` pixels a side of product rows, by `id`; unreadable ones have none."""
    found = {}
    for row in rows:
        try:
            located = images.locate(row)
            if located is not None:
                found[row["id"]] = small_jpeg(located, side)
        except (OSError, Mep3mError):
            continue
    return found


def mosaic(store: Store, columns: int = 12, rows: int = 6, side: int = 72, seed: int = 0) -> bytes | None:
    """Return a JPEG of random images side by side, or `None` where the store has no images."""
    keys = [key for key, _ in sample_images(store, columns * rows, seed)]
    tiles = [tile for tile in (thumbnail(store, key, side) for key in keys) if tile is not None]
    if not tiles:
        return None
    columns = min(columns, len(tiles))
    canvas = Image.new("RGB", (columns * side, -(-len(tiles) // columns) * side), "white")
    for i, tile in enumerate(tiles):
        canvas.paste(tile, (i % columns * side, i // columns * side))
    return jpeg(canvas)


def look_alikes(store: Store, count: int = 8, seed: int = 0) -> list[LookAlike]:
    """Return the closest pairs of images from different classes by pixel-wise distance (§4.2).

    The distance is the root mean square difference of 16 x 16 RGB thumbnails, over a seeded sample
    of the store; an image appears in one pair at most.
    """
    sample = [(key, label) for key, label in sample_images(store, SAMPLE, seed) if label is not None]
    vectors, there = thumbnails(store, [key for key, _ in sample])
    return closest(
        [one for one, has in zip(sample, there, strict=True) if has], pixel_distances(vectors), count
    )


def thumbnails(store: Store, keys: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the 16 x 16 RGB values (n, 768), 0 to 1, of images that can be decoded, and which can (N,)."""
    tiles = [thumbnail(store, key, PIXELS) for key in keys]
    rows = [np.asarray(tile, dtype=np.float32).ravel() / 255 for tile in tiles if tile is not None]
    vectors = np.array(rows, np.float32).reshape(-1, 3 * PIXELS**2)
    return vectors, np.array([tile is not None for tile in tiles], bool)


def pixel_distances(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the root mean square difference (n, n) of every two rows."""
    squares = (pixels**2).sum(1)
    distance = np.maximum(squares[:, None] + squares[None, :] - 2 * pixels @ pixels.T, 0)
    found: NDArray[np.float32] = np.sqrt(distance / pixels.shape[1])
    return found


def closest(sample: Sequence[tuple[str, str]], distances: NDArray[np.float32], count: int) -> list[LookAlike]:
    """Greedily pick the closest pairs of different classes; each image once.

    `sample` has (image hash, class) of every row of `distances` (n, n), which is changed.
    """
    if len(sample) < 2:
        return []
    classes = np.array([label for _, label in sample])
    distances[classes[:, None] == classes[None, :]] = np.inf
    distances[np.tril_indices_from(distances)] = np.inf
    picked: list[LookAlike] = []
    for _ in range(count):
        i, j = divmod(int(np.argmin(distances)), len(distances))
        if not np.isfinite(distances[i, j]):
            break
        (left, left_class), (right, right_class) = sample[i], sample[j]
        picked.append(LookAlike(left, right, left_class, right_class, float(distances[i, j])))
        distances[[i, j], :] = np.inf
        distances[:, [i, j]] = np.inf
    return picked
