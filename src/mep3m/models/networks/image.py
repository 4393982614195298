"""Image encoders: normalised pixels (B, 3, S, S) to one vector an image (B, width), through timm."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from difflib import get_close_matches
from inspect import signature
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.errors import UsageError
from mep3m.models.pretrained.figures import Normalisation, timm_name
from mep3m.settings.network import Pooling

#: pixels below which these networks cannot run at all
SMALLEST = {"inception_v3": 75, "vgg19": 32}


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

    def __init__(self, network: nn.Module, width: int, pooling: Pooling = "last") -> None:
        """Take a network that maps (B, 3, S, S) to (B, width), by its last vector or more."""
        super().__init__()
        self.network = network
        self.width = width
        self.pooling = pooling
        self.mirror = False
        #: modules whose statistics stay as they were loaded while the others train (`last_stages`)
        self.still: list[nn.Module] = []
        self.blocks = {}
        if pooling == "blocks" and "extra_blocks" in signature(network.forward_intermediates).parameters:
            self.blocks = {"extra_blocks": True}

    def forward(self, pixels: Tensor) -> Tensor:
        """Map normalised pixels (B, 3, S, S) to (B, width); `mirror` averages with the mirror image.

        Several views of each image, (B, V, 3, S, S), give the mean of their vectors.
        """
        return self.over_views(self.vector, pixels)

    def over_views(self, vector: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
        """Return what `vector`, one view to (B, width), gives for all views: the mean."""
        return mean_of_views(vector, pixels, self.mirror and not self.training)

    def train(self, mode: bool = True) -> ImageEncoder:
        """Set the network to training or prediction; what stays as it was loaded only predicts."""
        super().train(mode)
        for module in self.still:
            module.eval()
        return self

    def vector(self, pixels: Tensor) -> Tensor:
        """Map normalised pixels (B, 3, S, S) to (B, width) as they are."""
        if self.pooling == "last":
            last: Tensor = self.network(pixels)
            return last
        last, maps = self.network.forward_intermediates(pixels, **self.blocks)
        return torch.cat([*(one.mean((2, 3)) for one in maps), self.network.forward_head(last, True)], 1)


def mean_of_views(vector: Callable[[Tensor], Tensor], pixels: Tensor, mirror: bool) -> Tensor:
    """Return (B, width), the mean of `vector` over views (B, [V,] 3, S, S), and their mirror images too."""
    if pixels.dim() == 5:
        return mean_of_views(vector, pixels.flatten(0, 1), mirror).unflatten(0, (-1, pixels.shape[1])).mean(1)
    return (vector(pixels) + vector(pixels.flip(3))) / 2 if mirror else vector(pixels)


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

    def forward_intermediates(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return the last map (B, 8 × width, H, W), and the map of each stage, as timm's networks do."""
        maps: list[Tensor] = []
        for layer in self.layers[:-2]:
            pixels = layer(pixels)
            if isinstance(layer, Residual):
                maps.append(pixels)
        return pixels, maps

    def forward_head(self, last: Tensor, pre_logits: bool = True) -> Tensor:
        """Map the last map to the vector (B, 8 × width); there is no classifier to leave out."""
        vector: Tensor = self.layers[-2:](last)
        return vector


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


def image_encoder(name: str, pixels: int, pooling: Pooling = "last", **arguments: Any) -> ImageEncoder:
    """Build a timm network by name; VGG-19, Inception-v3 and ResNet-50 also by the paper's spelling.

    With `pooling` "stages" or "blocks" the mean of their maps stands beside the last vector.

    VGG's convolutional part is pooled to 1 × 1, so that it runs at any size and its two 4,096-wide
    layers come from the head (Table 5) instead of holding 90 % of the weights.

    Raises:
        UsageError: timm has no such network, or it cannot run on such images or with such arguments.
    """
    known = timm_name(name)
    if known != "resnet9" and not timm.is_model(known):
        near = get_close_matches(known, ["resnet9", *timm.list_models()], 5, cutoff=0.5)
        hint = f"near it are {', '.join(near)}; " if near else ""
        raise UsageError(f"timm has no network '{name}'; {hint}timm.list_models() gives all names")
    if pixels < SMALLEST.get(known, 16):
        raise UsageError(f"{name} needs images of at least {SMALLEST.get(known, 16)} pixels, not {pixels}")
    try:
        network = _make(known, arguments)
        if pooling != "last" and not hasattr(network, "forward_intermediates"):
            raise UsageError(f"{name} gives its last vector only, not pooling = {pooling}: set pooling=last")
        encoder = ImageEncoder(network, 0, pooling)
        encoder.width = _output_width(encoder, pixels)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        # images have three channels: a network made for one or four fails on the blank one
        raise UsageError(
            f"{name} does not take images of 3 channels and {pixels} pixels with the arguments {arguments}: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error
    return encoder


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
    layers = {"features": whole.features, "pool": nn.AdaptiveAvgPool2d(1), "vector": nn.Flatten()}
    return nn.Sequential(OrderedDict(layers))


def _output_width(network: nn.Module, pixels: int) -> int:
    """Run one blank image to learn the width; leaves the network as it was."""
    training = network.training
    network.eval()
    with torch.no_grad():
        width = network(torch.zeros(1, 3, pixels, pixels)).shape[1]
    network.train(training)
    return int(width)
