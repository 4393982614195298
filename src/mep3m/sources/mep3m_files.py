"""MEP-3M's spreadsheet of categories, and products written back in its own annotation format."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import FormatError, NotFoundError, TaxonomyError
from mep3m.product import Product
from mep3m.store.files import whole_file
from mep3m.taxonomy import Category, Taxonomy

LEVELS = ("class", "sub_class", "subsub_class")
SENTINELS = ("FALSE", "FLASE", "False", "false")
_OWN_ID = re.compile(r"L(\d)-(\w+)")


def category_id(level: int, number: object) -> str:
    """Return the taxonomy id of MEP-3M's category `number` ('L2-301'): its numbers repeat across levels."""
    return f"L{level}-{number}"


def read_taxonomy(path: Path) -> Taxonomy:
    """Read the category tree from MEP-3M's spreadsheet (14, 599 and 89 categories in the released one).

    Columns `class_name_en`, `sub_class_name_en` and `subsub_class_name_en` are read where there are any.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is no spreadsheet, or its columns are not MEP-3M's.
        TaxonomyError: a category has two names or two parents.
    """
    from openpyxl import load_workbook

    try:
        sheet = load_workbook(path, read_only=True, data_only=True).worksheets[0]
        rows = list(sheet.iter_rows(values_only=True))
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist") from None
    except Exception as error:  # openpyxl lets a dozen kinds through for damaged files
        raise FormatError(f"{path} is not a spreadsheet (.xlsx): {error}") from error
    header = [str(cell) for cell in rows[0]] if rows else []
    missing = [f"{level}_{part}" for level in LEVELS for part in ("id", "name")]
    missing = [name for name in missing if name not in header]
    if missing:
        raise FormatError(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(header)}")
    records = [
        dict(zip(header, row, strict=True)) for row in rows[1:] if any(cell is not None for cell in row)
    ]
    return taxonomy_from_records(records)


def taxonomy_from_records(records: Iterable[dict[str, Any]]) -> Taxonomy:
    """Build the tree from records with MEP-3M's six category fields.

    Raises:
        TaxonomyError: a category has two names or two parents.
    """
    nodes: dict[str, Category] = {}
    for record in records:
        parent: str | None = None
        for level, name in enumerate(LEVELS, start=1):
            number = record[f"{name}_id"]
            if number in (None, False, *SENTINELS):
                break
            english = record.get(f"{name}_name_en") or None
            node = Category(category_id(level, number), str(record[f"{name}_name"]), english, parent)
            known = nodes.setdefault(node.id, node)
            if (known.name_zh, known.parent) != (node.name_zh, node.parent):
                raise TaxonomyError(
                    f"category '{node.id}' is '{known.name_zh}' under '{known.parent}' and also "
                    f"'{node.name_zh}' under '{node.parent}'; give one of them another id"
                )
            parent = node.id
    return Taxonomy(tuple(nodes.values()))


def write_annotations(products: Iterable[Product], taxonomy: Taxonomy, path: Path) -> int:
    """Write products as MEP-3M's JSON array and return how many were written.

    Categories keep MEP-3M's numbers where they came from MEP-3M; the categories of any other tree are
    numbered in the tree's order, the third level after the second as in MEP-3M. Missing values become
    "FALSE". Dropped products are left out.
    """
    numbers = _numbers(taxonomy)
    written = 0
    with whole_file(path) as temporary, temporary.open("wb") as file:
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
        return {node: found[2] for node, found in own.items() if found}
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
