"""One photo in another cut is told from another product that looks like it."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from mep3m.stages.dedupe.registered import agreement, open_picture

ENOUGH = 0.85
Alter = Callable[[Image.Image], Image.Image]


def photo(seed: int, side: int = 300) -> Image.Image:
    """Return spots of many sizes and colours."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (cells, cells, 3)).astype(np.uint8)).resize((side, side))
        ).astype(float)
        for cells in (6, 15, 40)
    ]
    return Image.fromarray(np.clip(sum(layers) / 3 * 1.6 - 70, 0, 255).astype(np.uint8))


def saved(image: Image.Image, quality: int = 88) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def share(left: Image.Image, right: Image.Image, quality: int = 88) -> float:
    opened = open_picture(saved(left)), open_picture(saved(right, quality))
    assert opened[0] is not None
    assert opened[1] is not None
    return agreement(opened[0], opened[1])


@pytest.mark.parametrize(
    "alter",
    [
        lambda image: image.crop((20, 0, 280, 265)),
        lambda image: ImageOps.expand(image, 30, "white"),
        ImageOps.mirror,
        lambda image: image.resize((120, 120)),
        lambda image: image.rotate(5, fillcolor="white").crop((20, 20, 280, 280)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.85),
    ],
    ids=["cropped", "framed", "mirrored", "smaller", "turned", "darker"],
)
def test_a_copy_of_a_photo_is_that_photo(alter: Alter) -> None:
    image = photo(1)
    assert share(image, alter(image), quality=60) >= ENOUGH
    assert share(alter(image), image) >= ENOUGH


def other_colour(image: Image.Image) -> Image.Image:
    red, green, blue = image.split()
    return Image.merge("RGB", (blue, green, red))


def other_half(image: Image.Image) -> Image.Image:
    made = photo(2)
    made.paste(image.crop((0, 0, 150, 300)), (0, 0))
    return made


def moved_bottle(image: Image.Image) -> Image.Image:
    """The right half stands left now, beside something else: two sets with one bottle in common."""
    made = photo(3)
    made.paste(image.crop((160, 0, 300, 300)), (0, 0))
    return made


@pytest.mark.parametrize("alter", [other_colour, other_half, moved_bottle, lambda image: photo(4)])
def test_another_product_is_not(alter: Alter) -> None:
    assert share(photo(1), alter(photo(1))) < 0.8


def test_a_picture_without_anything_on_it_is_no_photo_of_anything() -> None:
    blank = Image.new("RGB", (200, 200), "white")
    assert share(blank, blank) == 0.0
    assert share(blank, photo(1)) == 0.0
    dot = Image.new("RGB", (1, 1), "red")
    assert share(dot, dot) == 0.0


@pytest.mark.parametrize("content", [b"", b"broken", saved(photo(1))[:400]])
def test_what_is_no_image_has_no_picture(content: bytes) -> None:
    assert open_picture(content) is None


def test_the_same_two_pictures_agree_equally_in_every_call() -> None:
    image = photo(5)
    found = {share(image, image.crop((30, 10, 290, 280)), 40) for _ in range(3)}
    assert len(found) == 1
