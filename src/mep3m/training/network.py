"""From labelled product rows to a saved network classifier."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from mep3m.models.inputs.columns import Coder, Inputs, Modality, Tokens, texts_of
from mep3m.models.inputs.pixels import Decoding, PixelReader
from mep3m.models.inputs.words import PretrainedTokens, Vocabulary, word_vectors
from mep3m.models.labels import LabelTree
from mep3m.models.networks.build import build_network
from mep3m.models.neural import NetworkClassifier
from mep3m.models.tree import prior
from mep3m.settings.network import NetworkSettings, TextSettings
from mep3m.settings.training import TrainingSettings
from mep3m.store.images import Images
from mep3m.store.rejects import Reject
from mep3m.training.examples import Examples, encode_labels, usable_rows
from mep3m.training.loop.checkpoints import clear_checkpoint
from mep3m.training.loop.fit import fit
from mep3m.training.losses import class_counts

Say = Callable[[str], None]

#: cached images are larger than what the network sees by this factor, so that crops stay sharp
MARGIN = 1.25


@dataclass
class Trained:
    """A saved classifier, the figures of its epochs, and the rows whose image could not be read."""

    classifier: NetworkClassifier
    history: list[dict[str, float]]
    rejects: list[Reject]


def train_network(
    products: pa.Table,
    tree: LabelTree,
    network: NetworkSettings,
    training: TrainingSettings,
    folder: Path,
    images: Images | None = None,
    cache: Path | None = None,
    say: Say = lambda line: None,
) -> Trained:
    """Train a network on rows of `PRODUCT_SCHEMA` and save the classifier in `folder`.

    Run again after an interruption, it goes on. `cache` keeps decoded images between runs (default:
    inside `folder`). Vocabulary and word vectors come from the training rows only.

    Raises:
        UsageError: nothing to train on, or the memory does not suffice.
        ModelError: pre-trained weights are absent, the loss is not a number, a foreign checkpoint.
    """
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    held = held_back(products, training.validation)
    learned = products.filter(pa.array(~held)) if held.any() else products
    coders = fit_coders(learned, network)
    torch.manual_seed(training.seed)
    model = build_network(
        network,
        tree,
        {name: len(coder) for name, coder in coders.items()},
        _vectors(learned, network, coders, training),
    )
    with tempfile.TemporaryDirectory(dir=work) as scratch:
        inputs = read_inputs(products, network, coders, training, images, cache or work, Path(scratch), say)
        targets = encode_labels(products, tree, Path(scratch))
        rows = usable_rows(inputs, targets)
        examples = Examples(inputs, targets, rows[~held[rows]])
        validation = Examples(inputs, targets, rows[held[rows]]) if held[rows].any() else None
        pixels = network.image.pixels if network.image else None
        history = fit(model, examples, tree, training, work, validation, pixels, say)
        counts = class_counts(np.asarray(targets[examples.rows]), len(tree))
        rejects = list(getattr(inputs.parts.get("image"), "rejects", []))
    classifier = NetworkClassifier(tree, network, model.cpu(), coders, prior(tree, counts))
    classifier.save(folder)
    clear_checkpoint(work)
    return Trained(classifier, history, rejects)


def held_back(products: pa.Table, share: float) -> NDArray[np.bool_]:
    """Return (N,) which rows are for validation: whole groups of duplicates, by a hash of the group."""
    if share == 0:
        return np.zeros(products.num_rows, bool)
    return np.array([_chance(row) < share for row in _group_keys(products)], bool)


def _group_keys(products: pa.Table) -> Iterator[str]:
    columns = products.select(["group", "image", "title", "id"])
    for batch in columns.to_batches(max_chunksize=4096):
        for row in batch.to_pylist():
            yield row["group"] or row["image"] or row["title"] or row["id"]


def _chance(key: str) -> float:
    """Return a number in [0, 1) that depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "big") / 2**48


def _texts(network: NetworkSettings) -> dict[str, TextSettings]:
    return {name: getattr(network, name) for name in ("title", "ocr") if getattr(network, name) is not None}


def fit_coders(products: pa.Table, network: NetworkSettings) -> dict[str, Coder]:
    """Return the vocabulary of each text modality, counted on these rows, or its pre-trained tokeniser."""
    coders: dict[str, Coder] = {}
    for name, text in _texts(network).items():
        if text.encoder == "bert":
            coders[name] = PretrainedTokens.open(text.weights or "", text.max_tokens)
        else:
            chunks = chain.from_iterable(texts_of(products, name))
            coders[name] = Vocabulary.fit(chunks, text.tokeniser, text.max_tokens, text.vocabulary)
    return coders


def _vectors(
    products: pa.Table, network: NetworkSettings, coders: Mapping[str, Coder], training: TrainingSettings
) -> dict[str, NDArray[np.float32]]:
    """Train Word2vec for each text modality that wants it."""
    vectors = {}
    for name, text in _texts(network).items():
        coder = coders[name]
        if text.word2vec and isinstance(coder, Vocabulary):
            vectors[name] = word_vectors(coder, _Column(products, name), text.embedding, training.seed)
    return vectors


@dataclass(frozen=True)
class _Column:
    """The texts of a column, a chunk at a time, as often as asked."""

    products: pa.Table
    name: str

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(texts_of(self.products, self.name))


def read_inputs(
    products: pa.Table,
    network: NetworkSettings,
    coders: Mapping[str, Coder],
    training: TrainingSettings,
    images: Images | None,
    cache: Path,
    scratch: Path,
    say: Say,
) -> Inputs:
    """Turn the rows into memory-mapped arrays, one part a modality."""
    parts: dict[str, Modality] = {}
    for name in network.modalities:
        if name == "image" and network.image is not None:
            size = round(network.image.pixels * MARGIN) if training.augment else network.image.pixels
            if images is not None and not training.cache_images:
                parts[name] = Decoding(products, images, size)
            else:
                parts[name] = PixelReader(size, cache).find(products, images, say)
        else:
            parts[name] = Tokens.encode(coders[name], products, name, scratch)
    return Inputs(parts)
