"""Image encoders: normalised pixels (B, 3, S, S) to one vector an image (B, width), through timm."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from timm.data import resolve_data_config
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.errors import ModelError, UsageError
from mep3m.settings.network import Colours, ImageSettings
from mep3m.store.json_files import read_json

#: the paper's names (§4) -> timm's
PAPER_NAMES = {"vgg19": "vgg19", "vgg-19": "vgg19", "inception-v3": "inception_v3", "resnet-50": "resnet50"}
#: pixels below which these networks cannot run at all
SMALLEST = {"inception_v3": 75, "vgg19": 32}


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


def with_own_normalisation(image: ImageSettings) -> ImageSettings:
    """Return the settings with the figures that the network was made for, where they hold none.

    They are those of `config.json` beside the weights (a hub folder of timm), else timm's for the name. A
    network that timm does not know keeps ImageNet's.
    """
    own = _from_weights(image.weights) or _from_name(image.backbone)
    return image.model_copy(update={"mean": image.mean or own.mean, "std": image.std or own.std})


def _from_weights(weights: str | None) -> Normalisation | None:
    file = Path(weights) / "config.json" if weights else None
    if file is None or not file.is_file():
        return None
    config = read_json(file)
    config = config.get("pretrained_cfg", config)
    return Normalisation(tuple(config["mean"]), tuple(config["std"])) if "mean" in config else None


def _from_name(name: str) -> Normalisation:
    known = timm.get_pretrained_cfg(PAPER_NAMES.get(name.lower(), name), allow_unregistered=True)
    if known is None:
        return IMAGENET
    config = resolve_data_config(pretrained_cfg=known.to_dict())
    return Normalisation(tuple(config["mean"]), tuple(config["std"]))


def normalise(pixels: Tensor, size: int, figures: Normalisation) -> Tensor:
    """Turn uint8 pixels (B, 3, S, S) into normalised floats (B, 3, size, size)."""
    mean, std = (
        torch.tensor(value).view(1, 3, 1, 1).mul(255).to(pixels.device, non_blocking=True)
        for value in figures
    )
    values = pixels.float().sub_(mean).div_(std)
    if pixels.shape[-1] == size:
        return values
    return F.interpolate(values, size=(size, size), mode="bilinear", antialias=True, align_corners=False)


class ImageEncoder(nn.Module):
    """A timm network without its classifier."""

    def __init__(self, network: nn.Module, width: int) -> None:
        """Take a network that maps (B, 3, S, S) to (B, width)."""
        super().__init__()
        self.network = network
        self.width = width
        self.mirror = False

    def forward(self, pixels: Tensor) -> Tensor:
        """Map normalised pixels (B, 3, S, S) to (B, width); `mirror` averages with the mirror image."""
        features: Tensor = self.network(pixels)
        if self.mirror and not self.training:
            features = (features + self.network(pixels.flip(3))) / 2
        return features


class ResNet9(nn.Module):
    """A shallow residual network that keeps small images large for long, for training on a CPU.

    After the fast CIFAR-10 networks of the DAWNBench contest (D. Page, 2018): convolutions of
    `width` to 8 × `width` channels between poolings by two, five residual blocks, no dense layer.
    """

    def __init__(self, width: int = 64) -> None:
        """Take the channels of the first stage; the output has eight times as many."""
        super().__init__()
        self.layers = nn.Sequential(
            convolution(3, width // 2, 2),
            convolution(width // 2, width),
            nn.MaxPool2d(2),
            Residual(width),
            convolution(width, 2 * width),
            nn.MaxPool2d(2),
            Residual(2 * width),
            convolution(2 * width, 4 * width),
            nn.MaxPool2d(2),
            Residual(4 * width),
            convolution(4 * width, 8 * width),
            Residual(8 * width),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, 3, S, S) to (B, 8 × width)."""
        features: Tensor = self.layers(pixels)
        return features


