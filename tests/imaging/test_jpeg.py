"""Small JPEGs: never larger than asked, never larger than they were, of every kind of picture."""

import io
from pathlib import Path

import pytest
from PIL import Image

from mep3m.imaging.decode import UnreadableImageError
from mep3m.imaging.jpeg import jpeg, small_jpeg
from tests.desk.folders import picture


def size_of(content: bytes) -> tuple[int, int]:
    image = Image.open(io.BytesIO(content))
    assert image.format == "JPEG"
    return image.size


@pytest.mark.parametrize(
    ("size", "small"), [((400, 300), (100, 75)), ((30, 90), (30, 90)), ((1, 5000), (1, 100))]
)
def test_the_longer_side_is_what_was_asked_at_most(size: tuple[int, int], small: tuple[int, int]) -> None:
    assert size_of(small_jpeg(picture(size=size), 100)) == small


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "1"])
def test_every_kind_of_pixel_can_be_encoded(mode: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture(mode=mode))
    assert size_of(small_jpeg(tmp_path / "a.png", 20)) == (20, 20)


def test_what_is_no_picture_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError):
        small_jpeg(b"no picture", 20)
    with pytest.raises(UnreadableImageError, match="pixels"):
        small_jpeg(picture(size=(100, 100)), 20, max_pixels=99)
    with pytest.raises(OSError, match="No such file"):
        small_jpeg(tmp_path / "gone.png", 20)


def test_an_image_is_encoded_as_it_is() -> None:
    assert size_of(jpeg(Image.new("RGB", (7, 9)))) == (7, 9)
