"""Where a network begins, by the weights that a user names, and how it is trained from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mep3m.errors import ModelError, UsageError
from mep3m.models.pretrained.weights import PretrainedWeights, described, find_weights
from mep3m.representations.weights import image_settings, part_of
from mep3m.settings.network import WEIGHT_WORDS, ImageSettings, NetworkSettings
from mep3m.settings.run import RunSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training.network_presets import SMALL, resolve
from mep3m.training.registry import find
from mep3m.training.task import RECOMMENDED

#: what an encoder says of the images it looks at, as options of a network
_OF_IMAGES = ("backbone", "arguments", "pixels", "mean", "std")
#: passes over the pictures where all of a network is trained and nothing says how long: minutes on two cores
#: for ten pictures of each of 81 classes, and the same on every machine
EPOCHS = 30
#: options that say how long
_HOW_LONG = frozenset({"epochs", "minutes", "samples", "preset"})


@dataclass(frozen=True)
class Start:
    """A network, how it is trained, and the weights that it begins with (`None`: random ones)."""

    network: NetworkSettings
    training: TrainingSettings
    weights: PretrainedWeights | None
    model: str

    def facts(self) -> dict[str, Any]:
        """Return what is trained and from where, as a result says it."""
        image = self.network.image
        trained = "heads on a network that stays as it is" if self.network.frozen else "the whole network"
        own = described(image, self.weights) if image is not None else {}
        return {"model": self.model, "trained": trained, **own}


def start_from(weights: str, model: str | None = None, options: Mapping[str, Any] | None = None) -> Start:
    """Return the network that `weights` name: none, packaged, auto, hub, a file, an encoder or a run.

    Without `model`, a network without weights and the house's small one are trained whole (`small-cnn`), any
    other keeps what it has learned and gets new heads (`pretrained`).

    Raises:
        UsageError: the model takes no images, or the encoder reads something else.
        ModelError: the weights are absent, damaged or of another network.
        MissingExtraError: the package of the weights is not installed.
    """
    given: dict[str, Any] = {"weights": None}
    if weights != "none":
        own = _image_settings(weights)
        given = {name: getattr(own, name) for name in _OF_IMAGES} | {"weights": weights}
    small = weights == "none" or given["backbone"] == SMALL.backbone
    model = model or ("small-cnn" if small else "pretrained")
    find(RunSettings(modality="image", model=model))
    if small:
        given["pooling"] = "last"
    network, training = resolve(model, given | dict(options or {}))
    if not network.frozen and not _HOW_LONG & set(options or {}):
        training = training.model_copy(update={"epochs": EPOCHS})
    network = network.model_copy(update={"hierarchy": RECOMMENDED.get(model, "flat")})
    if network.frozen and weights == "none":
        raise UsageError(
            "weights = none is a network that has learned nothing: all of it has to be trained; leave out "
            f"--model {model}, or name one that is trained whole (small-cnn, timm)"
        )
    if network.frozen and training.optimiser != "lbfgs":
        raise UsageError(
            f"optimiser = {training.optimiser} is for networks that are trained whole; heads on a frozen "
            "one are fitted with lbfgs"
        )
    image = cast(ImageSettings, network.image)  # `find` has refused a model without
    found = find_weights(image)
    if found is None and weights != "none":
        raise ModelError(
            f"no weights of {image.backbone} are to be had on this machine; run: pip install "
            "'mep3m[train]', name a file or folder of weights, or begin from nothing with --weights none"
        )
    return Start(network, training, found, model)


def _image_settings(weights: str) -> ImageSettings:
    if weights in WEIGHT_WORDS:
        return image_settings(weights, None)
    path = Path(weights)
    if (part := part_of(path)) != "image":
        raise UsageError(
            f"{path} encodes the {part}, and what is learned here are pictures; give an encoder of images"
        )
    return image_settings("", path)
