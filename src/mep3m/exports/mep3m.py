"""Products in MEP-3M's own annotation format: one JSON array."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import UsageError
from mep3m.product import Product
from mep3m.sources.mep3m.spreadsheet import LEVELS
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import Taxonomy, name_of

_OWN_ID = re.compile(r"L(\d)-(\w+)")


@dataclass(frozen=True)
class Written:
    """How many products were written, and how many of them lost what lies below the third level."""

    products: int
    cut: int


def write_annotations(
    products: Iterable[Product], taxonomy: Taxonomy, path: Path, cut: bool = False
) -> Written:
    """Write products as MEP-3M's JSON array; missing values become "FALSE", dropped products are left out.

    Categories keep MEP-3M's numbers where they came from MEP-3M; the categories of any other tree are
    numbered in the tree's order, the third level after the second as in MEP-3M, and those that no tree has in
    the order in which they come. With `cut`, levels below the third are left out.

    Raises:
        UsageError: without `cut`, a product has a category below the third level.
    """
    numbers = CategoryNumbers(taxonomy)
    count = deeper = 0
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(b"[")
        for product in (one for one in products if one.dropped is None):
            depth = len(product.labels)
            if depth > len(LEVELS) and not cut:
                raise UsageError(
                    f"{product.id} has {depth} levels of categories, MEP-3M's format has {len(LEVELS)}; "
                    "--cut leaves out those below"
                )
            file.write(b",\n" if count else b"\n")
            file.write(orjson.dumps(_record(product, taxonomy, numbers), option=orjson.OPT_INDENT_2))
            count += 1
            deeper += depth > len(LEVELS)
        file.write(b"\n]\n")
    return Written(count, deeper)


class CategoryNumbers:
    """The number of each category: MEP-3M's own, its place in the tree, or the next one."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        own = {node.id: _OWN_ID.fullmatch(node.id) for node in taxonomy}
        fine = [node for level in range(2, len(LEVELS) + 1) for node in taxonomy.at_level(level)]
        self._of: dict[str | tuple[str | None, ...], str] = {}
        for nodes in (taxonomy.at_level(1), fine):
            for place, node in enumerate(nodes, start=1):
                match = own[node.id]
                self._of[node.id] = match[2] if match and all(own.values()) else str(place)
        numbers = ([self._of[node.id] for node in nodes] for nodes in (taxonomy.at_level(1), fine))
        self._last = [max((int(one) for one in given if one.isdecimal()), default=0) for given in numbers]

    def of(self, path: tuple[str | None, ...]) -> str:
        """Return the number of the category that `path`, from the first level, ends in."""
        last = path[-1]
        key = last if last in self._of and last is not None else path
        if key not in self._of:
            kind = min(len(path), 2) - 1
            self._last[kind] += 1
            self._of[key] = str(self._last[kind])
        return self._of[key]


def _record(product: Product, taxonomy: Taxonomy, numbers: CategoryNumbers) -> dict[str, Any]:
    record: dict[str, Any] = {}
    path = tuple(product.category(level) for level in range(1, len(LEVELS) + 1))
    for level, (name, category) in enumerate(zip(LEVELS, path, strict=True), start=1):
        record[f"{name}_id"] = numbers.of(path[:level]) if category else "FALSE"
        record[f"{name}_name"] = name_of(category, taxonomy) if category else "FALSE"
    record["img_path"] = product.image_ref or "FALSE"
    size = (product.image_height, product.image_width)
    record["img_resolution"] = [*size, 3] if None not in size else []
    record["title"] = product.title or ""
    record["OCR"] = product.ocr or "FALSE"
    return record
