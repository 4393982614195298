import io

import numpy as np
import pytest
from PIL import Image

from mep3m.imaging.decode import UnreadableImageError, image_size, load
from tests.stages.ocr.pictures import encoded

RED = Image.new("RGB", (40, 20), (200, 30, 30))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not an image"),
        (encoded(RED)[:60], "broken|not an image"),
        (encoded(Image.effect_noise((300, 300), 90))[:20000], "broken"),
        (encoded(Image.effect_noise((300, 300), 90), "JPEG")[:5000], "broken"),
    ],
)
def test_what_cannot_be_read_has_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        load(content)


def test_a_huge_image_is_refused_before_it_is_decoded() -> None:
    content = encoded(Image.new("1", (10_000, 10_000)))
    assert len(content) < 200_000
    with pytest.raises(
        UnreadableImageError, match=r"100,000,000 pixels \(10000 x 10000\), at most 40,000,000"
    ):
        load(content)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="more than 40,000,000 pixels"):
        load(encoded(Image.new("1", (20_000, 20_000))))


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (RED.convert("CMYK"), "JPEG"),
        (RED.convert("P"), "GIF"),
        (RED.convert("RGBA"), "PNG"),
        (RED, "WEBP"),
        (RED, "BMP"),
        (RED, "TIFF"),
    ],
)
def test_colours_survive_every_kind(image: Image.Image, kind: str) -> None:
    decoded = load(encoded(image, kind))
    assert decoded.shape == (20, 40, 3)
    assert decoded.dtype == np.uint8
    assert np.abs(decoded[10, 20].astype(int) - (200, 30, 30)).max() < 25


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None].repeat(16, 0)
    decoded = load(encoded(Image.fromarray(ramp)))
    assert np.abs(decoded[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_transparent_is_white() -> None:
    clear = Image.new("RGBA", (12, 12), (0, 0, 0, 0))
    assert load(encoded(clear)).min() == 255


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("white", "black")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert load(content).mean() == 255


def test_exif_rotation_is_applied() -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    assert load(encoded(RED, "JPEG", exif=tags)).shape == (40, 20, 3)


def test_one_pixel() -> None:
    assert load(encoded(Image.new("RGB", (1, 1)))).shape == (1, 1, 3)


def test_size_from_the_header_alone() -> None:
    assert image_size(encoded(RED)) == (40, 20)
    assert image_size(b"nothing") == (0, 0)
    assert image_size(io.BytesIO().getvalue()) == (0, 0)
