"""Training of the last stages of an image network on what the stages below see, which is computed once."""

from __future__ import annotations

import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np
from accelerate import PartialState
from torch import nn

from mep3m.errors import UsageError
from mep3m.label_tree.probabilities import prior
from mep3m.models.features import frozen_features, open_backbone
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.fusion import Concatenation, Standardised
from mep3m.models.networks.image import ImageEncoder
from mep3m.models.networks.last_stages import Parts, cut
from mep3m.models.networks.product import ProductNetwork
from mep3m.models.pretrained.weights import PretrainedWeights
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training.examples import Examples, usable_rows
from mep3m.training.frozen import Fitted, heads_over, shared_cache
from mep3m.training.loop.clock import Pace, RunClock, epochs_within
from mep3m.training.loop.fit import FitState, fit
from mep3m.training.loop.whole import fit_whole
from mep3m.training.losses import class_counts, learned_codes
from mep3m.training.network_presets import HEADS
from mep3m.training.task import CHECKPOINT, Task


def on_kept_stages(
    task: Task,
    settings: NetworkSettings,
    training: TrainingSettings,
    folder: Path,
    clock: RunClock,
    weights: PretrainedWeights | None = None,
) -> Fitted | None:
    """Train the last stages of an image network, the pictures going through those below it once.

    `None` where that cannot be: something is drawn anew of the pictures each time, there is another modality,
    or the network has no seam. `weights` as in `train_network`.

    Raises:
        UsageError: the network has no such stages, or see `train_last_stages`.
    """
    image = cast(ImageSettings, settings.image)
    if training.augment or training.paste or training.grow < 1 or len(settings.modalities) > 1:
        return None
    backbone = open_backbone(NetworkSettings(image=image), weights)
    parts = cut(cast(ImageEncoder, backbone.network.encoders["image"]), image.pixels, len(image.crops))
    if parts is None:
        return None
    return train_last_stages(task, backbone, parts, settings, training, folder, clock)


def check_beginning(image: ImageSettings, training: TrainingSettings) -> None:
    """Check that there is something to leave as it is below the last stages, and that they can be trained.

    Raises:
        UsageError: the network begins with nothing, or the optimiser is for heads alone.
    """
    if image.weights in (None, "none"):
        raise UsageError(
            f"trained = {image.trained} leaves the stages below as they were loaded, and nothing is loaded "
            "(weights = none): give weights = packaged, a file or a run, or leave trained out"
        )
    if training.optimiser == "lbfgs":
        raise UsageError(
            f"optimiser = lbfgs fits heads alone, and trained = {image.trained} trains stages of the "
            "network: give adamw, or frozen = true instead of trained"
        )


def train_last_stages(
    task: Task,
    backbone: NetworkClassifier,
    parts: Parts,
    settings: NetworkSettings,
    training: TrainingSettings,
    folder: Path,
    clock: RunClock,
) -> Fitted:
    """Fit heads to the network as it was loaded, then train them with its last stages.

    `parts` are those of the image encoder of `backbone`. What the stages below see is kept as frozen
    features are: in `training.cache`, else in `folder/work`.

    Raises:
        UsageError: no row can be learned from, or the minutes do not suffice for one epoch.
    """
    work, encoder = folder / "work", backbone.network.encoders["image"]
    network = ProductNetwork({"image": parts.below}, Concatenation([parts.below.width]), nn.Identity())
    below = replace(backbone, network=network)
    if training.budget is not None:
        clock.after = _check_minutes(task, below, parts, training, work, clock)
    with PartialState().main_process_first(), shared_cache(training, work) as cache:
        seen = frozen_features(below, task.products, task.images, cache, clock.say)
    inputs = Inputs({"image": seen})
    usable = usable_rows(inputs, task.codes)
    learned, held = np.intersect1d(usable, task.train), np.intersect1d(usable, task.valid)
    codes = learned_codes(task.codes, task.tree, settings.hierarchy, training.loss)
    heads = _fitted(task, parts, seen, Examples(inputs, codes, learned), settings, clock)
    examples = Examples(inputs, codes, learned)
    validation = Examples(inputs, codes, held) if len(held) else None
    history = fit(heads, examples, task.tree, training, work, validation, clock=clock)
    shares = prior(task.tree, class_counts(task.codes[learned], len(task.tree)))
    heads.encoders["image"] = encoder
    classifier = NetworkClassifier(task.tree, settings, heads.cpu().eval(), {}, shares)
    return Fitted(classifier, history, inputs.rejects)


def _check_minutes(
    task: Task,
    below: NetworkClassifier,
    parts: Parts,
    training: TrainingSettings,
    work: Path,
    clock: RunClock,
) -> float:
    """Return the seconds that a run needs after its last step, measured on a few rows before any work.

    Raises:
        UsageError: the minutes do not suffice for one epoch.
    """
    rows = task.train[: training.batch]
    few = task.products.take(rows)
    below.encode(few.slice(0, 8), task.images)  # compiles it
    began = time.perf_counter()
    vectors = below.encode(few, task.images).vectors
    prepare = (time.perf_counter() - began) / len(rows)
    head = nn.Linear(parts.above.width, len(task.tree))
    network = ProductNetwork({"image": parts.above}, Concatenation([parts.above.width]), head)
    inputs = Inputs({"image": Stored(vectors, np.arange(len(rows)))})
    codes = learned_codes(task.codes[rows], task.tree, "flat", "cross_entropy")
    some = Examples(inputs, codes, np.arange(len(rows)))
    work.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work) as scratch:
        plain = training.model_copy(update={"loss": "cross_entropy"})
        learn = FitState(deepcopy(network), some, task.tree, plain, Path(scratch)).pace().learn
    pace = Pace(learn, prepare)
    if not (work / CHECKPOINT).exists():
        epochs_within(training.budget or 0.0, clock.seconds, pace, len(task.train), len(task.valid))
    return pace.after(len(task.valid))


def _fitted(
    task: Task, parts: Parts, seen: Stored, examples: Examples, settings: NetworkSettings, clock: RunClock
) -> ProductNetwork:
    """Return the stages above, with heads that are fitted to the vectors that they give so far."""
    whole = ProductNetwork({"image": parts.above}, Concatenation([parts.above.width]), nn.Identity())
    reader = NetworkClassifier(task.tree, settings, whole, {}, np.ones(len(task.tree), np.float32))
    vectors = np.zeros((len(task), parts.above.width), np.float32)
    vectors[examples.rows] = reader.encode_read(examples.inputs, examples.rows)
    known = Stored(vectors, np.where(seen.present(), np.arange(len(task)), -1))
    heads = heads_over({"image": known}, task.tree, settings)
    at_once = Examples(Inputs({"image": known}), examples.targets, examples.rows)
    fit_whole(heads, at_once, task.tree, HEADS, clock=clock)
    if isinstance(heads.fusion, Standardised):
        heads.fusion.settled = True
    heads.encoders["image"] = parts.above
    return heads
