"""An image becomes a square squashed or cut from its middle; several squares are several views."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mep3m.models.inputs.pixels import Decoding, PixelReader, shape_of, squared
from mep3m.models.networks.image import ImageEncoder
from tests.models.catalogue import products


def striped(width: int = 90, height: int = 60) -> bytes:
    """A picture whose left third is red, middle green, right blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    third = width // 3
    for place in range(3):
        pixels[:, place * third : (place + 1) * third, place] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def shares(view: np.ndarray) -> list[float]:
    """Return how much of a view is red, green and blue."""
    return [round(float(channel.mean()) / 255, 2) for channel in view]


def test_squashed_holds_all_and_a_central_square_what_is_in_the_middle() -> None:
    assert shares(squared(striped(), 30)) == pytest.approx([1 / 3] * 3, abs=0.02)
    # the square of the shorter side holds half of the outer thirds, that of half of it only the middle
    assert shares(squared(striped(), 30, crops=(1.0,))) == pytest.approx([0.25, 0.5, 0.25], abs=0.02)
    assert shares(squared(striped(), 30, crops=(0.5,))) == pytest.approx([0, 1, 0], abs=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_tiny_images_have_a_middle_too(size: tuple[int, int]) -> None:
    assert squared(striped(3, 3), 8, crops=(0.1,)).shape == (3, 8, 8)
    file = io.BytesIO()
    Image.new("L", size, 200).save(file, "PNG")
    assert (squared(file.getvalue(), 8, crops=(0.9,)) == 200).all()


def test_several_crops_are_views_one_above_the_other() -> None:
    views = squared(striped(), 16, crops=(0.5, 0.0))
    assert views.shape == shape_of(16, (0.5, 0.0)) == (2, 3, 16, 16)
    assert (views[0] == squared(striped(), 16, crops=(0.5,))).all()
    assert (views[1] == squared(striped(), 16)).all()
    assert shape_of(16, (0.0,)) == (3, 16, 16)


def test_readers_give_views_and_each_way_to_crop_has_a_cache_of_its_own(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 4)
    rows = np.arange(4)
    crops = (0.8, 0.0)
    read, present = PixelReader(16, tmp_path / "cache", crops=crops).find(table, images).take(rows)
    again, _ = Decoding(table, images, 16, crops=crops).take(rows)
    assert read.shape == (4, 2, 3, 16, 16)
    assert present.all()
    np.testing.assert_array_equal(read, again)
    whole, _ = PixelReader(16, tmp_path / "cache").find(table, images).take(rows)
    np.testing.assert_array_equal(read[:, 1], whole)
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["pixels-16", "pixels-16-0.8-0"]


def test_the_vector_of_several_views_is_their_mean() -> None:
    import torch

    encoder = ImageEncoder(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 16, 5)), 5).eval()
    views = torch.randn(2, 3, 3, 4, 4)
    with torch.no_grad():
        expected = torch.stack([encoder(views[:, place]) for place in range(3)]).mean(0)
        torch.testing.assert_close(encoder(views), expected)
        encoder.mirror = True
        both = torch.stack([encoder(views), encoder(views.flip(4))])
        torch.testing.assert_close(both[0], both[1])
