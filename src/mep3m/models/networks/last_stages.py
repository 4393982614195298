"""An image network whose last stages are trained, above those that stay as they were loaded."""

from __future__ import annotations

import copy
from collections.abc import Callable
from inspect import signature
from typing import NamedTuple

import torch
from timm.models import group_parameters
from torch import Tensor, nn

from mep3m.errors import UsageError
from mep3m.models.networks.image import ImageEncoder

#: how far the two parts may differ from the whole, as a share of the largest value
CLOSE = 1e-4


def train_last(encoder: ImageEncoder, stages: int, name: str) -> None:
    """Let only the last so many stages of a network train; norms below them keep their statistics.

    A stage is what timm takes as one (`group_matcher(coarse=True)`): the stem is the first, and what follows
    the last block belongs to it.

    Raises:
        UsageError: the network has no stages, or not more than these.
    """
    if not hasattr(encoder.network, "group_matcher"):
        raise UsageError(
            f"{name} has no stages that could be trained apart from each other: leave trained = {stages} "
            "out, or take another network (timm's have them)"
        )
    groups = group_parameters(encoder.network, encoder.network.group_matcher(coarse=True))
    order = sorted(groups)
    if stages >= len(order):
        raise UsageError(
            f"trained = {stages} of the {len(order)} stages of {name} leaves none as it was loaded: give 1 "
            f"to {len(order) - 1}, or leave it out to train all of it"
        )
    parameters = dict(encoder.network.named_parameters())
    below = {key for number in order[:-stages] for key in groups[number]}
    for key in below:
        parameters[key].requires_grad_(False)
    encoder.still = [
        module
        for module in encoder.network.modules()
        if (own := list(module.parameters(recurse=False))) and not any(one.requires_grad for one in own)
    ]
    encoder.train(encoder.training)


class Parts(NamedTuple):
    """A network in two: what stays as it is, and what is trained on that."""

    below: Below
    above: Above


class Below(nn.Module):
    """Normalised pixels to what the stages above need of them: (B, [V,] 3, S, S) to (B, width).

    Of each view, the mirror image included where the encoder looks at it: the means of the maps that belong
    to the vector, and behind them the last map.
    """

    def __init__(self, encoder: ImageEncoder, index: int, pixels: int, crops: int) -> None:
        """Take the encoder, the number of its last map below, and the side and number of its images."""
        super().__init__()
        self.network, self.index, self.mirror = encoder.network, index, encoder.mirror
        self.pooled, self.options = encoder.pooling != "last", _options(encoder)
        self.views = crops * (2 if encoder.mirror else 1)
        with torch.no_grad():
            maps = self._maps(torch.zeros(1, 3, pixels, pixels))
        self.shape = tuple(maps[-1].shape[1:])
        self.means = sum(one.shape[1] for one in maps) if self.pooled else 0
        self.width = self.views * (self.means + maps[-1][0].numel())

    def _maps(self, pixels: Tensor) -> list[Tensor]:
        taken = list(range(self.index + 1))
        maps: list[Tensor] = self.network.forward_intermediates(
            pixels, indices=taken, intermediates_only=True, stop_early=True, **self.options
        )
        return maps

    def vector(self, pixels: Tensor) -> Tensor:
        """Map (B, 3, S, S) to what is needed of this view alone."""
        maps = self._maps(pixels)
        means = [one.mean((2, 3)) for one in maps] if self.pooled else []
        return torch.cat([*means, maps[-1].flatten(1)], 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, [V,] 3, S, S) to (B, width)."""
        return self.over_views(self.vector, pixels)

    def over_views(self, vector: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
        """Return what `vector`, one view to what is needed of it, gives for all views: side by side."""
        crops = [pixels] if pixels.dim() == 4 else list(pixels.unbind(1))
        both = [[one, one.flip(3)] if self.mirror else [one] for one in crops]
        return torch.cat([vector(view) for views in both for view in views], 1)


class Above(nn.Module):
    """What `Below` gives to the vectors of the whole network: (B, width) to (B, D).

    In training one of a row's views is drawn each time; else their mean is taken.
    """

    def __init__(self, encoder: ImageEncoder, below: Below) -> None:
        """Take the whole encoder, whose last stages are trained in place, and the part below them."""
        super().__init__()
        self.network = _without(encoder.network)
        self.width, self.index, self.options = encoder.width, below.index, _options(encoder)
        self.views, self.means, self.shape = below.views, below.means, below.shape

    def train(self, mode: bool = True) -> Above:
        """Set the stages to training or prediction; their norms keep the statistics that they came with.

        The heads begin with vectors made by these, and a batch's own are of few rows.
        """
        super().train(mode)
        for module in self.network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    def forward(self, values: Tensor) -> Tensor:
        """Map (B, width of `Below`) to (B, D)."""
        views = values.unflatten(1, (self.views, -1))
        if self.training and self.views > 1:
            drawn = torch.randint(self.views, (len(views),), device=views.device)
            return self._vector(views[torch.arange(len(views), device=views.device), drawn])
        vectors = self._vector(views.flatten(0, 1))
        return vectors.unflatten(0, (-1, self.views)).mean(1)

    def _vector(self, values: Tensor) -> Tensor:
        maps = values[:, self.means :].unflatten(1, self.shape)
        if not self.means:
            last: Tensor = self.network(maps)
            return last
        last, later = self.network.forward_intermediates(maps, **self.options)
        means = [one.mean((2, 3)) for one in later[self.index + 1 :]]
        return torch.cat([values[:, : self.means], *means, self.network.forward_head(last, True)], 1)


def cut(encoder: ImageEncoder, pixels: int, crops: int = 1) -> Parts | None:
    """Return a network of which `train_last` has chosen the stages in two parts; `None` where it has no seam.

    The seam is the map from which the stages above compute what the whole network does, tried on one image.
    """
    known = getattr(encoder.network, "forward_intermediates", None)
    if known is None or "stop_early" not in signature(known).parameters:
        return None
    encoder.eval()
    image = torch.rand(1, 3, pixels, pixels, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        whole = encoder.vector(image)
        count = len(encoder.network.forward_intermediates(image, **_options(encoder))[1])
        for index in reversed(range(count)):
            below = Below(encoder, index, pixels, crops)
            above = Above(encoder, below).eval()
            try:
                again = above._vector(below.vector(image))
            except (AttributeError, RuntimeError, TypeError, ValueError):
                continue  # a network that asks more of its parts than to pass on what they get
            if again.shape == whole.shape and (again - whole).abs().max() <= CLOSE * whole.abs().max():
                return Parts(below, above)
    return None


def _options(encoder: ImageEncoder) -> dict[str, bool]:
    """Return how the network is asked for its maps: of every block where only the seam is wanted."""
    if encoder.pooling != "last":
        return encoder.blocks
    known = signature(encoder.network.forward_intermediates).parameters
    return {"extra_blocks": True} if "extra_blocks" in known else {}


def _without(network: nn.Module) -> nn.Module:
    """Return a network that shares its modules with another, but for those that are frozen: they pass on.

    So do modules without weights that stand before the last of them.
    """
    new = copy.copy(network)
    new._modules = dict(network._modules)
    children = list(network.named_children())
    trains = [{one.requires_grad for one in child.parameters()} for _, child in children]
    last = max((place for place, some in enumerate(trains) if False in some), default=-1)
    for place, ((name, child), some) in enumerate(zip(children, trains, strict=True)):
        if some == {True, False} or (False in some and isinstance(child, nn.ModuleList | nn.Sequential)):
            new._modules[name] = _without(child)
        elif True not in some and place <= last:
            new._modules[name] = nn.Identity()
    return new
