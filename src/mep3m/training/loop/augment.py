"""Random crops, flips and colours of a whole batch at once, on whatever device it is."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from mep3m.models.networks.image import normalise


def augment(pixels: Tensor, size: int, crop: float, colour: float) -> Tensor:
    """Cut a random part of each image, flip half of them, move their colours; then normalise.

    `pixels` is (B, 3, S, S) uint8, the result (B, 3, size, size). A crop keeps between `crop` and
    all of the area, with sides up to 4:3. All draws come from torch's global generator.
    """
    count = len(pixels)
    area = torch.rand(count) * (1 - crop) + crop
    ratio = torch.exp((torch.rand(count) * 2 - 1) * math.log(4 / 3))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    flip = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0], place[:, 1, 1] = width * flip, height
    place[:, 0, 2] = (torch.rand(count) * 2 - 1) * (1 - width)
    place[:, 1, 2] = (torch.rand(count) * 2 - 1) * (1 - height)
    grid = F.affine_grid(place.to(pixels.device), [count, 3, size, size], align_corners=False)
    values = normalise(pixels, pixels.shape[-1])
    cut = F.grid_sample(values, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return _move_colours(cut, colour) if colour > 0 else cut


def _move_colours(values: Tensor, strength: float) -> Tensor:
    """Scale the contrast, shift the brightness, and shift each channel a little."""
    count = len(values)
    contrast = 1 + (torch.rand(count, 1, 1, 1) * 2 - 1) * strength
    shift = (torch.rand(count, 1, 1, 1) * 2 - 1) * strength
    tint = (torch.rand(count, 3, 1, 1) * 2 - 1) * strength * 0.3
    return values.mul_(contrast.to(values.device)).add_((shift + tint).to(values.device))
