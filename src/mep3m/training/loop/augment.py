"""Random crops, flips and colours of a whole batch at once, on whatever device it is."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.errors import UsageError
from mep3m.models.pretrained.figures import Normalisation
from mep3m.settings.network import ImageSettings
from mep3m.settings.training import TrainingSettings

#: share of the run after which images have their full size
GROWN = 0.7
#: images grow in steps of this many pixels
STEP = 8
#: darkest channel from which a pixel is white, and the share of the side that a new background shows
WHITE, SHOWN = 232, (0.3, 0.8)


def side_at(pixels: int, start: float, epoch: int, epochs: int) -> int:
    """Return the side of training images in an epoch: it grows from `start` × `pixels` to `pixels`."""
    share = min(epoch / max(GROWN * epochs, 1), 1.0)
    side = pixels * (start + (1 - start) * share)
    return pixels if share == 1 or start == 1 else min(round(side / STEP) * STEP, pixels)


def mean_area(pixels: int, start: float, epochs: int) -> float:
    """Return the mean area of the training images of a run, as a share of their last area."""
    return sum(side_at(pixels, start, epoch, epochs) ** 2 for epoch in range(epochs)) / epochs / pixels**2


def augment(pixels: Tensor, size: int, settings: TrainingSettings, figures: Normalisation) -> Tensor:
    """Cut a random part of each image, turn it, flip half of them, move their colours; then normalise.

    `pixels` is (B, 3, S, S) uint8, the result (B, 3, size, size). A crop keeps between `crop` and
    all of the area, with sides up to 4:3. All draws come from torch's global generator.
    """
    count = len(pixels)
    area = torch.rand(count) * (1 - settings.crop) + settings.crop
    ratio = torch.exp((torch.rand(count) * 2 - 1) * math.log(4 / 3))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    flip = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0], place[:, 1, 1] = width * flip, height
    place[:, 0, 2] = (torch.rand(count) * 2 - 1) * (1 - width)
    place[:, 1, 2] = (torch.rand(count) * 2 - 1) * (1 - height)
    if settings.turn > 0:
        angle = (torch.rand(count) * 2 - 1) * math.radians(settings.turn)
        turned = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(count, 2, 2)
        place[:, :, :2] = turned @ place[:, :, :2]
    grid = F.affine_grid(
        place.to(pixels.device, non_blocking=True), [count, 3, size, size], align_corners=False
    )
    cut = F.grid_sample(pixels.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    factor, shift = _colours(count, settings.colour, figures)
    factor, shift = (value.to(cut.device, non_blocking=True) for value in (factor, shift))
    return cut.mul_(factor).add_(shift)


def paste(images: Tensor) -> tuple[Tensor, Tensor, float]:
    """Put a rectangle of another image of the batch into each image (CutMix, Yun et al. 2019).

    Returns the images (B, 3, S, S), whose rectangle it is (B,), and the share of the area that is the
    image's own. One rectangle for the whole batch; its area is uniform between none and all.
    """
    side = images.shape[-1]
    height, width = (max(round(side * math.sqrt(float(torch.rand(())))), 1) for _ in range(2))
    top, left = (int(torch.randint(side - part + 1, ())) for part in (height, width))
    others = torch.randperm(len(images))
    window = (slice(None), slice(None), slice(top, top + height), slice(left, left + width))
    images = images.clone()
    images[window] = images[others][window]
    return images, others, 1 - height * width / side**2


def behind(pixels: Tensor, chance: float) -> Tensor:
    """Put a part of another image of the batch, in other light, where an image has a white background.

    `pixels` is (B, 3, S, S) uint8, and so is the result. White counts as background from a border inwards,
    in a straight line: white inside a product stays. Each image takes part with the probability `chance`.
    """
    if not chance:
        return pixels
    count, side = len(pixels), pixels.shape[-1]
    share = SHOWN[0] + (SHOWN[1] - SHOWN[0]) * float(torch.rand(()))
    part = max(round(side * share), 1)
    top, left = (int(torch.randint(side - part + 1, ())) for _ in range(2))
    cut = pixels[torch.randperm(count)][:, :, top : top + part, left : left + part].float()
    scene = F.interpolate(cut, (side, side), mode="bilinear", align_corners=False)
    light = (0.2 + 0.8 * torch.rand(count, 1, 1, 1)) * (0.7 + 0.3 * torch.rand(count, 3, 1, 1))
    chosen = (torch.rand(count, 1, 1, 1) < chance).to(pixels.device)
    return torch.where(
        chosen & _background(pixels), (scene * light.to(pixels.device)).to(pixels.dtype), pixels
    )


def _background(pixels: Tensor) -> Tensor:
    """Return (B, 1, S, S), true where all pixels up to one of the four borders are white."""
    white = (pixels.amin(1, keepdim=True) >= WHITE).to(torch.uint8)
    runs = [white.flip(axis).cumprod(axis).flip(axis) for axis in (2, 3)]
    return torch.stack([*runs, *(white.cumprod(axis) for axis in (2, 3))]).amax(0).bool()


def _colours(count: int, strength: float, figures: Normalisation) -> tuple[Tensor, Tensor]:
    """Return factor and shift (B, 3, 1, 1) that normalise pixels and move contrast, brightness and tint."""
    contrast = 1 + (torch.rand(count, 1, 1, 1) * 2 - 1) * strength
    shift = (torch.rand(count, 1, 1, 1) * 2 - 1) * strength
    tint = (torch.rand(count, 3, 1, 1) * 2 - 1) * strength * 0.3
    mean, std = (torch.tensor(value).view(3, 1, 1) * 255 for value in figures)
    return contrast / std, shift + tint - contrast * mean / std


def check_growth(encoder: nn.Module, image: ImageSettings, grow: float) -> None:
    """Try a blank image of every size that a run whose images grow may come to.

    Raises:
        UsageError: the encoder cannot take one of them.
    """
    encoder.eval()
    for side in sorted({side_at(image.pixels, grow, epoch, 100) for epoch in range(100)}):
        try:
            with torch.no_grad():
                encoder(torch.zeros(1, 3, side, side))
        except (AssertionError, RuntimeError, ValueError) as error:
            raise UsageError(
                f"{image.backbone} does not take images of {side} pixels, which grow = {grow:g} leads to: "
                "leave grow at 1"
            ) from error
