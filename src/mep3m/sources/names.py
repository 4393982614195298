"""Names of classes as one spelling each, and the characters that HTML writes as entities.

Two exports of one shop write one name in two ways: composed or decomposed accents, full-width letters,
zero-width characters that a web page left. They are one class.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

#: names that stand for no class in most exports, lower case; told, and missing where `missing` names them
PLACEHOLDERS = frozenset(
    {"null", "nan", "none", "n/a", "na", "-", "--", "#n/a", "nil", "undefined", "无", "暂无"}
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
#: characters without width, which nobody sees
_UNSEEN = dict.fromkeys(
    [0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
#: full-width ASCII and the ideographic space, as ASCII; not the sign that separates the names of a path
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if code != 0xFF1E} | {0x3000: 0x20}
#: in a Chinese name full-width marks are its own: brackets stay, letters and figures do not
_NARROW_IN_CHINESE = {code: to for code, to in _NARROW.items() if chr(to).isalnum() or code == 0x3000}
_CHINESE = re.compile("[\u3400-\u9fff]")


def plain_text(column: pa.Array) -> pa.Array:
    """Return a text column with HTML's entities decoded once ('&amp;gt;' becomes '&gt;')."""
    with_sign = pc.fill_null(pc.match_substring(column, "&"), False)
    if not pc.any(with_sign).as_py():
        return column
    return _replaced(column, with_sign, lambda text: _ENTITY.sub(lambda match: html.unescape(match[0]), text))


def one_spelling(column: pa.Array, missing: Sequence[str] = ()) -> pa.Array:
    """Return class names in one spelling each (see `spell`); those in `missing` become null."""
    names = column.dictionary_encode()
    spelled = [None if name is None else spell(name) for name in names.dictionary.to_pylist()]
    left_out = {spell(name).casefold() for name in missing}
    spelled = [None if not name or name.casefold() in left_out else name for name in spelled]
    return pa.array(spelled, pa.string()).take(names.indices)


def spell(name: str) -> str:
    """Return the one spelling of a name: NFC, plain width, nothing unseen, single spaces."""
    if name.isascii():
        return " ".join(name.split())
    narrow = _NARROW_IN_CHINESE if _CHINESE.search(name) else _NARROW
    text = unicodedata.normalize("NFC", name.translate(_UNSEEN).translate(narrow))
    return " ".join(text.split())


def _replaced(column: pa.Array, mask: pa.Array, change: Callable[[str], str]) -> pa.Array:
    changed = pa.array([change(text) for text in column.filter(mask).to_pylist()], pa.string())
    return pc.replace_with_mask(column.cast(pa.string()), mask, changed)
