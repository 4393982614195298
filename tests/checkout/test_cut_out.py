"""Products cut out of their pictures: the mask, what stays whole and why, and what shows nothing."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mep3m.checkout.coco import ProductName
from mep3m.checkout.cut_out import SIDE, cut_out
from mep3m.checkout.cuts import cut_products
from mep3m.checkout.exemplars import Exemplar, Photo, open_exemplars
from mep3m.errors import InputError
from mep3m.imaging.decode import UnreadableImageError
from tests.checkout.made import folder_of, picture


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def gradient() -> Image.Image:
    """Return a product on a background that goes from pink to blue."""
    down = np.linspace(0, 1, 120)[:, None, None] * np.ones((1, 120, 1))
    ground = np.array([250, 200, 210]) * (1 - down) + np.array([190, 210, 250]) * down
    image = Image.fromarray(ground.astype(np.uint8))
    image.paste((20, 90, 30), (40, 30, 80, 100))
    return image


@pytest.mark.parametrize("ground", ["white", "lightgrey", "tan", "black"])
def test_a_product_on_a_plain_background(ground: str) -> None:
    cut = cut_out(png(picture("red", ground=ground)))
    assert (cut.quality, cut.why) == ("cut", "")
    height, width = cut.mask.shape
    assert abs(height - 81) <= 2
    assert abs(width - 61) <= 2
    assert cut.mask.mean() > 0.97
    assert cut.pixels.shape == (height, width, 3)


def test_a_product_on_a_gradient() -> None:
    cut = cut_out(png(gradient()))
    assert cut.quality == "cut"
    assert abs(cut.mask.shape[0] - 70) <= 3
    assert abs(cut.mask.shape[1] - 40) <= 3


def test_a_product_with_parts_like_its_background_is_one_piece() -> None:
    image = Image.new("RGB", (120, 120), "white")
    image.paste("red", (30, 20, 90, 45))
    image.paste("red", (30, 80, 90, 105))
    cut = cut_out(png(image))
    assert abs(cut.mask.shape[0] - 85) <= 2
    assert cut.mask.mean() > 0.95


def test_a_hole_is_the_product() -> None:
    image = picture("red")
    image.paste("white", (50, 60, 70, 80))
    assert cut_out(png(image)).mask.mean() > 0.97


def test_the_part_that_a_box_says(tmp_path: Path) -> None:
    image = Image.new("RGB", (400, 300), "white")
    image.paste(picture("red"), (0, 0))
    image.paste(picture("blue"), (250, 100))
    cut = cut_out(png(image), (280, 120, 60, 81))
    assert cut.quality == "cut"
    middle = cut.pixels[cut.mask.shape[0] * 3 // 4, cut.mask.shape[1] // 2]
    assert middle.tolist() == [0, 0, 255]


def test_a_large_picture_is_made_smaller() -> None:
    cut = cut_out(png(picture("red", size=1200)))
    assert max(cut.mask.shape) <= SIDE


def test_a_product_that_fills_its_picture_stays_whole() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    cut = cut_out(png(Image.fromarray(noise)))
    assert cut.quality == "whole"
    assert "fills the picture" in cut.why
    assert cut.mask.all()


def test_a_product_that_is_hardly_there_stays_whole() -> None:
    image = Image.effect_noise((100, 100), 12).convert("RGB")
    cut = cut_out(png(image))
    assert cut.quality == "whole"
    assert cut.why


@pytest.mark.parametrize("colour", ["white", "black", "teal"])
def test_one_colour_shows_nothing(colour: str) -> None:
    with pytest.raises(InputError, match="shows nothing"):
        cut_out(png(Image.new("RGB", (50, 50), colour)))


def test_a_box_outside_is_said() -> None:
    with pytest.raises(InputError, match="outside"):
        cut_out(png(picture("red")), (500, 500, 10, 10))


def test_a_broken_picture_is_said() -> None:
    with pytest.raises(UnreadableImageError, match=r"broken|not an image"):
        cut_out(png(picture("red"))[:200])


def test_the_same_picture_is_cut_the_same_way() -> None:
    noisy = np.asarray(picture("gold", ground="tan")).astype(int)
    noisy = noisy + np.random.default_rng(1).normal(0, 6, noisy.shape)
    content = png(Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)))
    one, other = cut_out(content), cut_out(content)
    assert (one.mask == other.mask).all()
    assert one.quality == "cut"


def test_a_broken_picture_among_good_ones_is_refused_and_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "e", 3, pictures=2)
    (folder / "red" / "0.png").write_bytes(b"no picture")
    made = cut_products(open_exemplars(folder)[0])
    assert [len(cuts) for cuts in made.cuts] == [2, 2, 1]
    assert len(made.refused) == 1
    assert made.refused[0].startswith(str(folder / "red" / "0.png"))


def test_a_product_without_a_readable_picture_is_an_error(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "e", 2)
    (folder / "red" / "0.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"product 'red' .*0\.png"):
        cut_products(open_exemplars(folder)[0])


def test_pictures_that_stay_whole_are_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "n.png")
    made = cut_products([Exemplar(ProductName("n", ""), (Photo(tmp_path / "n.png"),))])
    assert len(made.whole) == 1
    assert "n.png: the product fills the picture" in made.whole[0]


def test_a_picture_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        cut_products([Exemplar(ProductName("x", ""), (Photo(tmp_path / "gone.png"),))])
