"""From a value (JSON, Parquet) to the text of a cell, and from a cell to what is meant by it.

A cell is text. Inside it, `PATH_MARK` stands between the names of a path and `CATEGORY_MARK` between several
categories of one product, coarse to fine and first to last.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mep3m.settings.sources import Columns

#: stand for the shop's own separators; no catalogue writes these characters
PATH_MARK = "\x1f"
CATEGORY_MARK = "\x1e"
#: beyond it, a number with a fraction does not hold every whole number
WHOLE = 2**53
#: ="0012": how a table makes a spreadsheet keep a number as text
FORMULA_TEXT = r'^="(.*)"$'
#: '0012 and '=a: how a spreadsheet, or a tool that guards against formulas, marks text
MARKED_TEXT = r"^'([0-9][0-9.,\-]*|[=+\-@].*)$"


class CellError(Exception):
    """The value cannot be the text of a cell; the message says why, and what can be named instead."""


def record_cell(record: dict[str, Any], name: str, columns: Columns) -> str:
    """Return the cell of one column of the map; the first of several images is the image.

    Raises:
        CellError: the value cannot be text.
    """
    value = value_at(record, name)
    if name == columns.image and isinstance(value, list):
        value = next((item for item in value if item not in (None, "")), None)
    return cell_text(value, name, name == columns.path)


def value_at(record: dict[str, Any], name: str) -> Any:
    """Return the value of a key, or of 'outer.inner' through objects and lists; `None` without."""
    if name in record or "." not in name:
        return record.get(name)
    value: Any = record
    for key in name.split("."):
        value = _inner(value, key)
    return value


def _inner(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [_inner(item, key) for item in value]
    return value.get(key) if isinstance(value, dict) else None


def cell_text(value: Any, name: str, names: bool) -> str:
    """Return a value as the text of the cell `name`; null is empty.

    Where `names`, a list of names is a path, and a list of such lists are several categories. Elsewhere a
    list must have one item.

    Raises:
        CellError: it is an object, or a list that cannot be text.
    """
    if not isinstance(value, list):
        return _plain(value, name)
    items = list(value)
    while items and items[-1] in (None, ""):
        items.pop()
    if not names:
        if len(items) > 1:
            raise CellError(f"'{name}' is a list of {len(items)}, not one text")
        return _plain(items[0], name) if items else ""
    if any(isinstance(item, list) for item in items):
        return CATEGORY_MARK.join(text for item in items if (text := cell_text(item, name, names)))
    texts = [_plain(item, name).strip() for item in items]
    if not all(texts):
        raise CellError(f"'{name}' has an empty name above a deeper one; write every name of the path")
    return PATH_MARK.join(texts)


def _plain(value: Any, name: str) -> str:
    if isinstance(value, dict):
        keys = ", ".join(f"'{name}.{key}'" for key in list(value)[:4])
        raise CellError(
            f"'{name}' is an object, not text; name one of its keys instead: {keys or 'it has none'}"
        )
    if isinstance(value, list):
        raise CellError(f"'{name}' holds lists in lists, not text")
    if isinstance(value, bool):
        return str(value).lower()  # as JSON writes it
    if isinstance(value, float) and value.is_integer():
        if abs(value) >= WHOLE:
            raise CellError(too_large(value, name))
        return str(int(value))  # a barcode or an id that a program kept as a float
    return "" if value is None else str(value)


def too_large(value: float, name: str) -> str:
    """Say that a number has lost its last digits before it came here."""
    return f"'{name}' is the number {value!r}, which keeps 15 digits only; write it as text"


def without_marks(text: pa.Array) -> pa.Array:
    """Return string cells without the marks that keep a number text: ="0012" and '0012 are 0012.

    Other apostrophes ('Tis, '90s) belong to the text.
    """
    for start, pattern in (('="', FORMULA_TEXT), ("'", MARKED_TEXT)):
        if pc.any(pc.starts_with(text, start)).as_py():
            text = pc.replace_substring_regex(text, pattern, r"\1")
    return text


def unmarked(cell: str) -> str:
    """Return one cell without those marks, as `without_marks` does for a column."""
    for pattern in (FORMULA_TEXT, MARKED_TEXT):
        cell = re.sub(pattern, r"\1", cell)
    return cell
