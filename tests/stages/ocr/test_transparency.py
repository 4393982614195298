"""Text on transparency is read whatever its colour; what is beside it on the picture stays."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mep3m.imaging.decode import load
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.read import ImageFile, _Reader, finish
from tests.imaging.test_consumers import CONSUMERS


@pytest.fixture(scope="module")
def reader() -> _Reader:
    return _Reader(OcrSettings(), 10**7)


def layer(*words: tuple[str, str], shirt: str | None = None) -> Image.Image:
    """Return words in their inks on nothing, one below the other, beside a thing of one colour."""
    image = Image.new("RGBA", (360, 220), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    if shirt:
        draw.polygon(((250, 20), (350, 60), (340, 200), (230, 190)), fill=shirt)
    for row, (word, ink) in enumerate(words):
        draw.text((12, 16 + 66 * row), word, ink, font=ImageFont.load_default(36))
    return image


def said(reader: _Reader, path: Path) -> str:
    [lines] = reader([ImageFile(path.name, path)])
    assert isinstance(lines, list)
    return "".join(line.text for line in finish(lines, OcrSettings()))


@pytest.mark.parametrize(
    ("image", "text"),
    [
        (layer(("COTTON", "white")), "COTTON"),
        (layer(("COTTON", "#fff8d8")), "COTTON"),
        (layer(("COTTON", "black")), "COTTON"),
        (layer(("COTTON", "#c8102e")), "COTTON"),
        (layer(("COTTON", "white"), ("STEEL", "black")), "COTTONSTEEL"),
        (layer(("COTTON", "black"), shirt="#fafafa"), "COTTON"),
        (layer(("COTTON", "white"), shirt="#202020"), "COTTON"),
    ],
    ids=[
        "white",
        "cream",
        "black",
        "red",
        "white and black",
        "black beside a white thing",
        "white beside a dark thing",
    ],
)
def test_text_on_transparency_is_read(reader: _Reader, tmp_path: Path, image: Image.Image, text: str) -> None:
    for name in ("a.png", "a.webp"):
        image.save(tmp_path / name, lossless=True)
        assert said(reader, tmp_path / name) == text


def test_white_text_in_a_palette_and_in_grey_is_read(reader: _Reader, tmp_path: Path) -> None:
    image = layer(("COTTON", "white"))
    image.quantize(4).save(tmp_path / "a.png")
    image.convert("LA").save(tmp_path / "b.png")
    image.quantize(4).save(tmp_path / "c.gif")
    assert [said(reader, tmp_path / name) for name in ("a.png", "b.png", "c.gif")] == ["COTTON"] * 3


def test_dark_and_coloured_ink_stays_on_white() -> None:
    for image in (layer(("COTTON", "black")), layer(("COTTON", "#1864ab")), layer(), layer(shirt="#606060")):
        file = io.BytesIO()
        image.save(file, "PNG")
        assert (load(file.getvalue(), behind="contrast") == load(file.getvalue())).all()


@pytest.mark.parametrize("name", ["training", "statistics", "report"])
def test_everyone_else_sees_it_on_white(name: str, tmp_path: Path) -> None:
    file, white = io.BytesIO(), io.BytesIO()
    layer(("COTTON", "white")).save(file, "PNG")
    Image.new("RGB", (360, 220), "white").save(white, "PNG")
    seen, expected = (CONSUMERS[name](one.getvalue(), tmp_path) for one in (file, white))
    assert np.array_equal(seen, expected)  # type: ignore[arg-type]
