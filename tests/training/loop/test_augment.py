"""Backgrounds behind pictures on white: what changes, what stays, and how often."""

import pytest
import torch
from torch import Tensor

from mep3m.errors import SettingsError
from mep3m.settings.training import TrainingSettings
from mep3m.training.loop.augment import behind

SIDE = 12


def on_white(count: int = 4) -> Tensor:
    """Pictures (count, 3, 12, 12) of a dark square of its own colour, white inside and around it."""
    pixels = torch.full((count, 3, SIDE, SIDE), 255, dtype=torch.uint8)
    for n in range(count):
        pixels[n, :, 3:9, 3:9] = torch.tensor([n % 200, 90, 10], dtype=torch.uint8)[:, None, None]
    pixels[:, :, 5:7, 5:7] = 250
    return pixels


def test_white_around_a_product_is_replaced_and_the_product_and_white_inside_it_stay() -> None:
    torch.manual_seed(0)
    pixels = on_white()
    changed = behind(pixels, 1.0)
    assert torch.equal(changed[:, :, 3:9, 3:9], pixels[:, :, 3:9, 3:9])
    around = torch.ones(SIDE, SIDE, dtype=torch.bool)
    around[3:9, 3:9] = False
    assert bool((changed[:, :, around] != 255).any(1).all())
    assert torch.equal(pixels, on_white())  # what was given is as it was


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_so_many_pictures_take_part(chance: float) -> None:
    torch.manual_seed(0)
    pixels = on_white(400)
    share = (behind(pixels, chance) != pixels).flatten(1).any(1).float().mean()
    assert float(share) == pytest.approx(chance, abs=0.08)


def test_a_picture_without_white_stays_as_it_is() -> None:
    torch.manual_seed(0)
    pixels = torch.randint(0, 200, (5, 3, SIDE, SIDE), dtype=torch.uint8)
    assert torch.equal(behind(pixels, 1.0), pixels)


def test_a_white_wall_behind_a_thing_at_the_border_is_background_and_light_grey_is_not() -> None:
    pixels = torch.full((2, 3, SIDE, SIDE), 255, dtype=torch.uint8)
    pixels[:, :, :, 6:] = 40
    pixels[1, :, :, :6] = 225
    torch.manual_seed(3)
    changed = behind(pixels, 1.0)
    assert bool((changed[0, :, :, :6] != 255).any())
    assert torch.equal(changed[1], pixels[1])


def test_the_same_draws_give_the_same_pictures_and_one_picture_alone_is_taken() -> None:
    pixels = on_white()
    torch.manual_seed(1)
    first = behind(pixels, 0.7)
    torch.manual_seed(1)
    assert torch.equal(first, behind(pixels, 0.7))
    assert behind(pixels[:1], 1.0).shape == (1, 3, SIDE, SIDE)


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_chance_is_a_share(value: float) -> None:
    with pytest.raises(SettingsError, match="background"):
        TrainingSettings.parse({"background": value}, "options")
