"""Weights by name: auto, packaged, hub, none, a file, a folder, or a trained run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
from torch import Tensor

from mep3m.errors import ModelError, UsageError
from mep3m.models.pretrained.figures import timm_name
from mep3m.models.pretrained.files import read_tensors, tensors_hash, weights_file
from mep3m.models.pretrained.hub import hub_network
from mep3m.models.pretrained.packaged import PACKAGES, is_installed, package_version, packaged_weights
from mep3m.models.pretrained.run_folder import image_of_run
from mep3m.settings.network import WEIGHT_WORDS, ImageSettings


@dataclass(frozen=True)
class PretrainedWeights:
    """Tensors by the names of timm's network, and what the model folder and the card say of them."""

    tensors: Mapping[str, Tensor]
    #: the package with its version, the hub's name, or the file's name
    source: str
    licence: str | None

    def facts(self) -> dict[str, str | None]:
        """Return where the weights come from, a hash of the tensors (32 hex digits) and their licence."""
        return {"source": self.source, "hash": tensors_hash(self.tensors), "licence": self.licence}


def find_weights(
    image: ImageSettings, say: Callable[[str], None] = lambda line: None
) -> PretrainedWeights | None:
    """Return the weights that the settings name, `None` for a network that is trained from nothing.

    `auto` takes those of an installed package, else those of the hub's cache on this machine, else those of
    the hub, which is asked for seconds only; where nothing is to be had `say` is told why, in one line.

    Raises:
        ModelError: the weights are absent, damaged or of another network.
        MissingExtraError: the package of the weights is not installed.
    """
    name = timm_name(image.backbone)
    match image.weights:
        case None | "none":
            return None
        case "packaged":
            return _packaged(name)
        case "hub":
            return _hub(name)
        case "auto":
            return _packaged(name) if is_installed(name) else _hub_or_none(name, say)
        case path:
            return _file(Path(path), name)


def _packaged(name: str) -> PretrainedWeights:
    tensors, _ = packaged_weights(name)
    return PretrainedWeights(tensors, package_version(name), PACKAGES[name].licence)


def _hub(name: str) -> PretrainedWeights:
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    if config is None or not config.has_weights:
        raise ModelError(f"the hub has no weights of {name}; give a weights file, or weights = none")
    try:
        network = hub_network(name, config)
    except ModelError as error:
        raise ModelError(
            f"the weights of {name} cannot be had ({error}); give a weights file or folder, or "
            f"weights = packaged with one of {', '.join(PACKAGES)}"
        ) from error
    return PretrainedWeights(network.state_dict(), f"{config.hf_hub_id or config.url}", config.license)


def _hub_or_none(name: str, say: Callable[[str], None]) -> PretrainedWeights | None:
    if not timm.is_model(name):
        return None
    try:
        return _hub(name)
    except ModelError as error:
        say(str(error))
        return None


def _file(path: Path, name: str) -> PretrainedWeights:
    if not path.exists():
        raise ModelError(
            f"no weights at {path}; give a file, a folder, a trained run, or {', '.join(WEIGHT_WORDS)}"
        )
    run = image_of_run(path)
    if run is not None and timm_name(run["backbone"]) != name:
        raise UsageError(
            f"{path} is a run of the network {run['backbone']}, not {name}; set backbone={run['backbone']}"
        )
    return PretrainedWeights(read_tensors(weights_file(path)), path.name, None)


def card_line(image: ImageSettings, weights: PretrainedWeights | None) -> str:
    """Return one line that says where the weights of an image network come from."""
    if weights is None:
        reason = {None: "no weights given", "none": "no weights wanted"}.get(
            image.weights, "no weights to be had on this machine"
        )
        return f"{image.backbone} from scratch ({reason})"
    last = "" if image.trained is None else f"; trained = {image.trained}: its last stages, with the heads"
    return f"{image.backbone} with the weights of {weights.source}{last}"


def described(image: ImageSettings, weights: PretrainedWeights | None) -> dict[str, Any]:
    """Return what the model folder keeps of the weights that a network began with."""
    facts: Mapping[str, Any] = weights.facts() if weights is not None else {"source": None}
    trained = {} if image.trained is None else {"trained": image.trained}
    return {
        "backbone": image.backbone,
        **facts,
        **trained,
        "mean": image.mean,
        "std": image.std,
        "pixels": image.pixels,
    }
