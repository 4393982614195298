"""ONNX export of a whole network: one input a modality, probabilities out."""

from __future__ import annotations

import json
import warnings
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from mep3m.errors import require
from mep3m.label_tree.probabilities import family_runs
from mep3m.label_tree.tree import LabelTree
from mep3m.models.inputs.pixels import shape_of
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.pretrained.figures import Normalisation
from mep3m.store.filesystem import atomic_write

#: rows and tokens of the example that the export is traced with; both stay free in the file
EXAMPLE_ROWS, EXAMPLE_TOKENS = 3, 12


class _Probabilities(nn.Module):
    """A network with its inputs by position and probabilities joined as `predict_proba` does."""

    def __init__(self, classifier: NetworkClassifier) -> None:
        super().__init__()
        self.network = classifier.network
        self.names = classifier.settings.modalities
        flat = classifier.settings.hierarchy == "flat"
        self.join = classifier.level_softmax if flat else partial(multiply_down, classifier.tree)

    def forward(self, *values: Tensor) -> Tensor:
        """Map one tensor a modality and `present` (B, M) to probabilities (B, C)."""
        inputs = dict(zip((*self.names, "present"), values, strict=True))
        return self.join(self.network(inputs))


def multiply_down(tree: LabelTree, logits: Tensor) -> Tensor:
    """Map logits (B, C) to what `models.tree.from_siblings` makes of them, in operations that ONNX has."""
    shares: list[Tensor] = []
    nodes: list[Tensor] = []
    for first, last, parent in zip(*(part.tolist() for part in family_runs(tree)), strict=True):
        # families are neighbours from the first column on, so a parent's column is there already
        share = logits[:, first:last].softmax(1)
        shares.append(share if parent < 0 else share * nodes[parent])
        nodes += shares[-1].split(1, 1)
    return torch.cat(shares, 1)


def example_inputs(classifier: NetworkClassifier) -> dict[str, Tensor]:
    """Return inputs of the right shapes: images (B, [V,] 3, S, S), texts (B, T), present (B, M)."""
    values: dict[str, Tensor] = {}
    for name in classifier.settings.modalities:
        if name == "image" and classifier.settings.image is not None:
            image = classifier.settings.image
            values[name] = torch.zeros(EXAMPLE_ROWS, *shape_of(image.pixels, image.crops))
        else:
            values[name] = torch.ones(EXAMPLE_ROWS, EXAMPLE_TOKENS, dtype=torch.long)
    values["present"] = torch.ones(EXAMPLE_ROWS, len(classifier.settings.modalities), dtype=torch.bool)
    return values


def export_onnx(classifier: NetworkClassifier, path: Path) -> None:
    """Write the network as an ONNX file whose output equals `predict_proba` on the same inputs.

    Inputs: `image` (B, 3, S, S) float32, or (B, V, 3, S, S) where the network looks at V crops, `title` and
    `ocr` (B, T) int64 token ids, `present` (B, M) bool. Output: `probabilities` (B, C). Images are
    normalised as `networks.image.normalise` does; the file's metadata hold the classifier's figures as JSON
    lists: `image_mean` and `image_std` for colours from 0 to 1, and `image_crops` as in `ImageSettings`.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    onnx = require("onnx", "train")
    values = example_inputs(classifier)
    # what a compiled encoder returns is no operation that can be exported
    classifier.network.sooner.clear()
    axes = {name: {0: "rows"} for name in values}
    for name in ("title", "ocr"):
        if name in axes:
            axes[name][1] = f"{name}_tokens"
    module = _Probabilities(classifier).eval().cpu()
    with warnings.catch_warnings(), atomic_write(path) as temporary:
        warnings.simplefilter("ignore")
        # the traced exporter: the one by torch.export takes a minute and fixes the length of titles
        torch.onnx.export(
            module,
            tuple(values.values()),
            str(temporary),
            dynamo=False,
            opset_version=17,
            dynamic_axes=axes | {"probabilities": {0: "rows"}},
            input_names=list(values),
            output_names=["probabilities"],
        )
        if (image := classifier.settings.image) is not None:
            figures = Normalisation.of(image)
            model = onnx.load(str(temporary))
            metadata = {"image_mean": json.dumps(figures.mean), "image_std": json.dumps(figures.std)}
            metadata["image_crops"] = json.dumps(image.crops)
            onnx.helper.set_model_props(model, metadata)
            onnx.save(model, str(temporary))
