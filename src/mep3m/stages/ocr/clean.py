"""Cleaning of recognised text: §3.1 extracts simplified Chinese and English characters."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from mep3m.settings.ocr import Clean
from mep3m.stages.ocr.lines import Line, with_text

_SPACES = re.compile(r"\s+")
#: signs on product images that are neither ASCII nor Chinese and carry meaning: prices, sizes, degrees
_SIGNS = frozenset("¥€£°²³·×÷±′″℃Ω~、。《》【】")


@lru_cache(maxsize=65536)
def _kept(character: str) -> bool:
    """Say whether the paper's reader would know the character."""
    if character.isascii():
        return character.isprintable()
    if character in _SIGNS:
        return True
    if not "\u4e00" <= character <= "\u9fff":
        return False
    try:
        character.encode("gb2312")  # the simplified set of mainland China: 6,763 characters
    except UnicodeEncodeError:
        return False
    return True


def clean(text: str, mode: Clean) -> str:
    """Return the text as one cleaned line; it may be empty.

    `paper` makes full-width forms half-width (NFKC) and drops what is neither simplified Chinese
    (GB 2312) nor ASCII nor a common sign; traditional characters are dropped, not converted.
    """
    if mode == "none":
        return text
    if mode == "paper":
        text = "".join(c if c in _SIGNS else unicodedata.normalize("NFKC", c) for c in text)
        text = "".join(c for c in text if c.isspace() or _kept(c))
    return _SPACES.sub(" ", text).strip()


def clean_lines(lines: list[Line], mode: Clean) -> list[Line]:
    """Clean every line and drop those without a letter, digit or Chinese character left."""
    cleaned = [with_text(line, clean(line.text, mode)) for line in lines]
    return [line for line in cleaned if mode == "none" or any(c.isalnum() for c in line.text)]
