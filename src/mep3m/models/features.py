"""Features of a frozen backbone, computed once for each content and each set of weights."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mep3m.errors import Mep3mError, UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.inputs.columns import Coder, Stored
from mep3m.models.networks.build import build_network
from mep3m.models.networks.classifier import NetworkClassifier, load
from mep3m.models.pretrained.figures import with_own_figures
from mep3m.models.pretrained.titles import coder_of_weights
from mep3m.models.pretrained.weights import PretrainedWeights
from mep3m.settings.network import NetworkSettings
from mep3m.store.images import Images, read_image
from mep3m.store.rejects import Reject
from mep3m.store.rows import RowCache

#: rows encoded and written at a time: what an interruption costs, at most. With 256 the maps of a network at
#: 260 pixels took 4.5 GB, and no less time
CHUNK = 64
#: seconds between two lines of progress
EVERY = 10.0
#: settings that the vectors of a backbone do not depend on
OF_HEADS = {"hidden", "dropout", "modality_dropout", "head", "hierarchy", "frozen"}


def open_backbone(
    source: Path | NetworkSettings, weights: PretrainedWeights | None = None
) -> NetworkClassifier:
    """Return a backbone: the folder of a trained network, or settings that name pre-trained weights.

    Only `encode` of the result is of use where it comes from settings: its heads are untrained. `weights` are
    those that the settings of the image name, where they have been found already.

    Raises:
        ModelError: the folder or the weights are absent or damaged.
        UsageError: the settings name no weights.
    """
    if isinstance(source, Path):
        return load(source)
    source = with_normalisation(source)
    tree = LabelTree.from_paths([("any",)])
    coders: dict[str, Coder] = {}
    for name in source.modalities:
        part = getattr(source, name)
        if part.weights is None:
            raise UsageError(
                f"a frozen encoder needs pre-trained weights, that of the {name} has none: give "
                f"{'image' if name == 'image' else 'text'}.weights, or train it too (frozen = false)"
            )
        if name != "image":
            coders[name] = coder_of_weights(part)
    sizes = {name: len(coder) for name, coder in coders.items()}
    network = build_network(source, tree, sizes, weights=weights)
    return NetworkClassifier(tree, source, network.eval(), coders, np.ones(1, np.float32))


def with_normalisation(settings: NetworkSettings) -> NetworkSettings:
    """Return the settings with the figures for colours that their image network expects."""
    if settings.image is None:
        return settings
    return settings.model_copy(update={"image": with_own_figures(settings.image)})


def weights_hash(backbone: NetworkClassifier) -> str:
    """Return 32 hex digits of the backbone's settings and every tensor below its heads."""
    settings = backbone.settings
    unsaid: dict[str, Any] = dict.fromkeys(OF_HEADS, True)
    if settings.image is not None and settings.image.trained is None:
        unsaid["image"] = {"trained"}  # features that were kept before there was this setting
    digest = hashlib.sha256(settings.model_dump_json(exclude=unsaid).encode())
    for key, value in sorted(backbone.network.state_dict().items()):
        if not key.startswith("head."):
            digest.update(key.encode())
            digest.update(np.ascontiguousarray(value.cpu().numpy()).tobytes())
    return digest.hexdigest()[:32]


class FeatureCache:
    """A backbone's features on disk, by what a row shows to it: each is computed once.

    It is keyed by the weights too, so that backbones may share a folder.
    """

    def __init__(self, backbone: NetworkClassifier, folder: Path) -> None:
        """Take the backbone and the folder, which only one process may fill."""
        self.backbone = backbone
        self.store = RowCache(folder / f"features-{weights_hash(backbone)}", (backbone.width,), "<f4")

    def find(
        self, products: pa.Table, images: Images | None, say: Callable[[str], None] = lambda line: None
    ) -> Stored:
        """Return the features of every row, (N, D) float32 through `Stored.take`; a broken image has none."""
        keys: list[str | None] = []
        rejects: list[Reject] = []
        said = time.monotonic()
        for start in range(0, products.num_rows, CHUNK):
            chunk = products.slice(start, CHUNK)
            modalities = self.backbone.settings.modalities
            chunk_keys = [_content_key(row, modalities, images) for row in chunk.to_pylist()]
            fresh = {key: i for i, key in enumerate(chunk_keys) if key is not None and key not in self.store}
            if fresh:
                read = self.backbone.encode(chunk.take(list(fresh.values())), images)
                rejects += read.rejects
                kept = [key for key, seen in zip(fresh, read.seen, strict=True) if seen]
                self.store.append(kept, read.vectors[read.seen])
            keys += chunk_keys
            done = min(start + CHUNK, products.num_rows)
            if done == products.num_rows or time.monotonic() - said > EVERY:
                said = time.monotonic()
                say(f"features: {done:,} of {products.num_rows:,} rows")
        return Stored(self.store.values(), self.store.slots(keys), rejects)


def frozen_features(
    backbone: NetworkClassifier,
    products: pa.Table,
    images: Images | None,
    cache: Path,
    say: Callable[[str], None] = lambda line: None,
) -> Stored:
    """Return the backbone's features of every row, kept in the folder `cache`; see `FeatureCache`."""
    return FeatureCache(backbone, cache).find(products, images, say)


def _content_key(row: dict[str, Any], modalities: tuple[str, ...], images: Images | None) -> str | None:
    """Return the hash of what the backbone sees of a row, `None` where it sees nothing."""
    parts = [row[name] or "" for name in modalities if name != "image"]
    if "image" in modalities:
        parts.append(_image_key(row, images))
    if not any(parts):
        return None
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _image_key(row: dict[str, Any], images: Images | None) -> str:
    if row["image"] or images is None:
        return row["image"] or ""
    try:
        source = images.locate(row)
        return hashlib.sha256(read_image(source)).hexdigest() if source is not None else ""
    except (OSError, Mep3mError):
        return ""
