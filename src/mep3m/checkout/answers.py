"""What was counted on pictures: JSON lines, and the pictures with boxes for looking."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mep3m.arrays import Ints
from mep3m.checkout.coco import ProductName, ScenePicture
from mep3m.checkout.counter import FoundProduct, ProductCounter
from mep3m.engine.progress import Progress, silent
from mep3m.errors import MissingExtraError
from mep3m.evaluation.checkout.boxes import Boxes
from mep3m.imaging.decode import Pixels, UnreadableImageError, load
from mep3m.simulator.lettering import font_folder
from mep3m.store.filesystem import as_text, atomic_write

ANSWERS, LOOKED_AT = "answers.jsonl", "pictures"
#: colours of boxes: counted, counted where nothing like it is, and not counted
_FOUND, _WRONG, _MISSED = (20, 120, 60), (200, 30, 30), (30, 70, 220)
#: the least overlap (IoU) of a box with the true box of the same product
_SAME = 0.5
#: the most characters of a name that an annotated picture keeps; they may have four bytes each, a name 255
_LONGEST = 50


class CountedScenes(NamedTuple):
    """Boxes found, with numbers into the pictures; those pictures that were read; and lines on the others."""

    boxes: Boxes
    read: Ints
    refused: tuple[str, ...]


def count_pictures(
    counter: ProductCounter,
    products: Sequence[ProductName],
    pictures: Sequence[ScenePicture],
    out: Path,
    looked_at: int = 4,
    truth: Boxes | None = None,
    progress: Progress = silent,
) -> CountedScenes:
    """Count the products on pictures and write the answers into `out`.

    `looked_at` pictures of each level are also written with their boxes; where `truth` is given, boxes that
    it does not have are red, and its boxes that were not found are blue.
    """
    rows: list[tuple[int, FoundProduct]] = []
    read: list[int] = []
    refused: list[str] = []
    drawn: Tally[str] = Tally()
    taken: set[str] = set()
    with (
        atomic_write(out / ANSWERS) as temporary,
        temporary.open("wb") as file,
        progress("count", len(pictures), "images") as advance,
    ):
        for number, picture in enumerate(pictures):
            advance(1)
            try:
                pixels = load(picture.path)
            except (UnreadableImageError, OSError) as error:
                refused.append(as_text(f"{picture.path}: {error}"))
                continue
            found = counter.count(pixels)
            file.write(orjson.dumps(_line(picture, products, found)) + b"\n")
            rows += [(number, one) for one in found]
            read.append(number)
            drawn[picture.level] += 1
            if drawn[picture.level] <= looked_at:
                known = truth.on(np.array([number])) if truth is not None else None
                _save(
                    out / LOOKED_AT / _own_name(picture.name, number, taken),
                    annotated(pixels, products, found, known),
                )
    return CountedScenes(_boxes(rows), np.array(read, np.int64), tuple(refused))


def _line(
    picture: ScenePicture, products: Sequence[ProductName], found: Sequence[FoundProduct]
) -> dict[str, Any]:
    counts = Tally(products[one.product].name for one in found)
    boxes = [
        {
            "product": products[one.product].name,
            "box": [round(value, 1) for value in one.place],
            "likeness": round(one.likeness, 4),
        }
        for one in found
    ]
    return {"image": picture.name, "counts": dict(sorted(counts.items())), "boxes": boxes}


def _own_name(name: str, number: int, taken: set[str]) -> str:
    """Return the name of an annotated picture, with its number where one of that name is `taken`."""
    stem = Path(name).stem[:_LONGEST]
    while stem in taken:
        stem += f"-{number + 1}"
    taken.add(stem)
    return f"{stem}.jpg"


def _boxes(rows: Sequence[tuple[int, FoundProduct]]) -> Boxes:
    return Boxes(
        np.array([number for number, _ in rows], np.int64),
        np.array([one.product for _, one in rows], np.int64),
        np.array([one.place for _, one in rows], np.float64).reshape(-1, 4),
        np.array([one.likeness for _, one in rows], np.float64),
    )


def annotated(
    pixels: Pixels, products: Sequence[ProductName], found: Sequence[FoundProduct], truth: Boxes | None
) -> Image.Image:
    """Return a picture with its boxes and what they were taken for."""
    image = Image.fromarray(pixels)
    canvas = ImageDraw.Draw(image)
    size = max(image.width // 50, 10)
    free = list(range(len(truth.product))) if truth is not None else []
    for one in found:
        same = [n for n in free if truth is not None and truth.product[n] == one.product]
        ious = [_iou(one.place, truth.place[n]) for n in same] if truth is not None else []
        hit = same[int(np.argmax(ious))] if ious and max(ious) >= _SAME else None
        if hit is not None:
            free.remove(hit)
        colour = _FOUND if truth is None or hit is not None else _WRONG
        _box(canvas, one.place, f"{products[one.product].name} {one.likeness:.2f}", colour, size)
    for number in free:
        assert truth is not None  # there are numbers of its boxes
        _box(canvas, truth.place[number], products[truth.product[number]].name, _MISSED, size, below=True)
    return image


def _box(
    canvas: ImageDraw.ImageDraw,
    place: Sequence[float] | NDArray[np.float64],
    text: str,
    colour: tuple[int, int, int],
    size: int,
    *,
    below: bool = False,
) -> None:
    left, top, width, height = (float(value) for value in place)
    canvas.rectangle((left, top, left + width, top + height), outline=colour, width=max(size // 6, 2))
    font = _font(size)
    corner = (left + 2, top + height - size * 1.4 if below else top + 1)
    canvas.rectangle(canvas.textbbox(corner, text, font=font), fill=colour)
    canvas.text(corner, text, fill=(255, 255, 255), font=font)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return a font with Chinese where one is installed, else Pillow's own."""
    try:
        return ImageFont.truetype(font_folder() / "NotoSansCJKsc-Regular.otf", size)
    except (MissingExtraError, OSError):
        return ImageFont.load_default(size)


def _iou(one: Sequence[float], other: NDArray[np.float64]) -> float:
    """Return the intersection over union of two boxes (left, top, width, height)."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(np.add(one[:2], one[2:]), other[:2] + other[2:])
    shared = float(np.prod(np.clip(high - low, 0, None)))
    return shared / (one[2] * one[3] + float(other[2] * other[3]) - shared)


def _save(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, durable=False) as temporary:
        image.save(temporary, "JPEG", quality=88)
