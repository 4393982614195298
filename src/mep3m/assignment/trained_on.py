"""Which rows a run was made with, as hashes: an audit must not hold one of them.

Training, early stopping, temperatures and fusion weights have all seen these rows, those held out for
validation included. A row is known by its id, its title, its duplicate group, and where it has no title by
its OCR text and the bytes of its image. A row with none of these shows no model anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.dataset.splits import title_keys
from mep3m.errors import Mep3mError
from mep3m.models.tensors import open_tensors, save_tensors
from mep3m.store.images import Images, read_image
from mep3m.store.json_files import key_of

FILE = "trained_on.safetensors"


def keys(products: pa.Table, images: Images | None = None) -> dict[str, NDArray[np.int64]]:
    """Return what each row (N,) is known by: `id`, `title`, `group`, `ocr` and `image`, hashed."""
    own = pa.nulls(len(products), pa.string()) if _only_numbered(products) else products["id"]
    group = pc.if_else(pc.equal(products["group"], ""), None, products["group"])
    titles = title_keys(products)
    ocr = pc.if_else(pc.is_null(titles), products["ocr"], None)
    found = {"id": own, "title": titles, "group": group, "ocr": ocr}
    hashed = {name: _hashed(column.to_pylist()) for name, column in found.items()}
    return hashed | {"image": _hashed(_images(products, hashed["title"] == 0, images))}


def save(folder: Path, products: pa.Table, images: Images | None) -> None:
    """Write into a run's folder what its rows are known by: eight bytes for each."""
    found = {name: np.unique(values[values != 0]) for name, values in keys(products, images).items()}
    save_tensors(folder / FILE, found)


def save_more(folder: Path, before: Path, products: pa.Table, images: Images | None) -> None:
    """Write the rows of another run, `before`, and more; nothing where that run does not know its rows."""
    if not (before / FILE).exists():
        return
    held, more = open_tensors(before / FILE), keys(products, images)
    found = {name: np.union1d(values, more[name][more[name] != 0]) for name, values in held.items()}
    save_tensors(folder / FILE, found)


def rows_of_training(folder: Path, products: pa.Table, images: Images | None) -> dict[str, Ints] | None:
    """Return the numbers of the rows that a run was made with, by what they were recognised by.

    `None`: the run was trained before such hashes were kept.

    Raises:
        ModelError: the file of hashes is damaged.
    """
    if not (folder / FILE).exists():
        return None
    seen = open_tensors(folder / FILE)
    mine = keys(products, images)
    return {name: np.flatnonzero((mine[name] != 0) & np.isin(mine[name], seen[name])) for name in seen}


def _only_numbered(products: pa.Table) -> bool:
    """Return whether the ids only number the rows, as those of a table without an id column do."""
    ids = products["source_id"].to_pylist()
    if not all(one is not None and one.isascii() and one.isdigit() for one in ids):
        return False
    numbers = [int(one) for one in ids]
    # refused rows count too: a few numbers may be left out
    ascending = all(one < two for one, two in pairwise(numbers))
    return ascending and (not numbers or numbers[-1] <= 1.5 * len(numbers) + 10)


def _images(products: pa.Table, untitled: NDArray[np.bool_], images: Images | None) -> Iterator[str | None]:
    """Yield the hash of each row's image: known in a store, else of the bytes where there is no title."""
    for row, alone in zip(products.select(["image", "image_ref"]).to_pylist(), untitled, strict=True):
        found = row["image"]
        if not found and alone and images is not None:
            try:
                located = images.locate(row)
                found = None if located is None else hashlib.sha256(read_image(located)).hexdigest()
            except (OSError, Mep3mError):
                found = None
        yield found


def _hashed(texts: Iterable[str | None]) -> NDArray[np.int64]:
    """Return 64 bits of BLAKE2b a text, 0 where there is none."""
    return np.array([key_of(text) if text else 0 for text in texts], dtype=np.int64)
