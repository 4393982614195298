"""Product pictures: a shape and colours that depend on the category, and text drawn on some of them.

Shapes are lists of parts on a 100 x 100 grid (`shapes.tsv`): R rectangle, B rounded box, E ellipse,
P polygon, A ring, L line, then the coordinates and the role of the colour (body, dark, light,
accent, grey, white, black).
"""

from __future__ import annotations

import colorsys
import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from mep3m.simulator.lettering import DrawnLine, write_lines
from mep3m.simulator.platforms import Leaf
from mep3m.simulator.titles import Item

Colour = tuple[int, int, int]
Points = list[tuple[float, float]]
Place = Callable[[Points], Points]

#: (width, height) -> share, about as in MEP-3M; the small ones never carry text
SIZES: tuple[tuple[tuple[int, int], float], ...] = (
    ((220, 220), 0.82), ((350, 350), 0.04), ((220, 293), 0.04), ((160, 160), 0.03), ((75, 75), 0.07),
)  # fmt: skip
TEXT_SIDE = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of an image file, and the text drawn on it, top to bottom."""

    content: bytes
    extension: Literal["jpg", "png"]
    size: tuple[int, int]
    lines: tuple[DrawnLine, ...]


def draw(item: Item, leaf: Leaf, text_share: float) -> tuple[Image.Image, tuple[DrawnLine, ...]]:
    """Draw the picture of a product; the same item always looks the same."""
    rng = Random(item.look)
    with_text = rng.random() < text_share
    sizes = [(size, share) for size, share in SIZES if not with_text or size[0] >= TEXT_SIDE]
    size = rng.choices([size for size, _ in sizes], [share for _, share in sizes])[0]
    image = _background(size, rng)
    canvas = ImageDraw.Draw(image)
    _shape(canvas, size, leaf, rng)
    lines = write_lines(canvas, size, item, rng) if with_text else ()
    return _grain(image, rng), lines


def encode(image: Image.Image, lines: Sequence[DrawnLine], rng: Random) -> Picture:
    """Encode as JPEG, and 3.5 % as PNG (the shares of MEP-3M)."""
    buffer = io.BytesIO()
    png = rng.random() < 0.035
    if png:
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "JPEG", quality=rng.choice((80, 85, 90)))
    return Picture(buffer.getvalue(), "png" if png else "jpg", image.size, tuple(lines))


def re_encode(image: Image.Image, lines: Sequence[DrawnLine], rng: Random) -> Picture:
    """Return the same picture as another shop would save it: rescaled, other quality, a bit lighter."""
    scale = rng.choice((1.0, 1.0, 0.9, 1.15, 1.6))
    size = (round(image.width * scale), round(image.height * scale))
    copy = image.resize(size, Image.Resampling.BICUBIC) if scale != 1.0 else image
    if rng.random() < 0.5:
        lighter = 1 + rng.uniform(-0.05, 0.05)
        copy = copy.point([min(255, round(value * lighter)) for value in range(256)] * 3)
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=rng.choice((60, 70, 92)))
    moved = [
        DrawnLine(line.text, line.kind, tuple(round(edge * scale) for edge in line.box))  # type: ignore[arg-type]
        for line in lines
    ]
    return Picture(buffer.getvalue(), "jpg", size, tuple(moved))


def blurred(image: Image.Image) -> Image.Image:
    """Return the picture far out of focus."""
    return image.filter(ImageFilter.GaussianBlur(image.width / 18))


def _background(size: tuple[int, int], rng: Random) -> Image.Image:
    """White for most, else a light plain colour or a vertical gradient."""
    draw_kind = rng.random()
    if draw_kind < 0.6:
        return Image.new("RGB", size, (255, 255, 255))
    colour = _hsv(rng.random(), rng.uniform(0.08, 0.35), 0.97)
    if draw_kind < 0.8:
        return Image.new("RGB", size, colour)
    other = _hsv(rng.random(), rng.uniform(0.0, 0.2), 1.0)
    strip = Image.new("RGB", (1, 2))
    strip.putdata([colour, other])
    return strip.resize(size, Image.Resampling.BILINEAR)


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, min(1.0, saturation), min(1.0, value))
    return round(red * 255), round(green * 255), round(blue * 255)


@cache
def _parts(shape: str) -> tuple[tuple[str, tuple[float, ...], str], ...]:
    text = resources.files(__package__).joinpath("shapes.tsv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines(), delimiter="\t"):
        if row["name"] == shape:
            parts = [part.split() for part in row["parts"].split(";")]
            return tuple((p[0], tuple(float(value) for value in p[1:-1]), p[-1]) for p in parts)
    raise KeyError(shape)


def _palette(leaf: Leaf, rng: Random) -> dict[str, Colour]:
    """Colours around the category's own hue for most products, any hue for the others."""
    home = Random(f"{leaf.kind.name.en}/{leaf.third}")
    hue, saturation = home.random(), home.uniform(0.35, 0.9)
    hue = rng.gauss(hue, 0.05) if rng.random() < 0.7 else rng.random()
    value = rng.uniform(0.55, 0.95)
    return {
        "b": _hsv(hue, saturation, value),
        "d": _hsv(hue, saturation, value * 0.55),
        "l": _hsv(hue, saturation * 0.35, 0.98),
        "a": _hsv(hue + rng.choice((0.33, 0.5, 0.67)), 0.85, 0.9),
        "g": (150, 152, 156),
        "w": (246, 246, 244),
        "k": (38, 38, 42),
    }