class Residual(nn.Module):
    """x + f(x), f being two convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution(channels, channels), convolution(channels, channels))

    def forward(self, values: Tensor) -> Tensor:
        """Map (B, channels, H, W) to the same shape."""
        result: Tensor = values + self.layers(values)
        return result


def convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Return a 3 × 3 convolution with batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


def image_encoder(name: str, pixels: int, weights: Path | None = None, **arguments: Any) -> ImageEncoder:
    """Build a timm network by name; VGG-19, Inception-v3 and ResNet-50 also by the paper's spelling.

    VGG's convolutional part is pooled to 1 × 1, so that it runs at any size and its two 4,096-wide
    layers come from the head (Table 5) instead of holding 90 % of the weights.

    Raises:
        UsageError: timm has no such network, or it cannot run on such images or with such arguments.
        ModelError: `weights` does not fit the network.
    """
    timm_name = PAPER_NAMES.get(name.lower(), name)
    if timm_name != "resnet9" and not timm.is_model(timm_name):
        near = get_close_matches(timm_name, ["resnet9", *timm.list_models()], 5, cutoff=0.5)
        hint = f"near it are {', '.join(near)}; " if near else ""
        raise UsageError(f"timm has no network '{name}'; {hint}timm.list_models() gives all names")
    if pixels < SMALLEST.get(timm_name, 16):
        raise UsageError(
            f"{name} needs images of at least {SMALLEST.get(timm_name, 16)} pixels, not {pixels}"
        )
    try:
        network = _make(timm_name, arguments)
        width = _output_width(network, pixels)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        # images have three channels: a network made for one or four fails on the blank one
        raise UsageError(
            f"{name} does not take images of 3 channels and {pixels} pixels with the arguments {arguments}: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    if weights is not None:
        load_weights(network, weights)
    return ImageEncoder(network, width)


def _make(name: str, arguments: dict[str, Any]) -> nn.Module:
    """Return a network without its classifier."""
    if name == "resnet9":
        return ResNet9(**arguments)
    if name.startswith("vgg"):
        return _vgg(name)
    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **arguments)
    return network


def _vgg(name: str) -> nn.Module:
    """Return the convolutional part of a VGG, pooled to one vector of 512."""
    whole = timm.create_model(name, pretrained=False, num_classes=0)
    return nn.Sequential(whole.features, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _output_width(network: nn.Module, pixels: int) -> int:
    """Run one blank image to learn the width; leaves the network as it was."""
    training = network.training
    network.eval()
    with torch.no_grad():
        width = network(torch.zeros(1, 3, pixels, pixels)).shape[1]
    network.train(training)
    return int(width)


def load_weights(network: nn.Module, path: Path) -> None:
    """Load pre-trained weights from a local file or a hub folder of timm (safetensors or weights-only).

    The classifier of the file is left out; everything else has to fit.

    Raises:
        ModelError: there is no such file, it is damaged, or its tensors belong to another network.
    """
    file = path
    if path.is_dir():
        files = [path / name for name in ("model.safetensors", "pytorch_model.bin") if (path / name).exists()]
        file = files[0] if files else path / "model.safetensors"
    if not file.exists():
        raise ModelError(f"no weights at {file}; give a .safetensors or .pth file or a folder that holds one")
    try:
        state = _read_tensors(file)
    except Exception as error:
        raise ModelError(f"{file} is not a readable weights file: {error}") from error
    own = network.state_dict()
    fitting = {key: value for key, value in state.items() if key in own and own[key].shape == value.shape}
    missing = sorted(set(own) - set(fitting))
    if missing:
        raise ModelError(
            f"{file} does not fit the network: {len(missing)} of {len(own)} tensors are absent or of "
            f"another shape (first: {missing[0]}); name the network that the weights were made for"
        )
    network.load_state_dict(fitting)


def _read_tensors(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        tensors: dict[str, Tensor] = load_file(file)
        return tensors
    loaded: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    state: dict[str, Tensor] = loaded.get("state_dict", loaded.get("model", loaded))
    return state
