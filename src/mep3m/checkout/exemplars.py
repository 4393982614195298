"""Exemplars: products, each with pictures that show it alone; from folders, a table, a store or RPC."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mep3m.checkout.coco import ProductName, annotation_file, read_annotated
from mep3m.dataset.reading import Opened, open_products, store_folder
from mep3m.errors import InputError, NotFoundError, UsageError
from mep3m.settings.sources import Columns, TableFormat
from mep3m.sources.formats.folder import SUFFIXES, UNREAD
from mep3m.store.filesystem import as_text
from mep3m.store.layout import Layout, stores_below
from mep3m.store.walk import listed

#: left, top, width, height in pixels
Place = tuple[float, float, float, float]


class Photo(NamedTuple):
    """A picture of one product, or the part of a picture that `place` says."""

    path: Path
    place: Place | None = None


@dataclass(frozen=True)
class Exemplar:
    """A product and the pictures that show it alone."""

    product: ProductName
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class TableChoices:
    """How a table of exemplars is read; see `dataset.reading.open_products`."""

    columns: Columns | None = None
    image_root: Path | None = None
    table: TableFormat | None = None
    encoding: str | None = None


def open_exemplars(
    path: Path, most: int = 12, choices: TableChoices | None = None
) -> tuple[tuple[Exemplar, ...], list[str]]:
    """Return the products of `path` in the order of their names, and what was left out, as lines to say.

    `path` is a folder with one folder a product, a table, a store, or a folder of RPC (its file of exemplars
    has 'train' in its name). Of a product with many pictures, `most` are taken, evenly from first to last.

    Raises:
        NotFoundError: there is nothing.
        InputError: a product has no picture.
        UsageError: no product is there, or a table's columns do not say products and pictures.
    """
    if not path.exists():
        raise NotFoundError(f"{path} does not exist; give a folder with one folder of pictures a product")
    refused: list[str] = []
    if annotation_file(path, ("train",)) is not None:
        found = _annotated(path)
    elif path.is_file() or Layout(path).begun or stores_below(path):
        found, refused = _tabled(path, choices or TableChoices())
    else:
        found, refused = _foldered(path)
    if not found:
        raise UsageError(f"{path} holds no product; give a folder with one folder of pictures a product")
    empty = [product.name for product, photos in found.items() if not photos]
    if empty:
        raise InputError(
            f"{len(empty)} of {len(found)} products of {path} have no picture ({', '.join(empty[:5])}); add "
            "pictures, or take the product out"
        )
    ordered = sorted(found.items())
    return tuple(Exemplar(product, _spread(photos, most)) for product, photos in ordered), refused


def _spread(photos: Sequence[Photo], most: int) -> tuple[Photo, ...]:
    """Return at most so many photos, evenly from first to last."""
    if len(photos) <= most:
        return tuple(photos)
    return tuple(photos[int(place)] for place in np.linspace(0, len(photos) - 1, most).round())


def _annotated(path: Path) -> dict[ProductName, list[Photo]]:
    read = read_annotated(path, ("train",))
    found: dict[ProductName, list[Photo]] = {product: [] for product in read.products}
    for image, product, place in zip(read.boxes.image, read.boxes.product, read.boxes.place, strict=True):
        left, top, width, height = place.tolist()
        photo = Photo(read.pictures[image].path, (left, top, width, height))
        found[read.products[product]].append(photo)
    return found


def _tabled(path: Path, choices: TableChoices) -> tuple[dict[ProductName, list[Photo]], list[str]]:
    folder = store_folder(path) if path.is_dir() else path
    opened = open_products(folder, choices.columns, choices.image_root, choices.table, choices.encoding)
    refused = [f"{path} line {one.line}: {one.reason}" for one in opened.rejects]
    rows = opened.products.select(["id", "source_path", "image", "image_ref"]).to_pylist()
    located = [(_path_of(row["source_path"]), _photo(opened, row)) for row in rows]
    nameless = [row["id"] for row, (names, _) in zip(rows, located, strict=True) if not names]
    if len(nameless) == len(rows):
        raise UsageError(f"{path} does not say what product a row shows; name its columns with --labels")
    refused += [f"{path} row {name}: it names no product" for name in nameless]
    return _unique([(names, photo) for names, photo in located if names]), refused


def _photo(opened: Opened, row: dict[str, object]) -> Photo | None:
    place = opened.images.locate(row) if opened.images is not None else None
    return Photo(place) if isinstance(place, Path) else None


def _path_of(names: Sequence[str | None] | None) -> tuple[str, ...]:
    return tuple(name for name in names or () if name)


def _foldered(path: Path) -> tuple[dict[ProductName, list[Photo]], list[str]]:
    """Return the products of the folders below `path` that hold pictures or nothing."""
    rows: list[tuple[tuple[str, ...], Photo | None]] = []
    refused: list[str] = []
    todo = [path]
    while todo:
        folder = todo.pop(0)
        inside = listed(folder)
        names = tuple(as_text(part) for part in folder.relative_to(path).parts)
        pictures = [one for one in inside if one.suffix.lower() in SUFFIXES and one.is_file()]
        refused += [
            as_text(f"{one}: pictures ending in {one.suffix} are not read; convert it to JPEG or PNG")
            for one in inside
            if one.suffix.lower() in UNREAD and one.is_file()
        ]
        here = folder.resolve()  # a link to a folder above would never end
        below = [one for one in inside if one.is_dir() and not here.is_relative_to(one.resolve())]
        todo += below
        if not names:
            _refuse_loose(path, pictures)
        elif pictures or not below:
            rows += [(names, Photo(one)) for one in pictures] or [(names, None)]
    return _unique(rows), refused


def _refuse_loose(path: Path, pictures: Sequence[Path]) -> None:
    if pictures:
        raise UsageError(
            f"{len(pictures)} pictures lie in {path} itself ({pictures[0].name}); which product they show is "
            "the name of a folder: one folder a product"
        )


def _unique(rows: Iterable[tuple[tuple[str, ...], Photo | None]]) -> dict[ProductName, list[Photo]]:
    """Return the photos of each path; a name that two paths end in is told apart by the whole path."""
    by_path: dict[tuple[str, ...], list[Photo]] = {}
    for names, photo in rows:
        by_path.setdefault(names, []).extend([photo] if photo else [])
    shared = Tally(names[-1] for names in by_path)
    return {
        ProductName(
            names[-1] if shared[names[-1]] == 1 else "/".join(names), names[-2] if len(names) > 1 else ""
        ): photos
        for names, photos in by_path.items()
    }
