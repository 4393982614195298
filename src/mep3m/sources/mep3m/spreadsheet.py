"""MEP-3M's spreadsheet of categories."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mep3m.errors import FormatError, NotFoundError, TaxonomyError
from mep3m.taxonomy import Category, Taxonomy

LEVELS = ("class", "sub_class", "subsub_class")
SENTINELS = ("FALSE", "FLASE", "False", "false")


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
