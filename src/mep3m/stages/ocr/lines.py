"""What one image says: its lines, cleaned, in reading order, and the single line the paper joins them to."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mep3m.settings.ocr import Clean

_SPACES = re.compile(r"\s+")
#: signs on product images that are neither ASCII nor Chinese and carry meaning: prices, sizes, degrees
_SIGNS = frozenset("¥€£°²³·×÷±′″℃Ω~、。《》【】")
#: four corners (x, y) in pixels of the upright image, clockwise from the text's own top left
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text: where it stands, what it says, how sure the reader is (in [0, 1]).

    `raw` is the reader's own text where cleaning changed it. `promotional` is the score of
    `promotion.score`, in [0, 1], once it has been computed.
    """

    polygon: Polygon
    text: str
    confidence: float
    raw: str | None = None
    promotional: float | None = None

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the upright rectangle around the polygon, in pixels."""
        xs, ys = [x for x, _ in self.polygon], [y for _, y in self.polygon]
        return min(xs), min(ys), max(xs), max(ys)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; `raw` is left out where it equals the text."""
        row: dict[str, Any] = {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "polygon": [[round(x, 1), round(y, 1)] for x, y in self.polygon],
        }
        if self.promotional is not None:
            row["promotional"] = round(self.promotional, 4)
        if self.raw is not None and self.raw != self.text:
            row["raw"] = self.raw
        return row

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> TextLine:
        """Rebuild a line from `to_dict`."""
        polygon = tuple((float(x), float(y)) for x, y in row["polygon"])
        return cls(polygon, row["text"], row["confidence"], row.get("raw"), row.get("promotional"))


def joined(lines: list[TextLine]) -> str | None:
    """Return the lines as one single line (§3.1), or `None` when there is no text."""
    return " ".join(line.text for line in lines if line.text) or None


def is_vertical(line: TextLine) -> bool:
    """Say whether the line runs from top to bottom: at least 1.5 times as tall as wide."""
    left, top, right, bottom = line.box
    return bottom - top >= 1.5 * (right - left) and len(line.text) > 1


def reading_order(lines: list[TextLine]) -> list[TextLine]:
    """Sort lines as a person reads: rows from the top, left to right within a row.

    Two lines share a row when the middle of one lies within the height of the other. Vertical
    lines join no row: they are read after the horizontal rows that start above them, columns from
    right to left, as vertical Chinese is.
    """
    rows: list[list[TextLine]] = []
    for line in sorted(
        (a for a in lines if not is_vertical(a)), key=lambda a: (a.box[1] + a.box[3], a.box[0])
    ):
        _, top, _, bottom = line.box
        middle = (top + bottom) / 2
        first = rows[-1][0].box if rows else (0.0, 0.0, 0.0, -1.0)
        if first[1] <= middle <= first[3] and top <= (first[1] + first[3]) / 2 <= bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    columns = sorted((a for a in lines if is_vertical(a)), key=lambda a: (-a.box[0], a.box[1]))
    blocks = [(min(a.box[1] for a in row), 0, sorted(row, key=lambda a: a.box[0])) for row in rows]
    if columns:
        blocks.append((min(a.box[1] for a in columns), 1, columns))
    return [line for _, _, block in sorted(blocks, key=lambda b: b[:2]) for line in block]


def with_text(line: TextLine, text: str) -> TextLine:
    """Return the line with another text; the reader's own text is kept in `raw`."""
    return replace(line, text=text, raw=line.raw if line.raw is not None else line.text)


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


def is_single(line: TextLine) -> bool:
    """Say whether the line holds one letter, digit or character, whatever signs stand around it."""
    return sum(character.isalnum() for character in line.text) == 1


def clean_lines(lines: list[TextLine], mode: Clean) -> list[TextLine]:
    """Clean every line and drop those without a letter, digit or Chinese character left."""
    cleaned = [with_text(line, clean(line.text, mode)) for line in lines]
    return [line for line in cleaned if mode == "none" or any(c.isalnum() for c in line.text)]
