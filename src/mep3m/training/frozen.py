"""Heads on frozen features (§5): the backbones run once a product, then only the heads are trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mep3m.errors import ModelError, UsageError
from mep3m.models.features import frozen_features
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.models.labels import LabelTree
from mep3m.models.networks.build import build_head, build_network
from mep3m.models.networks.fusion import Concatenation
from mep3m.models.networks.product import ProductNetwork
from mep3m.models.neural import NetworkClassifier
from mep3m.models.tree import prior
from mep3m.settings.network import NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training.examples import Examples, usable_rows
from mep3m.training.loop.fit import fit
from mep3m.training.losses import class_counts
from mep3m.training.task import Task


class Passed(nn.Module):
    """The encoder of features that were computed before: hands (B, width) on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, values: Tensor) -> Tensor:
        """Return (B, width) unchanged."""
        return values


def train_heads(
    features: dict[str, Stored],
    targets: NDArray[np.int32],
    rows: NDArray[np.int64],
    tree: LabelTree,
    settings: NetworkSettings,
    training: TrainingSettings,
    folder: Path,
    head: nn.Module | None = None,
) -> ProductNetwork:
    """Train the heads that `settings` name on features by modality; `targets` (N, L), -1 is masked.

    `rows` are those to learn from. The network takes the features as its inputs. `head` replaces
    the head of the settings.
    """
    torch.manual_seed(training.seed)
    widths = [int(part.values.shape[1]) for part in features.values()]
    encoders = {name: Passed(width) for name, width in zip(features, widths, strict=True)}
    head = head or build_head(settings, tree, sum(widths))
    network = ProductNetwork(encoders, Concatenation(widths), head, settings.modality_dropout)
    inputs = Inputs(features)
    usable = np.intersect1d(rows, usable_rows(inputs, targets))
    fit(network, Examples(inputs, targets, usable), tree, training, folder)
    return network


def joined_settings(backbones: Sequence[NetworkClassifier], settings: NetworkSettings) -> NetworkSettings:
    """Return settings with the backbones' encoders and the heads of `settings`.

    Raises:
        UsageError: two backbones have one modality, or a backbone mixes its modalities.
    """
    encoders: dict[str, object] = {}
    for backbone in backbones:
        own = backbone.settings
        if len(own.modalities) != 1:
            raise UsageError(
                f"a frozen backbone has one modality, this one has {', '.join(own.modalities)}; "
                "give one run for each modality"
            )
        if own.modalities[0] in encoders:
            raise UsageError(f"two backbones for the modality '{own.modalities[0]}'; give one")
        encoders[own.modalities[0]] = getattr(own, own.modalities[0])
    cleared = {"image": None, "title": None, "ocr": None, "fusion": "concatenation", "frozen": True}
    return settings.model_copy(update=cleared | encoders)


def train_on_frozen(
    task: Task,
    rows: NDArray[np.int64],
    backbones: Sequence[NetworkClassifier],
    settings: NetworkSettings,
    training: TrainingSettings,
    folder: Path,
    say: Callable[[str], None] = lambda line: None,
) -> NetworkClassifier:
    """Train heads for some rows of a task on one backbone a modality; return both as one classifier.

    Raises:
        UsageError: the backbones do not go together, or no row can be learned from.
    """
    whole = joined_settings(backbones, settings)
    parts = {backbone.settings.modalities[0]: backbone for backbone in backbones}
    ordered = {name: parts[name] for name in whole.modalities}
    features = {
        name: frozen_features(part, task.products, task.images, folder / "work", say)
        for name, part in ordered.items()
    }
    heads = train_heads(features, task.codes, rows, task.tree, whole, training, folder / "work")
    shares = prior(task.tree, class_counts(task.codes[rows], len(task.tree)))
    return join(ordered, heads, task.tree, whole, shares)


def join(
    backbones: dict[str, NetworkClassifier],
    heads: ProductNetwork,
    tree: LabelTree,
    settings: NetworkSettings,
    shares: NDArray[np.float32],
) -> NetworkClassifier:
    """Put the encoders of the backbones below trained heads.

    Raises:
        ModelError: the heads were trained on features of another width.
    """
    coders = {name: part.coders[name] for name, part in backbones.items() if name in part.coders}
    sizes = {name: len(coder) for name, coder in coders.items()}
    shapes = {name: shape for part in backbones.values() for name, shape in part.transformer_shapes().items()}
    network = build_network(settings, tree, sizes, config=shapes)
    for name, part in backbones.items():
        network.encoders[name].load_state_dict(part.network.encoders[name].state_dict())
    try:
        network.head.load_state_dict(heads.head.state_dict())
        network.absent.load_state_dict(heads.absent.state_dict())
    except RuntimeError as error:
        raise ModelError(f"the heads do not fit the backbones: {str(error).splitlines()[-1]}") from error
    return NetworkClassifier(tree, settings, network.eval(), coders, shares)
