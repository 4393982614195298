"""Products to vectors of unit length: the one way to compare products by what they say and show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import unit_length
from mep3m.dataset.readable import hide_unreadable
from mep3m.representations.records import Encoder, Vectors
from mep3m.representations.weights import open_encoders
from mep3m.store.images import Images
from mep3m.store.rejects import Reject


def encode(
    products: pa.Table,
    images: Images | None,
    modality: str,
    encoders: Sequence[Encoder] | None = None,
) -> Vectors:
    """Return a vector of unit length for every row of `products` (`PRODUCT_SCHEMA`).

    `modality` is image, text or image+text. Both are the two unit vectors side by side, brought to unit
    length again: the product of two such vectors is the mean of what image and title say. A row that lacks
    one has zeros in its place, so its products with whole rows are at most .71 (told in `Vectors.told`).

    `encoders` are those of `weights.open_encoders`, to be given where products come in several tables;
    without them the default ones are opened, that of titles learned from these rows.

    Raises:
        UsageError: an encoder cannot be had.
        ModelError: weights are damaged.
    """
    if encoders is None:
        encoders = open_encoders(modality, titles=products["title"])
    products = hide_unreadable(products)
    parts: list[NDArray[np.float32]] = []
    told: list[NDArray[np.bool_]] = []
    rejects: list[Reject] = []
    for encoder in encoders:
        read = encoder.read(products, images)
        unit, has = unit_length(read.vectors)
        has &= read.seen
        unit[~has] = 0
        parts.append(unit)
        told.append(has)
        rejects += read.rejects
    joined = parts[0] if len(parts) == 1 else unit_length(np.concatenate(parts, 1))[0]
    return Vectors(joined, np.stack(told, 1), rejects)
