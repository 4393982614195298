import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from mep3m.settings.quality import QualitySettings
from mep3m.stages.quality.pictures import image_reason, measure_image

ON = QualitySettings()


def noise(size: tuple[int, int] = (220, 220)) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


def blocks() -> Image.Image:
    return noise((6, 6)).resize((220, 220), Image.Resampling.NEAREST)


def saved(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def reason(content: bytes, checks: QualitySettings = ON) -> str | None:
    return image_reason(measure_image(content, checks.max_pixels), checks)


def grey(value: int, size: tuple[int, int] = (220, 220)) -> bytes:
    return saved(Image.new("RGB", size, (value, value, value)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (saved(noise()), None),
        (saved(noise(), "JPEG"), None),
        (b"", "broken_image"),
        (b"<html>404</html>", "broken_image"),
        (saved(noise())[:5000], "broken_image"),
        (saved(noise(), "JPEG")[:5000], "broken_image"),
        (saved(noise((12, 12))), "tiny_image"),
        (saved(noise((400, 60))), "odd_aspect"),
        (grey(255), "blank_image"),
        (grey(0), "blank_image"),
        (grey(120), "uniform_image"),
        (saved(blocks().filter(ImageFilter.GaussianBlur(6))), "blurred_image"),
        (saved(blocks()), None),
        (saved(noise().convert("RGBA")), None),
        (saved(noise().convert("P")), None),
        (saved(noise().convert("1")), None),
    ],
)
def test_reasons(content: bytes, expected: str | None) -> None:
    assert reason(content) == expected


@pytest.mark.parametrize(
    ("content", "off", "then"),
    [
        (saved(noise((12, 12))), {"min_side": None}, None),
        (saved(noise((400, 60))), {"max_aspect": None}, None),
        (b"", {"broken_image": False}, None),
        (grey(255), {"blank_image": False}, "uniform_image"),
        (grey(255), {"blank_image": False, "min_contrast": None}, "blurred_image"),
        (grey(255), {"blank_image": False, "min_contrast": None, "min_sharpness": None}, None),
    ],
)
def test_each_check_can_be_switched_off(content: bytes, off: dict[str, object], then: str | None) -> None:
    assert reason(content, ON.model_copy(update=off)) == then


def test_too_many_pixels_are_never_decoded() -> None:
    facts = measure_image(saved(Image.new("1", (4000, 4000))), 1_000_000)
    assert facts.problem is not None
    assert "4000 x 4000" in facts.problem


def test_a_transparent_picture_is_seen_on_white() -> None:
    assert reason(saved(Image.new("RGBA", (100, 100), (0, 0, 0, 0)))) == "blank_image"


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_no_bytes_raise(content: bytes) -> None:
    assert measure_image(content, 10**6).problem is not None
    head = saved(noise((40, 40)), "JPEG")[:300]
    measure_image(head + content, 10**6)


def test_sharpness_falls_with_blur() -> None:
    values = [
        measure_image(saved(blocks().filter(ImageFilter.GaussianBlur(radius))), 10**6).sharpness
        for radius in (0, 1, 2, 4)
    ]
    assert values == sorted(values, reverse=True)
