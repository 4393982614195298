"""Chinese text on product pictures: what the shop shouts, and what the label says."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal

from PIL import ImageDraw, ImageFont

from mep3m.errors import MissingExtraError
from mep3m.simulator.titles import PROMOTIONS, Item

LineKind = Literal["promotional", "informative"]

#: ink and the strip behind it, or `None` for ink straight on the picture with an edge around it
STYLES: tuple[tuple[str, str | None], ...] = (
    ("white", "#d8201c"), ("white", "#e8590c"), ("#ffe94d", "#c2120f"), ("white", "#1b1b1f"),
    ("#c2120f", "#fff3bf"), ("white", "#1864ab"), ("#c2120f", None), ("#1b1b1f", None), ("#1864ab", None),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """One line of text on a picture; `box` is (left, top, right, bottom) in pixels."""

    text: str
    kind: LineKind
    box: tuple[int, int, int, int]


def write_lines(
    canvas: ImageDraw.ImageDraw, size: tuple[int, int], item: Item, rng: Random
) -> tuple[DrawnLine, ...]:
    """Draw one to five lines on a picture and return them from top to bottom."""
    width, height = size
    wanted = list(_texts(item, rng))
    serif = rng.random() < 0.25
    top, bottom = round(height * 0.02), round(height * 0.98)
    lines = []
    for text, kind in wanted:
        pixels = round(height * rng.uniform(0.068, 0.115))
        font = _fitting(text, pixels, width * 0.94, serif)
        left, upper, right, lower = font.getbbox(text)
        at_top = rng.random() < 0.45
        y = top if at_top else bottom - round(lower - upper) - 4
        x = rng.choice((round(width * 0.03), round((width - right + left) / 2)))
        box = (x, y + 2, x + round(right - left), y + 2 + round(lower - upper))
        _write(canvas, text, (x - left, y + 2 - upper), box, width, font, rng)
        lines.append(DrawnLine(text, kind, box))
        if at_top:
            top = box[3] + 4
        else:
            bottom = box[1] - 4
    return tuple(sorted(lines, key=lambda line: line.box[1]))


def _texts(item: Item, rng: Random) -> Iterator[tuple[str, LineKind]]:
    """Yield the texts of a picture: about half of the lines are promotional, never twice the same."""
    informative = [
        item.brand.zh,
        item.brand.en,
        item.noun,
        item.brand.zh + item.noun,
        " ".join(item.sizes),
        item.series + "系列",
        item.words[0] + " " + item.words[-1],
    ]
    told: set[str] = set()
    for _ in range(rng.choices((1, 2, 3, 4, 5), (30, 30, 22, 12, 6))[0]):
        kind: LineKind = "promotional" if rng.random() < 0.5 else "informative"
        text = rng.choice(PROMOTIONS if kind == "promotional" else informative)
        if text not in told:
            told.add(text)
            yield text, kind


def _write(
    canvas: ImageDraw.ImageDraw,
    text: str,
    at: tuple[float, float],
    box: tuple[int, int, int, int],
    width: int,
    font: ImageFont.FreeTypeFont,
    rng: Random,
) -> None:
    ink, strip = rng.choice(STYLES)
    if strip is None:
        canvas.text(at, text, ink, font, stroke_width=1, stroke_fill="white")
        return
    across = (0, width) if rng.random() < 0.4 else (box[0] - 3, box[2] + 3)
    canvas.rectangle((across[0], box[1] - 2, across[1], box[3] + 2), strip)
    canvas.text(at, text, ink, font)


def _fitting(text: str, pixels: int, width: float, serif: bool) -> ImageFont.FreeTypeFont:
    """Return the font at this height, or smaller where the text would not fit (never below 12)."""
    font = _font(pixels, serif)
    length = font.getlength(text)
    return font if length <= width else _font(max(12, int(pixels * width / length)), serif)


@cache
def _font(pixels: int, serif: bool) -> ImageFont.FreeTypeFont:
    file = "NotoSerifCJKsc-Regular.otf" if serif else "NotoSansCJKsc-Regular.otf"
    return ImageFont.truetype(font_folder() / file, pixels, layout_engine=ImageFont.Layout.BASIC)


@cache
def font_folder() -> Path:
    """Return the folder of Chinese fonts in the wheel of mplfonts (which is not imported).

    Raises:
        MissingExtraError: the package is not installed.
    """
    package = importlib.util.find_spec("mplfonts")
    if package is None or not package.submodule_search_locations:
        message = (
            "'mplfonts' (Chinese fonts) is not installed. Install it with: pip install 'mep3m[simulate]'"
        )
        raise MissingExtraError(message)
    return Path(next(iter(package.submodule_search_locations))) / "fonts"
