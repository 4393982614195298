"""Settings to networks: names are resolved here, the parts themselves take plain arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mep3m.errors import ModelError, UsageError, require
from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.fusion import Concatenation, LowRankFusion, Standardised, TensorFusion
from mep3m.models.networks.hierarchy import HierarchyHeads
from mep3m.models.networks.image import image_encoder
from mep3m.models.networks.last_stages import train_last
from mep3m.models.networks.linear_heads import LinearHeads
from mep3m.models.networks.product import LevelHeads, ProductNetwork
from mep3m.models.networks.text import RecurrentText, TransformerText
from mep3m.models.pretrained.files import load_weights
from mep3m.models.pretrained.titles import load_titles
from mep3m.models.pretrained.weights import PretrainedWeights, find_weights
from mep3m.settings.network import NetworkSettings, TextSettings


def build_network(
    settings: NetworkSettings,
    tree: LabelTree,
    vocabularies: Mapping[str, int],
    vectors: Mapping[str, NDArray[np.float32]] | None = None,
    config: Mapping[str, Any] | None = None,
    weights: PretrainedWeights | None = None,
) -> ProductNetwork:
    """Build the network that the settings describe over the nodes of `tree`.

    `vocabularies` holds the number of token ids of each text modality, `vectors` their initial word
    vectors (V, E). With `config` (a saved classifier: transformers configurations by modality)
    nothing pre-trained is read, since the weights follow. `weights` are those that the settings of the
    image name, where they have been found already.

    Raises:
        UsageError: no modality is set, or a name is unknown.
        ModelError: pre-trained weights are absent or do not fit.
    """
    if not settings.modalities:
        raise UsageError("the network has no modality; set at least one of image, title, ocr")
    encoders: dict[str, nn.Module] = {}
    if settings.image is not None:
        image = settings.image
        encoder = image_encoder(image.backbone, image.pixels, image.pooling, **image.arguments)
        if weights is None and config is None:
            weights = find_weights(image)
        if weights is not None:
            load_weights(encoder.network, weights.tensors, weights.source)
        encoder.mirror = image.mirror
        if image.trained is not None:
            train_last(encoder, image.trained, image.backbone)
        encoders["image"] = encoder
    for name in ("title", "ocr"):
        text: TextSettings | None = getattr(settings, name)
        if text is not None:
            start = (vectors or {}).get(name)
            encoders[name] = _text_encoder(text, vocabularies[name], start, (config or {}).get(name))
            if config is None and text.encoder != "bert" and text.weights is not None:
                load_titles(encoders[name], text)
    fusion = build_fusion(settings, [int(part.width) for part in encoders.values()])
    head = build_head(settings, tree, int(fusion.width))
    network = ProductNetwork(encoders, fusion, head, settings.modality_dropout)
    if settings.frozen:
        network.encoders.requires_grad_(False)
    return network


def build_head(settings: NetworkSettings, tree: LabelTree, width: int) -> nn.Module:
    """Build the classifiers of all levels over fused vectors of this width."""
    linear = settings.head == "linear" and not settings.hidden
    if linear and settings.hierarchy in ("coarse-to-fine", "fine-to-coarse"):
        return LinearHeads(width, tree, settings.hierarchy)
    if linear or settings.hierarchy == "flat":
        return LevelHeads(width, len(tree), settings.hidden, settings.dropout)
    levels = [tree.starts[level] - tree.starts[level - 1] for level in range(1, tree.depth + 1)]
    return HierarchyHeads(width, levels, settings.hierarchy, settings.hidden, settings.dropout)


def build_fusion(settings: NetworkSettings, widths: Sequence[int]) -> nn.Module:
    """Build what makes one vector of those of the modalities, which have these widths."""
    fusion = _fusion(settings, widths)
    return Standardised(fusion) if settings.standardise else fusion


def _fusion(settings: NetworkSettings, widths: Sequence[int]) -> nn.Module:
    if len(widths) == 1 or settings.fusion == "concatenation":
        return Concatenation(widths)
    if settings.fusion == "tensor":
        return TensorFusion(widths, settings.rank)
    return LowRankFusion(widths, rank=settings.rank)


def _text_encoder(
    settings: TextSettings, size: int, vectors: NDArray[np.float32] | None, config: dict[str, Any] | None
) -> nn.Module:
    if settings.encoder == "bert":
        return _transformer(settings, size, config)
    if vectors is None:
        start: Tensor = torch.randn(size, settings.embedding)
        start[0] = 0
    else:
        start = torch.from_numpy(vectors)
    bidirectional = settings.encoder == "bilstm"
    return RecurrentText(start, settings.hidden, bidirectional, settings.layers, settings.dropout)


def _transformer(settings: TextSettings, size: int, config: dict[str, Any] | None) -> nn.Module:
    """Open a transformers encoder with its weights, or rebuild its shape from a saved configuration.

    `size` is the number of ids of its tokeniser, with the one of padding.
    """
    transformers = require("transformers", "train")
    if config is not None:
        shape = transformers.AutoConfig.for_model(**config)
        encoder = transformers.AutoModel.from_config(shape)
    elif settings.weights is None:
        raise UsageError("bert needs weights: give a local folder or a hub name (text weights setting)")
    else:
        try:
            encoder = transformers.AutoModel.from_pretrained(settings.weights)
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            message = f"no transformers weights at '{settings.weights}' ({reason}); give a local folder"
            raise ModelError(message) from error
    known = int(encoder.get_input_embeddings().num_embeddings)
    if size - 1 > known:
        raise ModelError(
            f"the tokeniser has {size - 1:,} tokens and the model knows {known:,}: they do not belong "
            "together; give the folder that both were saved in"
        )
    return TransformerText(_ShiftedIds(encoder), int(encoder.config.hidden_size))


class _ShiftedIds(nn.Module):
    """Undo the shift of `words.PretrainedTokens`: ids are moved down by one, padding to the model's own."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        return self.model(input_ids=(input_ids - 1).clamp(min=0), attention_mask=attention_mask)
