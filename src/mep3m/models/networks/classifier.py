"""The classifier kind 'network': a `ProductNetwork` with its vocabularies, in a folder without pickle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import SMALLEST, from_siblings
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Encoded, Prediction
from mep3m.models.inputs.columns import Coder, Inputs, Tokens
from mep3m.models.inputs.pixels import PixelReader
from mep3m.models.inputs.words import PretrainedTokens, TokenVocabulary
from mep3m.models.learned.statistics import ClassStatistics
from mep3m.models.networks.build import build_network
from mep3m.models.networks.compiled import can_compile, compile_encoder
from mep3m.models.networks.image import ImageEncoder, normalise
from mep3m.models.networks.last_stages import Below
from mep3m.models.networks.product import ProductNetwork
from mep3m.models.pretrained.figures import Normalisation
from mep3m.settings.network import NetworkSettings
from mep3m.store.filesystem import atomic_write
from mep3m.store.images import Images
from mep3m.store.json_files import read_json, write_json
from mep3m.store.rejects import Reject

KIND, FORMAT = "network", 1
#: rows of one forward pass in prediction, and the pixels of their images
BATCH, BATCH_PIXELS = 256, 8_000_000


@dataclass
class NetworkClassifier:
    """A trained network over the nodes of a label tree.

    `frequencies` (C,) are the shares of each node among the training labels of its level; a row
    with none of the network's modalities gets these. `taxonomy` is the version of the taxonomy.
    """

    tree: LabelTree
    settings: NetworkSettings
    network: ProductNetwork
    coders: Mapping[str, Coder]
    frequencies: NDArray[np.float32]
    taxonomy: str | None = None
    card: dict[str, Any] = field(default_factory=dict)
    #: what a frozen encoder keeps of its training rows, to learn classes later; `load` does not read it
    kept: ClassStatistics | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The modalities of the network."""
        return tuple(self.settings.modalities)

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> NDArray[np.float32]:
        """Return (N, C) probabilities.

        With a hierarchy they are coherent (`models.tree`); flat heads are one softmax a level.
        """
        return self.predict(products, images).proba

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        """Return the probabilities, which rows have an image or a known token, and the unreadable images."""
        rejects: list[Reject] = []
        return self._answers(products.num_rows, self._batches(products, images, rejects), rejects)

    def predict_read(self, inputs: Inputs, rows: NDArray[np.int64]) -> Prediction:
        """Return what `predict` does for some rows of inputs that need no further reading: features."""
        steps = (slice(start, start + BATCH) for start in range(0, len(rows), BATCH))
        return self._answers(len(rows), ((step, inputs.take(rows[step])) for step in steps), inputs.rejects)

    def _answers(
        self, count: int, batches: Iterable[tuple[slice, dict[str, Tensor]]], rejects: list[Reject]
    ) -> Prediction:
        probabilities = np.empty((count, len(self.tree)), np.float32)
        seen = np.empty(count, bool)
        for rows, inputs in batches:
            there = self._told(inputs)
            logits = self._forward(self.network, inputs)
            probabilities[rows] = np.where(there[:, None], self.join(logits), self.frequencies)
            seen[rows] = there
        return Prediction(probabilities, seen, rejects)

    def _told(self, inputs: dict[str, Tensor]) -> NDArray[np.bool_]:
        """Return (B,) whether a row tells the network anything: an image, or a token that it knows."""
        told = inputs["present"].clone()
        for place, name in enumerate(self.settings.modalities):
            if name in self.coders:
                silent = torch.tensor(self.coders[name].silent)
                told[:, place] &= ~torch.isin(inputs[name], silent).all(1)
        there: NDArray[np.bool_] = told.any(1).numpy()
        return there

    @property
    def width(self) -> int:
        """The width D of the fused vectors."""
        return int(self.network.fusion.width)

    def join(self, logits: Tensor) -> NDArray[np.float32]:
        """Map logits (B, C) to probabilities of the nodes, coherent unless the heads are flat."""
        if self.settings.hierarchy == "flat":
            flat: NDArray[np.float32] = self.level_softmax(logits).numpy()
            return flat
        return from_siblings(self.tree, logits.numpy())

    def encode(self, products: pa.Table, images: Images | None = None) -> Encoded:
        """Return the fused vectors before the heads: features for anything trained on top."""
        vectors = np.empty((products.num_rows, self.width), np.float32)
        seen = np.empty(products.num_rows, bool)
        rejects: list[Reject] = []
        for rows, inputs in self._batches(products, images, rejects):
            vectors[rows] = self._forward(self.network.encode, inputs).numpy()
            seen[rows] = inputs["present"].any(1).numpy()
        return Encoded(vectors, seen, rejects)

    def predict_encoded(
        self, products: pa.Table, images: Images | None = None
    ) -> tuple[Prediction, NDArray[np.float32]]:
        """Return what `predict` does, and the fused vectors (N, D) that it comes from, in one pass."""
        count, nodes, rejects = products.num_rows, len(self.tree), list[Reject]()
        probabilities = np.empty((count, nodes), np.float32)
        vectors, seen = np.empty((count, self.width), np.float32), np.empty(count, bool)
        for rows, inputs in self._batches(products, images, rejects):
            there = self._told(inputs)
            both = self._forward(self._logits_and_vectors, inputs)
            probabilities[rows] = np.where(there[:, None], self.join(both[:, :nodes]), self.frequencies)
            vectors[rows], seen[rows] = both[:, nodes:].numpy(), there
        return Prediction(probabilities, seen, rejects), vectors

    def _logits_and_vectors(self, inputs: dict[str, Tensor]) -> Tensor:
        """Return (B, C + D) the logits, and beside them the fused vectors."""
        vectors = self.network.encode(inputs)
        return torch.cat([self.network.head(vectors), vectors], 1)

    def encode_read(self, inputs: Inputs, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the fused vectors (n, D) of some rows of inputs that need no further reading: features."""
        steps = (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
        made = [self._forward(self.network.encode, inputs.take(step)).numpy() for step in steps]
        return np.concatenate(made) if made else np.zeros((0, self.width), np.float32)

    def level_softmax(self, logits: Tensor) -> Tensor:
        """Map logits (B, C) to probabilities, one softmax a level.

        A name below several parents has the probability of its nodes together, divided among them as
        those of their parents are.
        """
        levels: list[Tensor] = []
        for level in range(1, self.tree.depth + 1):
            nodes = self.tree.nodes(level)
            shares = logits[:, nodes].softmax(1)
            _, mine = np.unique(self.tree.first_of_name[nodes], return_inverse=True)
            several = np.flatnonzero(np.bincount(mine)[mine] > 1)
            if len(several):
                same = torch.from_numpy((mine[several][:, None] == mine[several]).astype(np.float32))
                parents = torch.from_numpy(self.tree.parent[nodes][several] - self.tree.starts[level - 2])
                above = levels[-1][:, parents.long()] + SMALLEST
                divided = shares[:, torch.from_numpy(several)] @ same * (above / (above @ same))
                place = np.arange(len(mine))
                place[several] = len(mine) + np.arange(len(several))
                shares = torch.cat([shares, divided], 1)[:, torch.from_numpy(place)]
            levels.append(shares)
        return torch.cat(levels, 1)

    def inputs(self, products: pa.Table, images: Images | None) -> Inputs:
        """Read the rows' modalities into memory."""
        parts: dict[str, Any] = {}
        for name in self.settings.modalities:
            if name == "image" and (image := self.settings.image) is not None:
                reader = PixelReader(image.decoded, None, image.max_pixels, image.crops)
                parts[name] = reader.find(products, images)
            else:
                parts[name] = Tokens.encode(self.coders[name], products, name)
        return Inputs(parts)

    def _batches(
        self, products: pa.Table, images: Images | None, rejects: list[Reject]
    ) -> Iterator[tuple[slice, dict[str, Tensor]]]:
        """Yield the rows' place and their tensors, pixels normalised; add unreadable images to `rejects`."""
        image = self.settings.image
        area = image.pixels**2 * len(image.crops) if image is not None else 1
        size = min(max(BATCH_PIXELS // area, 1), BATCH)
        for start in range(0, products.num_rows, size):
            chunk = products.slice(start, size)
            read = self.inputs(chunk, images)
            tensors = read.take(np.arange(chunk.num_rows))
            rejects.extend(read.rejects)
            if "image" in tensors and image is not None:
                tensors["image"] = normalise(tensors["image"], image.pixels, Normalisation.of(image))
            yield slice(start, start + chunk.num_rows), tensors

    @torch.no_grad()
    def _forward(self, function: Any, inputs: dict[str, Tensor]) -> Tensor:
        """Run a function of the network, on the GPU if there is one, in float32 wherever it is."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network.eval().to(device)
        self._compile()
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            result: Tensor = function({name: value.to(device) for name, value in inputs.items()})
        return result.float().cpu()

    def _compile(self) -> None:
        """Compile an encoder that began with weights: those are large, and worth the seconds it takes."""
        image, network = self.settings.image, self.network
        if image is None or not (self.settings.frozen or image.trained) or "image" in network.sooner:
            return
        encoder = network.encoders["image"]
        if isinstance(encoder, ImageEncoder | Below) and can_compile():
            network.sooner["image"] = compile_encoder(encoder, image.pixels)

    def save(self, folder: Path) -> None:
        """Write `classifier.json`, `weights.safetensors`, the vocabularies and the transformers shapes."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / "weights.safetensors") as temporary:
            tensors = {
                key: value.detach().cpu().contiguous() for key, value in self.network.state_dict().items()
            }
            save_file(tensors, temporary)
        for name, coder in self.coders.items():
            coder.save(folder, name)
        if self.kept is not None:
            self.kept.save(folder)
        write_json(
            folder / "classifier.json",
            {
                "kind": KIND,
                "format": FORMAT,
                "tree": self.tree.to_json(),
                "taxonomy": self.taxonomy,
                "settings": self.settings.model_dump(),
                "transformers": self.transformer_shapes(),
                "frequencies": self.frequencies.tolist(),
                "card": self.card,
            },
        )

    def transformer_shapes(self) -> dict[str, Any]:
        """Return the configuration of each transformers encoder, by modality."""
        shapes = {}
        for name in ("title", "ocr"):
            text = getattr(self.settings, name)
            if text is not None and text.encoder == "bert":
                config = self.network.encoders[name].encoder.model.config
                shapes[name] = config.to_diff_dict() | {"model_type": config.model_type}
        return shapes


def load(folder: Path) -> NetworkClassifier:
    """Rebuild the classifier that `save` wrote; no network access, no pre-trained weights.

    Raises:
        ModelError: a file is missing or damaged, or the weights belong to another label tree.
    """
    description = read_json(folder / "classifier.json")
    try:
        if description["format"] != FORMAT:
            raise ModelError(f"{folder} has format {description['format']}, this version reads {FORMAT}")
        tree = LabelTree.from_json(description["tree"])
        settings = NetworkSettings.parse(description["settings"], str(folder / "classifier.json"))
        shapes = description["transformers"]
        frequencies = np.array(description["frequencies"], np.float32)
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{folder}/classifier.json is incomplete ({error}); train or copy it again"
        ) from error
    coders = {name: _coder(folder, name, settings) for name in settings.modalities if name != "image"}
    sizes = {name: len(coder) for name, coder in coders.items()}
    network = build_network(settings, tree, sizes, config=shapes)
    load_tensors(network, folder / "weights.safetensors", tree)
    network.eval()
    return NetworkClassifier(
        tree, settings, network, coders, frequencies, description["taxonomy"], description["card"]
    )


def _coder(folder: Path, name: str, settings: NetworkSettings) -> Coder:
    text = getattr(settings, name)
    if text.encoder == "bert":
        return PretrainedTokens.open(str(folder / f"{name}.tokeniser"), text.max_tokens)
    return TokenVocabulary.load(folder, name)


def load_tensors(network: ProductNetwork, file: Path, tree: LabelTree) -> None:
    """Load weights that fit exactly.

    Raises:
        ModelError: the file is absent or damaged, or made for another network or label tree.
    """
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file} is absent or damaged ({error}); train or copy the folder again") from error
    own = network.state_dict()
    wrong = [key for key in sorted(own) if key not in tensors or tensors[key].shape != own[key].shape]
    if not wrong:
        network.load_state_dict(tensors, strict=False)
        return
    heads = [key for key in wrong if key.startswith("head.")]
    if heads == wrong:
        raise ModelError(
            f"{file} was trained for another taxonomy: its heads do not fit the {len(tree)} categories "
            "of classifier.json; use the classifier.json it was saved with, or train again"
        )
    raise ModelError(f"{file} belongs to another network: {len(wrong)} tensors differ (first: {wrong[0]})")