def _shape(canvas: ImageDraw.ImageDraw, size: tuple[int, int], leaf: Leaf, rng: Random) -> None:
    """Draw the category's shape, moved, scaled, turned and stretched a little, with its pattern."""
    width, height = size
    scale = min(width, height) / 100 * rng.uniform(0.6, 0.85)
    turn = math.radians(rng.gauss(0, 6))
    flip = -1 if rng.random() < 0.3 else 1
    stretch = rng.uniform(0.85, 1.15)
    cx, cy = width * rng.uniform(0.42, 0.58), height * rng.uniform(0.46, 0.56)

    def place(points: Points) -> Points:
        moved = []
        for x, y in points:
            dx, dy = (x - 50) * scale * flip * stretch, (y - 50) * scale
            moved.append((cx + dx * math.cos(turn) - dy * math.sin(turn),
                          cy + dx * math.sin(turn) + dy * math.cos(turn)))  # fmt: skip
        return moved

    palette = _palette(leaf, rng)
    for code, numbers, role in _parts(leaf.kind.shape):
        if code == "A":
            canvas.line([*place(_ellipse(numbers)), place(_ellipse(numbers))[0]], palette[role],
                        max(2, round(6 * scale)))  # fmt: skip
        elif code == "L":
            canvas.line(place([numbers[:2], numbers[2:]]), palette[role], max(1, round(4 * scale)))  # type: ignore[list-item]
        else:
            canvas.polygon(place(_outline(code, numbers)), palette[role])
    _pattern(canvas, place, leaf, palette, scale, rng)


def _outline(code: str, numbers: tuple[float, ...]) -> Points:
    if code == "P":
        return list(zip(numbers[::2], numbers[1::2], strict=True))
    if code == "E":
        return _ellipse(numbers)
    left, top, right, bottom = numbers
    if code == "R":
        return [(left, top), (right, top), (right, bottom), (left, bottom)]
    cut = min(right - left, bottom - top) * 0.14
    return [(left + cut, top), (right - cut, top), (right, top + cut), (right, bottom - cut),
            (right - cut, bottom), (left + cut, bottom), (left, bottom - cut), (left, top + cut)]  # fmt: skip


def _ellipse(numbers: tuple[float, ...]) -> Points:
    left, top, right, bottom = numbers
    angles = [step * math.tau / 24 for step in range(24)]
    return [
        (
            (left + right) / 2 + math.cos(a) * (right - left) / 2,
            (top + bottom) / 2 + math.sin(a) * (bottom - top) / 2,
        )
        for a in angles
    ]


def _pattern(
    canvas: ImageDraw.ImageDraw,
    place: Place,
    leaf: Leaf,
    palette: dict[str, Colour],
    scale: float,
    rng: Random,
) -> None:
    """Add the mark that tells a category from another of the same shape: dots, stripes or a seal."""
    home = Random(f"pattern/{leaf.kind.name.en}/{leaf.third}")
    mark, colour = home.randrange(5), palette[home.choice("adlk")]
    if rng.random() < 0.15:
        return
    for step in range(3):
        if mark == 0:
            canvas.line(place([(40, 52 + 8 * step), (60, 52 + 8 * step)]), colour, max(1, round(2.5 * scale)))
        elif mark == 1:
            canvas.line(place([(42 + 8 * step, 50), (42 + 8 * step, 70)]), colour, max(1, round(2.5 * scale)))
        elif mark == 2:
            canvas.polygon(place(_ellipse((38 + 9 * step, 56, 44 + 9 * step, 62))), colour)
        elif mark == 3 and step == 0:
            canvas.polygon(place([(50, 48), (60, 66), (40, 66)]), colour)
    # mark 4 is no mark
    for _ in range(rng.randint(0, 3)):  # what no two products share
        x, y = rng.uniform(30, 70), rng.uniform(30, 80)
        reach = rng.uniform(2, 7)
        canvas.polygon(
            place(_ellipse((x - reach, y - reach, x + reach, y + reach))), _hsv(rng.random(), 0.7, 0.85)
        )


@cache
def _noise_tile() -> Image.Image:
    values = np.random.default_rng(7).normal(128, 5, (512, 512)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(values)


def _grain(image: Image.Image, rng: Random) -> Image.Image:
    """Add a camera's grain, from one tile at a random offset."""
    left, top = rng.randrange(512 - 352), rng.randrange(512 - 352)
    tile = _noise_tile().crop((left, top, left + image.width, top + image.height))
    return Image.blend(image, Image.merge("RGB", (tile, tile, tile)), 0.06)
