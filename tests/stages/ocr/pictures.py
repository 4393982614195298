"""Images for the tests, drawn on the spot; `make_chinese` writes the one that needs a Chinese font."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
CHINESE = HERE / "chinese.png"
CHINESE_LINES = ("纯棉毛巾", "满100减50")


def drawn(*lines: str, size: tuple[int, int] = (320, 160), height: int = 32) -> Image.Image:
    """Return black English text on white."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(height)
    for row, line in enumerate(lines):
        draw.text((16, 16 + row * height * 1.6), line, "black", font=font)
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def make_chinese(font: str) -> None:
    """Draw `chinese.png` again with a Chinese font file (Noto Sans CJK SC was used)."""
    image = Image.new("L", (220, 120), 255)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(CHINESE_LINES):
        draw.text((12, 10 + row * 50), line, 0, font=ImageFont.truetype(font, 34))
    image.save(CHINESE, optimize=True)
