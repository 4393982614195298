"""From rows to encoders: the one training loop, with an objective in place of a classifier's loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.build import build_network
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.product import ProductNetwork
from mep3m.models.pretrained.weights import PretrainedWeights
from mep3m.settings.network import NetworkSettings
from mep3m.settings.run import PretrainSettings
from mep3m.settings.training import TrainingSettings
from mep3m.store.rejects import Reject
from mep3m.training.loop.clock import RunClock
from mep3m.training.losses import class_counts, make_loss
from mep3m.training.network import tell, train_network
from mep3m.training.network_presets import choose
from mep3m.training.pretraining.objectives import (
    LabelObjective,
    PairObjective,
    PlatformHead,
    PretrainingNetwork,
    ViewObjective,
)
from mep3m.training.task import Task

#: a network without classes has one, which nobody asks for
NO_CLASSES = LabelTree.from_paths([("any",)])


@dataclass(frozen=True)
class Pretrained:
    """A network that has learned: the encoder of each modality, all of them together, and what it took."""

    together: NetworkClassifier
    encoders: dict[str, NetworkClassifier]
    training: TrainingSettings
    start: PretrainedWeights | None
    history: list[dict[str, float]]
    rejects: list[Reject]
    clock: RunClock


def pretrain(task: Task, settings: PretrainSettings, run: Path) -> Pretrained:
    """Let a network learn from the training rows of a task; started again after an interruption, it goes on.

    Raises:
        UsageError: nothing to learn from, or the memory or the minutes do not suffice.
        SettingsError: an option is unknown or not allowed.
        ModelError: weights are absent, the loss is not a number, a foreign checkpoint.
    """
    network, training, start = choose(task, tell)
    clock = RunClock(say=tell)

    def teach(product: ProductNetwork) -> nn.Module:
        return _taught(product, task, training, settings)

    fitted = train_network(task, network, training, run, clock, start, teach)
    whole = fitted.classifier
    names = whole.settings.modalities
    encoders = {name: encoder_of(whole, (name,)) for name in names}
    together = encoder_of(whole, names)
    return Pretrained(together, encoders, training, start, fitted.history, fitted.rejects, clock)


def _taught(
    product: ProductNetwork, task: Task, training: TrainingSettings, settings: PretrainSettings
) -> PretrainingNetwork:
    """Put the objective and the head of the platforms around a network."""
    widths = {name: int(encoder.width) for name, encoder in product.encoders.items()}
    objective: nn.Module
    match settings.objective:
        case "supervised":
            counts = class_counts(task.codes[task.train], len(task.tree))
            objective = LabelObjective(make_loss(task.tree, counts, training))
        case "image-text":
            objective = PairObjective(widths["image"], widths["title"])
        case _:
            objective = ViewObjective(widths["image"])
    platform = None
    if settings.platform_signal != "none":
        width = sum(widths.values()) if settings.objective == "image-text" else int(product.fusion.width)
        adversarial = settings.platform_signal == "adversarial"
        platform = PlatformHead(width, task.tags["platform"], adversarial, settings.platform_weight)
    name = f"{settings.objective}, platform {settings.platform_signal} {settings.platform_weight:g}"
    return PretrainingNetwork(product, objective, platform, name)


def encoder_of(whole: NetworkClassifier, names: tuple[str, ...]) -> NetworkClassifier:
    """Return some encoders of a network as a network without classes, whose folder rebuilds itself."""
    parts = {name: getattr(whole.settings, name).model_copy(update={"weights": None}) for name in names}
    settings = NetworkSettings(**parts)
    coders = {name: coder for name, coder in whole.coders.items() if name in names}
    sizes = {name: len(coder) for name, coder in coders.items()}
    network = build_network(settings, NO_CLASSES, sizes, config=whole.transformer_shapes())
    for name in names:
        network.encoders[name].load_state_dict(whole.network.encoders[name].state_dict())
    for value in network.head.parameters():
        nn.init.zeros_(value)
    return NetworkClassifier(NO_CLASSES, settings, network.eval(), coders, np.ones(1, np.float32))
