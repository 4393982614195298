"""Size, crop and colours of a network come from its own configuration, where the settings leave them open."""

import pytest
from pydantic import ValidationError

from mep3m.models.pretrained.figures import with_own_figures
from mep3m.settings.network import ImageSettings


@pytest.mark.parametrize(
    ("backbone", "pixels", "crop"),
    [
        ("tf_efficientnet_lite0", 224, 0.875),
        ("tf_efficientnet_lite2", 260, 0.89),
        ("inception-v3", 299, 0.875),
        ("resnet9", 224, 1.0),
    ],
)
def test_size_and_crop_are_the_network_s_own(backbone: str, pixels: int, crop: float) -> None:
    own = with_own_figures(ImageSettings(backbone=backbone, pixels=0, crops=()))
    assert own.pixels == pixels
    assert own.crops == (crop, 0.0)


def test_another_size_keeps_the_network_s_crop() -> None:
    # with a size of the user's there were no crops at all, and nothing to look at
    own = with_own_figures(ImageSettings(backbone="tf_efficientnet_lite0", pixels=64, crops=()))
    assert (own.pixels, own.crops) == (64, (0.875, 0.0))


def test_what_is_said_stays() -> None:
    said = ImageSettings(backbone="tf_efficientnet_lite2", pixels=96, crops=(0.5,))
    own = with_own_figures(said)
    assert (own.pixels, own.crops) == (96, (0.5,))
    only_crop = with_own_figures(said.model_copy(update={"pixels": 0}))
    assert (only_crop.pixels, only_crop.crops) == (260, (0.5,))


@pytest.mark.parametrize("pixels", [16, 64, 300])
def test_crops_are_the_network_s_own_at_any_size(pixels: int) -> None:
    named = ImageSettings(backbone="tf_efficientnet_lite2", pixels=pixels, crops=())
    own = with_own_figures(named)
    assert (own.pixels, own.crops) == (pixels, (0.89, 0.0))


@pytest.mark.parametrize("pixels", [1, 8, 15, -1])
def test_sides_that_are_too_small_are_refused(pixels: int) -> None:
    with pytest.raises(
        ValidationError, match=r"16 or more, or 0 for the network's own|greater than or equal to 0"
    ):
        ImageSettings(pixels=pixels)


@pytest.mark.parametrize("crop", [-0.1, 1.5])
def test_crops_are_shares(crop: float) -> None:
    with pytest.raises(ValidationError):
        ImageSettings(crops=(crop,))
    assert ImageSettings(crops=0.5).crops == (0.5,)  # type: ignore[arg-type]
