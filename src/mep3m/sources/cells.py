"""What spreadsheets and shops' tools put around the text of a cell and before the table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from mep3m.sources.delimited import DecodedLine

#: the first line of a Taobao assistant's export
VERSION_LINE = re.compile(r'"?version \d+\.\d+"?[\s,;"]*', re.IGNORECASE)
#: ="0012": how a table makes a spreadsheet keep a number as text
FORMULA_TEXT = r'^="(.*)"$'
#: '0012 and '=a: how a spreadsheet, or a tool that guards against formulas, marks text
MARKED_TEXT = r"^'([0-9][0-9.,\-]*|[=+\-@].*)$"


def after_preamble(lines: Iterator[DecodedLine], skip: int) -> Iterator[DecodedLine]:
    """Yield the lines from the header on: `skip` lines and a line such as 'version 1.00' are left out."""
    lines = itertools.islice(lines, skip, None)
    first = next(lines, None)
    if first is None:
        return lines
    return lines if VERSION_LINE.fullmatch(first.text) else itertools.chain([first], lines)


def without_marks(text: pa.Array) -> pa.Array:
    """Return string cells without the marks that keep a number text: ="0012" and '0012 are 0012.

    Other apostrophes ('Tis, '90s) belong to the text.
    """
    for start, pattern in (('="', FORMULA_TEXT), ("'", MARKED_TEXT)):
        if pc.any(pc.starts_with(text, start)).as_py():
            text = pc.replace_substring_regex(text, pattern, r"\1")
    return text


def plain_text(cell: str) -> str:
    """Return one cell without those marks, as `without_marks` does for a column."""
    for pattern in (FORMULA_TEXT, MARKED_TEXT):
        cell = re.sub(pattern, r"\1", cell)
    return cell
