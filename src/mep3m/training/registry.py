"""Every model by name: the module that trains it, and the extra that it needs.

To add a model, write a module with `train(task: Task, run: Path) -> Trained` and add its line here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from mep3m.errors import UsageError, did_you_mean, require
from mep3m.settings.run import Hierarchy, Modality, RunSettings
from mep3m.training.task import Task, Trained

Train = Callable[[Task, Path], Trained]


@dataclass(frozen=True)
class ModelEntry:
    """Where a model lives and what it can do.

    `needs` is a module of the optional `extra`; `None` means that the base install trains it.
    """

    module: str
    modalities: tuple[str, ...]
    hierarchies: tuple[str, ...] = ("flat",)
    needs: str | None = None
    extra: str = "train"


_NETWORK = "mep3m.training.network"
_ANY = get_args(Hierarchy)

#: name of `--model` -> entry
MODELS: dict[str, ModelEntry] = {
    "linear": ModelEntry("mep3m.training.linear.fit", ("text",), _ANY),
    "late-fusion": ModelEntry("mep3m.training.late_fusion", ("image+text",), _ANY, "torch"),
    "pretrained": ModelEntry(_NETWORK, ("image",), _ANY, "torch"),
    "small-cnn": ModelEntry(_NETWORK, ("image",), _ANY, "torch"),
    "timm": ModelEntry(_NETWORK, ("image",), _ANY, "torch"),
    "vgg19": ModelEntry(_NETWORK, ("image",), _ANY, "torch"),
    "inception-v3": ModelEntry(_NETWORK, ("image",), _ANY, "torch"),
    "resnet50": ModelEntry(_NETWORK, ("image",), _ANY, "torch"),
    "lstm": ModelEntry(_NETWORK, ("text",), _ANY, "torch"),
    "bilstm": ModelEntry(_NETWORK, ("text",), _ANY, "torch"),
    "bert": ModelEntry(_NETWORK, ("text",), _ANY, "torch"),
    "vgg+bilstm": ModelEntry(_NETWORK, ("image+text",), _ANY, "torch"),
    "tfn": ModelEntry(_NETWORK, ("image+text",), _ANY, "torch"),
    "lmf": ModelEntry(_NETWORK, ("image+text",), _ANY, "torch"),
    "joint": ModelEntry(_NETWORK, ("image+text",), _ANY, "torch"),
}

#: modality -> model without `--model`
DEFAULTS: dict[str, str] = {"text": "linear", "image": "pretrained", "image+text": "late-fusion"}


def default_model(modality: Modality) -> str:
    """Return the recommended model of a modality."""
    if modality not in DEFAULTS:
        raise UsageError(f"no model for '{modality}'{did_you_mean(modality, DEFAULTS)}")
    return DEFAULTS[modality]


def find(settings: RunSettings) -> Train:
    """Return the function that trains the model named in the settings.

    Raises:
        UsageError: there is no such model, or it cannot do the modality or the hierarchy.
        MissingExtraError: the model needs a package that is not installed.
    """
    if settings.model not in MODELS:
        raise UsageError(f"no model '{settings.model}'{did_you_mean(settings.model, MODELS)}")
    entry = MODELS[settings.model]
    if settings.modality not in entry.modalities:
        able = [name for name, other in MODELS.items() if settings.modality in other.modalities]
        raise UsageError(
            f"'{settings.model}' does not take {settings.modality} (it takes {', '.join(entry.modalities)}); "
            f"models that do: {', '.join(able) or 'none of ' + ', '.join(get_args(Modality))}"
        )
    if settings.hierarchy not in ("auto", *entry.hierarchies):
        able = [name for name, other in MODELS.items() if settings.hierarchy in other.hierarchies]
        raise UsageError(
            f"'{settings.model}' has no hierarchy '{settings.hierarchy}' (it has "
            f"{', '.join(entry.hierarchies)} of {', '.join(get_args(Hierarchy))}); "
            f"models that do: {', '.join(able) or 'none'}"
        )
    if entry.needs:
        require(entry.needs, entry.extra)
    train: Train = importlib.import_module(entry.module).train
    return train
