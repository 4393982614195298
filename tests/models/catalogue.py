"""A tiny catalogue whose categories show in both the picture (its colour) and the title (a word)."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from mep3m.label_tree.tree import LabelTree
from mep3m.product import Label, Product, to_table
from mep3m.store.images import ContentImages

PATHS = (("food", "tea"), ("food", "rice"), ("home", "lamp"))
COLOURS = {"tea": (20, 160, 40), "rice": (240, 240, 230), "lamp": (200, 40, 30)}
TREE = LabelTree.from_paths(PATHS)


def picture(category: str, seed: int, size: int = 40) -> bytes:
    """Return a noisy PNG in the colour of a category."""
    noise = np.random.default_rng(seed).normal(0, 12, (size, size, 3))
    pixels = (np.array(COLOURS[category]) + noise).clip(0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def products(folder: Path, count: int = 30, without: str = "") -> tuple[pa.Table, ContentImages]:
    """Return rows with images in a content store under `folder`; `without` hides a modality of row 0."""
    images = ContentImages(folder)
    rows = []
    for n in range(count):
        path = PATHS[n % len(PATHS)]
        key = images.put(picture(path[1], n))
        rows.append(
            Product(
                id=f"p{n}",
                source="shop",
                source_id=str(n),
                title=None if without == "title" and n == 0 else f"good {path[1]} no {n % 4}",
                ocr=f"buy {path[1]}" if n % 2 else None,
                image=None if without == "image" and n == 0 else key,
                labels=tuple(Label(name, "given", "shop") for name in (path[:1] if n == 4 else path)),
            )
        )
    return to_table(rows), images
