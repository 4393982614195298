"""Where one product ends and the next begins: a small network that learns outlines from composed scenes.

It says of each pixel how far inside a product it lies, as the deep watershed transform does (Bai and
Urtasun, CVPR 2017). It knows no kinds of product: what it learned on some it says of others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.checkout.cut_out import CutOut
from mep3m.checkout.regions import Depth, Region, find_regions
from mep3m.checkout.scenes.compose import LEVELS, Drawing, Scene, compose
from mep3m.engine.progress import Progress, silent
from mep3m.errors import ModelError, require
from mep3m.imaging.decode import Pixels
from mep3m.models.pretrained.weights import find_weights
from mep3m.settings.network import ImageSettings
from mep3m.store.filesystem import atomic_write
from mep3m.store.json_files import read_json, write_json

#: the side at which outlines are learned and found, in pixels
SIDE = 448
#: the network whose first stages are looked at, and the channels into which they are brought
_BACKBONE, _CHANNELS = "tf_efficientnet_lite0", 32
#: its stages, at 1/2, 1/4, 1/8 and 1/16 of the side
_STAGES = (0, 1, 2, 3)
_BATCH, _RATE = 4, 3e-3
#: the most that products hide of each other in the scenes that are learned from
_OVERLAP = 0.2
WEIGHTS, DESCRIPTION = "outlines.safetensors", "outlines.json"


class OutlineNetwork(nn.Module):
    """Maps pixels (B, 3, S, S), 0 to 255, to logits (B, S / 2, S / 2) of how deep in a product they are."""

    def __init__(self, weights: str | None = "packaged") -> None:
        """Begin with the stages of a pre-trained network, which stay as they are, and new layers on them."""
        super().__init__()
        settings = ImageSettings(backbone=_BACKBONE, weights=weights)
        self.stages = timm.create_model(_BACKBONE, features_only=True, out_indices=_STAGES)
        found = find_weights(settings)
        if found is not None:
            self.stages.load_state_dict(found.tensors, strict=False)
        self.stages.requires_grad_(False)
        self.register_buffer("mean", torch.tensor(self.stages.default_cfg["mean"]).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(self.stages.default_cfg["std"]).view(1, 3, 1, 1) * 255)
        widths = self.stages.feature_info.channels()
        self.narrow = nn.ModuleList(nn.Conv2d(width, _CHANNELS, 1) for width in widths)
        self.mix = nn.ModuleList(nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1) for _ in widths)
        self.last = nn.Conv2d(_CHANNELS, 1, 1)

    def see(self, pixels: Tensor) -> list[Tensor]:
        """Return the stages' maps, the finest first; they do not learn."""
        self.stages.eval()
        with torch.no_grad():
            maps: list[Tensor] = self.stages((pixels - self.mean) / self.std)
        return maps

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return the logits of the maps of `see`."""
        mixed: Tensor | None = None
        for values, narrow, mix in zip(*map(reversed, (maps, self.narrow, self.mix)), strict=True):
            own = narrow(values)
            if mixed is not None:
                own = own + F.interpolate(mixed, size=own.shape[-2:], mode="bilinear")
            mixed = F.relu(mix(own))
        made: Tensor = self.last(mixed)[:, 0]
        return made


class Outlines:
    """A trained outline network; `find` is a finder of regions for `counter.ProductCounter`."""

    def __init__(self, network: OutlineNetwork, facts: dict[str, Any]) -> None:
        """Take the network, and what is told of how it was trained."""
        self.network, self.facts = network.eval(), facts

    def depth(self, pixels: Pixels) -> Depth:
        """Return how far inside a product each pixel of a picture (H, W, 3) lies, from 0 to 1."""
        cv2 = require("cv2", "checkout")
        height, width = pixels.shape[:2]
        scale = SIDE / max(height, width)
        size = [max(round(length * scale / 16), 1) * 16 for length in (width, height)]
        values = torch.from_numpy(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)).float()
        with torch.no_grad():
            made = self.network(self.network.see(values.permute(2, 0, 1)[None])).sigmoid()[0].numpy()
        found: Depth = cv2.resize(made, (width, height), interpolation=cv2.INTER_LINEAR)
        return found

    def find(self, pixels: Pixels) -> list[Region]:
        """Return the regions of a picture, cut along the outlines."""
        return find_regions(pixels, self.depth(pixels))

    def save(self, folder: Path) -> None:
        """Write what was learned and how; the stages come with their package."""
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / WEIGHTS) as temporary:
            save_file(
                {name: value.contiguous() for name, value in self.network.state_dict().items()}, temporary
            )
        write_json(folder / DESCRIPTION, self.facts)

    @classmethod
    def load(cls, folder: Path) -> Outlines:
        """Read what `save` wrote.

        Raises:
            ModelError: it is missing or damaged.
        """
        network = OutlineNetwork(weights=None)
        try:
            network.load_state_dict(load_file(folder / WEIGHTS))
        except Exception as error:  # the loader raises whatever the damaged byte leads to
            raise ModelError(
                f"{folder} holds no readable outlines ({type(error).__name__}); make them with "
                "'mep3m checkout train'"
            ) from error
        return cls(network, read_json(folder / DESCRIPTION))


def train_outlines(
    cuts: Sequence[Sequence[CutOut]],
    scenes: int = 160,
    epochs: int = 8,
    seed: int = 0,
    weights: str | None = "packaged",
    progress: Progress = silent,
) -> Outlines:
    """Learn outlines from so many scenes composed of cut-outs; the same seed gives the same network.

    Raises:
        UsageError: there are too few products for any level.
    """
    torch.manual_seed(seed)
    network = OutlineNetwork(weights)
    seen: list[tuple[list[Tensor], Tensor]] = []
    with progress("draw scenes", scenes, "scenes") as advance:
        for number in range(scenes):
            scene = _scene(cuts, np.random.default_rng([seed, number]))
            values = torch.from_numpy(scene.pixels).permute(2, 0, 1)[None].float()
            seen.append(([one.half() for one in network.see(values)], torch.from_numpy(inside(scene))[None]))
            advance(1)
    with progress("learn outlines", scenes * epochs, "scenes") as advance:
        loss = _fit(network, seen, epochs, advance)
    facts = {"backbone": _BACKBONE, "scenes": scenes, "epochs": epochs, "seed": seed, "loss": round(loss, 4)}
    return Outlines(network, facts | {"products": len(cuts), "weights": weights})


def _scene(cuts: Sequence[Sequence[CutOut]], rng: np.random.Generator) -> Scene:
    """Return a scene of the fullest levels that so many products allow."""
    levels = [name for name, one in LEVELS.items() if one.products[0] <= len(cuts)][-2:] or ["easy"]
    drawing = Drawing(side=SIDE, overlap=_OVERLAP, scale=float(rng.uniform(0.16, 0.26)))
    return compose(cuts, str(rng.choice(levels)), drawing, rng)


def inside(scene: Scene) -> Depth:
    """Return how far inside its instance each second pixel (S / 2, S / 2) is: 0 at its outline, 1 at most."""
    cv2 = require("cv2", "checkout")
    owner = scene.owner[::2, ::2]
    depth = np.zeros(owner.shape, np.float32)
    for number in np.unique(owner[owner >= 0]):
        mask = owner == number
        away = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        depth[mask] = (away / away.max())[mask]
    return depth


def _fit(
    network: OutlineNetwork,
    seen: Sequence[tuple[list[Tensor], Tensor]],
    epochs: int,
    advance: Callable[[int], None],
) -> float:
    """Train the new layers; return the mean loss of the last epoch."""
    learned = [value for value in network.parameters() if value.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=_RATE)
    steps = epochs * -(-len(seen) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps)
    losses: list[float] = []
    for _ in range(epochs):
        order = torch.randperm(len(seen)).tolist()
        losses = []
        for start in range(0, len(order), _BATCH):
            part = [seen[place] for place in order[start : start + _BATCH]]
            maps = [torch.cat(stage).float() for stage in zip(*(maps for maps, _ in part), strict=True)]
            truth = torch.cat([depth for _, depth in part])
            loss = F.binary_cross_entropy_with_logits(network(maps), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
            advance(len(part))
    return float(np.mean(losses))
