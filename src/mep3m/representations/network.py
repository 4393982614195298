"""Encoders that are networks: pre-trained image networks, transformers, the encoder of a trained run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa

from mep3m.models.classifier import Encoded
from mep3m.models.features import FeatureCache, weights_hash
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.representations.records import Part
from mep3m.store.images import Images


class NetworkEncoder:
    """The frozen part of a network with one modality; with a `cache` each content is computed once."""

    def __init__(self, backbone: NetworkClassifier, facts: Mapping[str, Any], cache: Path | None) -> None:
        """Take the network, what is known of its weights, and the folder that keeps its vectors."""
        self.backbone, self._facts = backbone, facts
        self.cache = FeatureCache(backbone, cache) if cache is not None else None

    @property
    def part(self) -> Part:
        """What it reads of a product."""
        return cast(Part, self.backbone.settings.modalities[0])

    @property
    def width(self) -> int:
        """The width D of its vectors."""
        return self.backbone.width

    def read(self, products: pa.Table, images: Images | None) -> Encoded:
        """Return the vectors of rows of `PRODUCT_SCHEMA`."""
        if self.cache is None:
            return self.backbone.encode(products, images)
        stored = self.cache.find(products, images)
        vectors, seen = stored.take(np.arange(products.num_rows))
        return Encoded(vectors, seen, stored.rejects)

    def facts(self) -> dict[str, Any]:
        """Return where the weights come from, with a hash of them and of the settings."""
        return {"hash": weights_hash(self.backbone), **self._facts}
