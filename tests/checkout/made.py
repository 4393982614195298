"""Small pictures of products, folders of them, and an encoder of a few thousand weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from mep3m.checkout.coco import ProductName
from mep3m.checkout.cut_out import CutOut
from mep3m.checkout.cuts import CutProducts, cut_products
from mep3m.checkout.exemplars import open_exemplars

#: products by their colours, no two alike
COLOURS = ("red", "blue", "green", "gold", "purple", "black", "brown", "teal", "orange", "navy", "pink")


def picture(colour: str, size: int = 120, ground: str = "white") -> Image.Image:
    """Draw a box of one colour with a dark stripe, and nothing else."""
    image = Image.new("RGB", (size, size), ground)
    canvas = ImageDraw.Draw(image)
    canvas.rectangle((size // 4, size // 6, size * 3 // 4, size * 5 // 6), fill=colour)
    canvas.rectangle((size // 4, size // 3, size * 3 // 4, size * 2 // 5), fill=(60, 60, 60))
    return image


def folder_of(place: Path, products: int, pictures: int = 1) -> Path:
    """Write a folder of pictures for each of so many products."""
    for colour in COLOURS[:products]:
        (place / colour).mkdir(parents=True)
        for number in range(pictures):
            picture(colour).save(place / colour / f"{number}.png")
    return place


def cut_folder(place: Path, products: int) -> CutProducts:
    """Write such a folder and cut its products out."""
    return cut_products(open_exemplars(folder_of(place, products))[0])


def plain_cuts(products: int, height: int = 60, width: int = 40) -> CutProducts:
    """Return products of one colour each, cut out as rectangles."""
    mask = np.ones((height, width), bool)
    shades = np.linspace(20, 235, products).astype(np.uint8)
    cuts = tuple(
        (CutOut(np.full((height, width, 3), (shade, 255 - shade, 60), np.uint8), mask, "cut"),)
        for shade in shades
    )
    return CutProducts(tuple(ProductName(f"p{n}", "g") for n in range(products)), cuts, (), ())


def annotations(folder: Path, name: str = "instances_test.json", **change: Any) -> Path:
    """Write a file of annotations with two pictures and three boxes."""
    pictures = folder / name.removeprefix("instances_").removesuffix(".json")
    pictures.mkdir(parents=True, exist_ok=True)
    for file in ("a.jpg", "b.jpg"):
        picture("red").save(pictures / file)
    content: dict[str, Any] = {
        "images": [
            {"id": 7, "file_name": "a.jpg", "level": "easy", "width": 120, "height": 120},
            {"id": 8, "file_name": "b.jpg", "level": "hard", "width": 120, "height": 120},
        ],
        "categories": [
            {"id": 1, "name": "tea", "supercategory": "drink"},
            {"id": 2, "name": "gum", "supercategory": "sweets"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [30, 20, 60, 80]},
            {"id": 2, "image_id": 7, "category_id": 2, "bbox": [0, 0, 10, 10]},
            {"id": 3, "image_id": 8, "category_id": 1, "bbox": [30, 20, 60, 80]},
        ],
    }
    (folder / name).write_text(json.dumps(content | change), encoding="utf-8")
    return folder / name
