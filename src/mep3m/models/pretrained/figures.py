"""What an image network expects of its pictures: colours, size and crop, from its own configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import timm
from timm.data import resolve_data_config

from mep3m.settings.network import Colours, ImageSettings
from mep3m.store.json_files import read_json

#: the paper's names (§4) -> timm's
PAPER_NAMES = {"vgg19": "vgg19", "vgg-19": "vgg19", "inception-v3": "inception_v3", "resnet-50": "resnet50"}


class Normalisation(NamedTuple):
    """Mean and standard deviation of the colours (red, green, blue in 0 to 1) that a network expects."""

    mean: Colours
    std: Colours

    @classmethod
    def of(cls, image: ImageSettings) -> Normalisation:
        """Return the figures that settings hold; where they hold none, ImageNet's."""
        return cls(image.mean or IMAGENET.mean, image.std or IMAGENET.std)


#: figures of ImageNet's images; networks of the tf_, Inception and many ViT families expect .5 and .5
IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Expected(NamedTuple):
    """Colours, side in pixels, and the share of the shorter side that the central square keeps."""

    colours: Normalisation
    pixels: int
    crop: float


def timm_name(backbone: str) -> str:
    """Return timm's name of a network, which may be given as the paper spells it."""
    return PAPER_NAMES.get(backbone.lower(), backbone)


def with_own_figures(image: ImageSettings) -> ImageSettings:
    """Return the settings with the figures that the network was made for, where they hold none.

    They are those of `config.json` beside the weights (a hub folder of timm), else timm's for the name. A
    network that timm does not know keeps ImageNet's. The size is the network's own only where `pixels` is 0.
    Without crops in the settings they are the central square that the network was tested on, and for a frozen
    one the whole.
    """
    own = _from_weights(image.weights) or _from_name(image.backbone)
    changes: dict[str, Any] = {"mean": image.mean or own.colours.mean, "std": image.std or own.colours.std}
    crops = (own.crop, 0.0) if image.trained is None else (own.crop,)
    changes |= {"pixels": image.pixels or own.pixels, "crops": image.crops or crops}
    return image.model_copy(update=changes)


def _from_weights(weights: str | None) -> Expected | None:
    file = Path(weights) / "config.json" if weights else None
    if file is None or not file.is_file():
        return None
    config = read_json(file)
    config = config.get("pretrained_cfg", config)
    return _expected(config) if "mean" in config else None


def _from_name(name: str) -> Expected:
    known = timm.get_pretrained_cfg(timm_name(name), allow_unregistered=True)
    return _expected(known.to_dict() if known is not None else {})


def _expected(config: dict[str, Any]) -> Expected:
    full = resolve_data_config(pretrained_cfg=config) if config else {}
    colours = Normalisation(tuple(full["mean"]), tuple(full["std"])) if full else IMAGENET
    return Expected(colours, full["input_size"][-1] if full else 224, full["crop_pct"] if full else 1.0)
