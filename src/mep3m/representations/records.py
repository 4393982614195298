"""What an encoder is and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.models.classifier import Encoded
from mep3m.store.images import Images
from mep3m.store.rejects import Reject

#: what an encoder reads of a product, and what a vector of one modality or of both is made from
Part = Literal["image", "title"]
#: the modalities by the names that a user has for them, parts in the order in which they stand in a vector
PARTS: Mapping[str, tuple[Part, ...]] = {
    "image": ("image",),
    "text": ("title",),
    "image+text": ("image", "title"),
}


class Encoder(Protocol):
    """Turns a modality of products into vectors: `LatentText` of titles, or `network.NetworkEncoder`."""

    @property
    def part(self) -> Part:
        """What it reads of a product."""
        ...

    @property
    def width(self) -> int:
        """The width D of its vectors."""
        ...

    def read(self, products: pa.Table, images: Images | None) -> Encoded:
        """Return the vectors of rows of `PRODUCT_SCHEMA`."""
        ...

    def facts(self) -> dict[str, Any]:
        """Return JSON values: `source` and `hash` (32 hex digits) of its weights, and what else is known."""
        ...


class Vectors(NamedTuple):
    """Vectors (N, D) float32 of N products.

    A row has unit length where `told` (N, M), which says what modalities it was made from, has any; else it
    is zeros. `rejects` are the images that could not be read.
    """

    vectors: NDArray[np.float32]
    told: NDArray[np.bool_]
    rejects: list[Reject]
