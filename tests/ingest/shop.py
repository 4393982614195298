"""A small shop on disk, and its stores compared byte by byte."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from mep3m.engine import make_engine
from mep3m.ingest.run import ingest
from mep3m.settings.sources import SourceEntry
from mep3m.store import Store

COLUMNS = {"id": "id", "title": "title", "labels": ["a", "b"], "image": "image"}
Row = tuple[str, str, str, str, str]


def picture(seed: int = 0, kind: str = "PNG", size: tuple[int, int] = (12, 10)) -> bytes:
    """Return the bytes of a small image that differs by seed."""
    out = io.BytesIO()
    Image.new("RGB", size, (seed % 256, seed // 256 % 256, 7)).save(out, kind)
    return out.getvalue()


def rows(count: int) -> list[Row]:
    """Return the rows of a shop with `count` products."""
    return [(str(i), f"商品 {i}", "食品", "饮料" if i % 2 else "", f"{i}.png") for i in range(count)]


def write_shop(folder: Path, products: Sequence[Row], name: str = "shop.tsv") -> Path:
    """Write a table of products and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(
        "\n".join("\t".join(row) for row in [("id", "title", "a", "b", "image"), *products]) + "\n"
    )
    return path


def write_images(folder: Path, numbers: Sequence[int]) -> Path:
    """Write one image a number and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / f"{number}.png").write_bytes(picture(number))
    return folder


def take_in(
    path: Path, store: Path, workers: int = 1, replace: bool = False, engine: str = "local", **entry: Any
) -> Store:
    """Ingest one file with the columns of `write_shop`."""
    settings: dict[str, Any] = {"name": "shop", "path": str(path), "columns": COLUMNS, "part_bytes": 200}
    settings["max_withdrawn"] = 1.0  # small shops lose large shares
    one = SourceEntry.parse(settings | entry, "test")
    return ingest([one], Path(), store, make_engine(engine, workers), replace=replace)


def content(store: Path) -> dict[str, str]:
    """Return the hash of every file that a store keeps, the machine's own note left out."""
    files = [path for path in store.rglob("*") if path.is_file() and path.name != "origin.json"]
    return {str(p.relative_to(store)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)}
