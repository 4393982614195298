"""What OCR found, shown as in Fig. 4: informative and uninformative text with its images."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from markupsafe import Markup

from mep3m.errors import NotFoundError
from mep3m.imaging.decode import UnreadableImageError
from mep3m.imaging.jpeg import small_jpeg
from mep3m.report.page import Section, picture, render, table, write_page
from mep3m.stages.ocr.promotion import PROMOTIONAL

#: how informative an image's text must be to stand in the upper row, and may be in the lower
_INFORMATIVE, _PROMOTIONAL = 0.9, 0.1
#: longest side of an example on the page, in pixels
_THUMB = 220


@dataclass(frozen=True)
class OcrExamples:
    """Counts over all images, and some images (rows of LINES.jsonl) of either kind.

    `mixed` counts the images whose text is neither mostly informative nor mostly promotional.
    """

    images: int
    with_text: int
    failed: int
    lines: int
    promotional_lines: int
    informative: Sequence[Mapping[str, Any]]
    promotional: Sequence[Mapping[str, Any]]
    mixed: int

    @property
    def share_with_text(self) -> float:
        """Share of all images in which text was found; 46.6 % in MEP-3M (§3.3)."""
        return self.with_text / self.images if self.images else 0.0


def ocr_examples(rows: Iterable[Mapping[str, Any]], count: int = 12, seed: int = 0) -> OcrExamples:
    """Count the rows of a LINES.jsonl and draw `count` examples of either kind, at random by `seed`."""
    rng = random.Random(seed)
    kinds: dict[str, list[Mapping[str, Any]]] = {"informative": [], "promotional": []}
    seen = {"informative": 0, "promotional": 0}
    images = with_text = failed = lines = promotional = 0
    for row in rows:
        images += 1
        failed += "error" in row
        with_text += row["text"] is not None
        lines += len(row["lines"])
        promotional += sum(line["promotional"] >= PROMOTIONAL for line in row["lines"])
        kind = _kind(row)
        if kind is not None:
            seen[kind] += 1
            _keep(kinds[kind], row, seen[kind], count, rng)
    mixed = with_text - seen["informative"] - seen["promotional"]
    return OcrExamples(
        images, with_text, failed, lines, promotional, kinds["informative"], kinds["promotional"], mixed
    )


def _kind(row: Mapping[str, Any]) -> str | None:
    """Say which row of the page an image may stand in."""
    share = row["informative"]
    if share is None or _PROMOTIONAL < share < _INFORMATIVE:
        return None
    return "informative" if share >= _INFORMATIVE else "promotional"


def _keep(
    kept: list[Mapping[str, Any]], row: Mapping[str, Any], seen: int, count: int, rng: random.Random
) -> None:
    """Keep a uniform sample of `count` rows of those `seen` so far (reservoir sampling)."""
    if len(kept) < count:
        kept.append(row)
    elif (place := rng.randrange(seen)) < count:
        kept[place] = row


def ocr_sections(examples: OcrExamples, image: Callable[[str], Path]) -> list[Section]:
    """Return the sections of a report; `image` finds the file of a row's `image`."""
    facts = [
        {"figure": "images", "value": f"{examples.images:,}"},
        {"figure": "with text", "value": f"{examples.with_text:,} ({examples.share_with_text:.1%})"},
        {"figure": "could not be read", "value": f"{examples.failed:,}"},
        {"figure": "lines", "value": f"{examples.lines:,}"},
        {"figure": "promotional lines", "value": f"{examples.promotional_lines:,}"},
        {"figure": "images with text of both kinds", "value": f"{examples.mixed:,}"},
    ]
    return [
        Section("Text in images", table(facts), "MEP-3M has text in 46.6 % of its images."),
        Section("Informative text", _cards(examples.informative, image), "At least 90 % of the characters."),
        Section("Promotional text", _cards(examples.promotional, image), "At least 90 % of the characters."),
    ]


def _cards(rows: Sequence[Mapping[str, Any]], image: Callable[[str], Path]) -> str:
    """Return each image with its lines and their scores."""
    cards = [{"image": Markup(_thumb(image(row["image"]))), "lines": row["lines"]} for row in rows]
    return render("ocr_cards.html", cards=cards, limit=PROMOTIONAL) if cards else "<p>none</p>"


def _thumb(path: Path) -> str:
    """Return a small inline picture of a file, or a word where it is gone."""
    try:
        return picture(small_jpeg(path, _THUMB), alt=path.name)
    except (UnreadableImageError, OSError):
        return "<i>image is gone</i>"


def write_ocr_page(lines: Path, image: Callable[[str], Path], page: Path, seed: int = 0) -> OcrExamples:
    """Write the examples page of a LINES.jsonl and return what it shows.

    Raises:
        NotFoundError: there is no such file.
    """
    if not lines.exists():
        raise NotFoundError(f"{lines} does not exist; 'mep3m ocr' writes it")
    with lines.open("rb") as file:
        examples = ocr_examples((orjson.loads(line) for line in file), seed=seed)
    write_page(
        page, "Text in product images", ocr_sections(examples, image), {"lines": lines.name, "seed": seed}
    )
    return examples
