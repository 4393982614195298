"""Products in MEP-3M's own annotation format: one JSON array."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from mep3m.product import Product
from mep3m.sources.mep3m.spreadsheet import LEVELS
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import Category, Taxonomy

_OWN_ID = re.compile(r"L(\d)-(\w+)")


def write_annotations(products: Iterable[Product], taxonomy: Taxonomy, path: Path) -> int:
    """Write products as MEP-3M's JSON array and return how many were written.

    Categories keep MEP-3M's numbers where they came from MEP-3M; the categories of any other tree are
    numbered in the tree's order, the third level after the second as in MEP-3M. Missing values become
    "FALSE". Dropped products are left out.
    """
    numbers = _numbers(taxonomy)
    written = 0
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(b"[")
        for product in products:
            if product.dropped is None:
                file.write(b",\n" if written else b"\n")
                file.write(orjson.dumps(_record(product, taxonomy, numbers), option=orjson.OPT_INDENT_2))
                written += 1
        file.write(b"\n]\n")
    return written


def _numbers(taxonomy: Taxonomy) -> dict[str, str]:
    own = {node.id: _OWN_ID.fullmatch(node.id) for node in taxonomy}
    if all(own.values()):
        return {node: numbers[2] for node, numbers in own.items() if numbers}
    fine = [node for level in range(2, len(LEVELS) + 1) for node in taxonomy.at_level(level)]
    levels: Sequence[Sequence[Category]] = (taxonomy.at_level(1), fine)
    return {node.id: str(i) for nodes in levels for i, node in enumerate(nodes, start=1)}


def _record(product: Product, taxonomy: Taxonomy, numbers: dict[str, str]) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for level, name in enumerate(LEVELS, start=1):
        category = product.category(level)
        known = category is not None and category in taxonomy
        names = taxonomy[category].name if known and category else (category or "FALSE")
        record[f"{name}_id"] = numbers[category] if known and category else (category or "FALSE")
        record[f"{name}_name"] = names
    record["img_path"] = product.image_ref or "FALSE"
    size = (product.image_height, product.image_width)
    record["img_resolution"] = [*size, 3] if None not in size else []
    record["title"] = product.title or ""
    record["OCR"] = product.ocr or "FALSE"
    return record
