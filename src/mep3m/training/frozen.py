"""Heads on frozen features (§5): the backbones run once a product, then only the heads are trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from accelerate import PartialState
from numpy.typing import NDArray
from torch import Tensor, nn

from mep3m.arrays import unit_length
from mep3m.errors import UsageError
from mep3m.label_tree.probabilities import deepest, prior
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Prediction
from mep3m.models.features import frozen_features
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.models.learned.statistics import WIDEST, ClassStatistics
from mep3m.models.networks.build import build_fusion, build_head
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.product import ProductNetwork
from mep3m.settings.network import NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.rejects import Reject
from mep3m.training.examples import Examples, usable_rows
from mep3m.training.loop.clock import RunClock
from mep3m.training.loop.discriminant import finished
from mep3m.training.loop.fit import fit
from mep3m.training.loop.whole import fit_whole
from mep3m.training.losses import class_counts, learned_codes
from mep3m.training.task import Task


class Fitted(NamedTuple):
    """A trained classifier, the figures of its epochs, and the images that could not be read.

    `valid` are its answers for the held-out rows where they come of the features of the training.
    """

    classifier: NetworkClassifier
    history: list[dict[str, float]]
    rejects: list[Reject]
    valid: Prediction | None = None


@contextmanager
def shared_cache(training: TrainingSettings, work: Path) -> Iterator[Path]:
    """Give the folder of decoded images and features: the run's own, or one that runs share in turns.

    Raises:
        StoreError: another run is filling it.
    """
    if training.cache is None:
        yield work
        return
    with exclusive_lock(Path(training.cache)):
        yield Path(training.cache)


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
    network = heads_over(features, tree, settings, head)
    inputs = Inputs(features)
    usable = np.intersect1d(rows, usable_rows(inputs, targets))
    fit(network, Examples(inputs, targets, usable), tree, training, folder)
    return network


def heads_over(
    features: dict[str, Stored], tree: LabelTree, settings: NetworkSettings, head: nn.Module | None = None
) -> ProductNetwork:
    """Build fusion and heads of a network that takes features by modality as its inputs."""
    widths = [int(part.values.shape[1]) for part in features.values()]
    encoders = {name: Passed(width) for name, width in zip(features, widths, strict=True)}
    fusion = build_fusion(settings, widths)
    head = head or build_head(settings, tree, int(fusion.width))
    return ProductNetwork(encoders, fusion, head, settings.modality_dropout)


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
    backbones: Sequence[NetworkClassifier],
    settings: NetworkSettings,
    training: TrainingSettings,
    folder: Path,
    clock: RunClock | None = None,
) -> Fitted:
    """Train heads on one backbone a modality; both together are one classifier.

    `settings` have the encoders of the backbones (`joined_settings`). Features are kept in
    `training.cache`, else with the state of the run in `folder/work`.

    Raises:
        UsageError: the backbones do not go together, or no row can be learned from.
    """
    parts = {backbone.settings.modalities[0]: backbone for backbone in backbones}
    ordered = {name: parts[name] for name in settings.modalities}
    work, clock = folder / "work", clock or RunClock()
    with PartialState().main_process_first(), shared_cache(training, work) as cache:
        features = {
            name: frozen_features(part, task.products, task.images, cache, clock.say)
            for name, part in ordered.items()
        }
    inputs = Inputs(features)
    usable = usable_rows(inputs, task.codes)
    learned, held = np.intersect1d(usable, task.train), np.intersect1d(usable, task.valid)
    codes = learned_codes(task.codes, task.tree, settings.hierarchy, training.loss)
    torch.manual_seed(training.seed)
    heads = heads_over(features, task.tree, settings)
    examples = Examples(inputs, codes, learned)
    validation = Examples(inputs, codes, held) if len(held) else None
    at_once = training.optimiser == "lbfgs"
    if at_once:
        history = fit_whole(heads, examples, task.tree, training, validation, clock)
    else:
        history = fit(heads, examples, task.tree, training, work, validation, clock=clock)
    shares = prior(task.tree, class_counts(task.codes[learned], len(task.tree)))
    coders = {name: part.coders[name] for name, part in ordered.items() if name in part.coders}
    said = finished(heads, examples, task.tree, training)
    classifier = NetworkClassifier(task.tree, settings, said, coders, shares)
    # what a text shows is told by its tokens, which the features do not hold
    valid = None if coders else classifier.predict_read(inputs, task.valid)
    if at_once and valid is not None and len(held):
        # they have been scored: now the heads learn from the held-out rows too (decision 052)
        everything = Examples(inputs, codes, np.union1d(learned, held))
        fit_whole(heads, everything, task.tree, training, clock=clock)
        classifier.network = finished(heads, everything, task.tree, training)
    classifier.kept = _kept(classifier, inputs, np.union1d(learned, held), task)
    put_below(classifier.network, ordered)
    return Fitted(classifier, history, inputs.rejects, valid)


def _kept(
    classifier: NetworkClassifier, inputs: Inputs, rows: NDArray[np.int64], task: Task
) -> ClassStatistics | None:
    """Return what is kept of the rows whose label is a leaf; `None` where the vectors are too wide."""
    if classifier.width > WIDEST:
        return None
    nodes = deepest(task.codes[rows])
    classes = np.where(np.isin(nodes, task.tree.leaves), nodes, -1).astype(np.int64)
    return ClassStatistics.of(
        task.tree.paths, classes, lambda chosen: unit_length(classifier.encode_read(inputs, rows[chosen]))[0]
    )


def put_below(heads: ProductNetwork, backbones: Mapping[str, NetworkClassifier]) -> None:
    """Make heads on features a network on products, with the encoders of the backbones (compiled or not)."""
    for name, part in backbones.items():
        heads.encoders[name] = part.network.encoders[name]
        heads.sooner |= part.network.sooner
    heads.encoders.requires_grad_(False)
