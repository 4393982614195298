"""The report of a dataset: the paper's figures that the data allows, from numbers made elsewhere."""

from __future__ import annotations

import base64
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mep3m.report import charts
from mep3m.report.page import Section, picture, render, table, write_page
from mep3m.statistics.figures import DatasetFigures, ImagePair, SeenFigures
from mep3m.store.json_files import write_json


def report_dataset(figures: DatasetFigures, folder: Path, extra: Sequence[Section] = ()) -> None:
    """Write `statistics.json` and `report.html` into `folder`.

    `extra` sections (alignment, OCR, scores) come after those of the data.
    """
    numbers = figures.numbers
    write_json(folder / "statistics.json", {**numbers, "titles": _string_keys(numbers["titles"])})
    sections = [*sections_of(numbers), *_picture_sections(figures), *extra]
    made = numbers["store"]
    facts = {"step": made["step"], "store": made["fingerprint"], "seed": made["seed"]}
    write_page(folder / "report.html", "Dataset report", sections, facts)


def sections_of(numbers: Mapping[str, Any]) -> list[Section]:
    """Return the sections that need numbers only."""
    sections = [_overview(numbers), _refused(numbers["rows"])]
    if numbers["classes"]:
        sections += _label_sections(numbers)
    sections += _text_sections(numbers)
    if numbers["images"]["rows_with_image"]:
        resolutions = dict(list(numbers["images"]["resolutions"].items())[:20])
        html = charts.bars(resolutions, "width x height, pixels", "rows", log=True)
        html += table([{"format": key, "rows": value} for key, value in numbers["images"]["formats"].items()])
        sections.append(Section("Images", html, "Resolutions and formats (Fig 5)."))
    return sections


def _overview(numbers: Mapping[str, Any]) -> Section:
    rows, titles, ocr = numbers["rows"], numbers["titles"], numbers["ocr"]
    grouped = rows["in_duplicate_groups"]
    cards = {
        "products kept": f"{rows['kept']:,}",
        "dropped with a reason": f"{sum(rows['dropped'].values()):,}",
        "in duplicate groups": "not looked for yet" if grouped is None else f"{grouped:,}",
        "distinct images": f"{numbers['images']['distinct']:,}",
        "title characters": f"{titles['characters']:,}",
        "mean title length": f"{titles['mean']:.1f}" if titles["mean"] is not None else "–",
        "images with text": f"{ocr['share']:.1%}" if ocr["rows"] else "none, or not read yet",
    }
    cards |= {f"classes at level {level['level']}": f"{level['classes']:,}" for level in numbers["levels"]}
    html = render("cards.html", cards=cards)
    html += table([{"platform": key, "products": value} for key, value in rows["sources"].items()])
    return Section("Overview", html)


def _refused(rows: Mapping[str, Any]) -> Section:
    lines = [{"what": "dropped", "reason": key, "rows": value} for key, value in rows["dropped"].items()]
    lines += [{"what": "quarantine", "reason": key, "rows": value} for key, value in rows["refused"].items()]
    note = "Nothing is lost: dropped rows stay in the store with their reason, refused ones in quarantine."
    return Section("Left out, and why", table(lines), note)


def _label_sections(numbers: Mapping[str, Any]) -> list[Section]:
    columns = {
        "id": "class",
        "name_zh": "name",
        "name_en": "English",
        "samples": "samples",
        "subclasses": "sub-classes",
    }
    sections = [Section("Classes", table(numbers["classes"], columns), "Samples and sub-classes (Table 2).")]
    sizes = [row["samples"] for row in numbers["subclasses"]]
    if sizes:
        html = charts.curve(sizes, "sub-class by rank", "samples", log=True)
        html += charts.horizontal_bars(_largest(numbers["subclasses"][:20]), "samples, 20 largest")
        sections.append(Section("Sub-class sizes", html, "The long tail (Fig 5)."))
    return sections


def _largest(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return name -> samples; classes that share a name carry their ids."""
    names = Counter(row["name_zh"] for row in rows)
    return {
        row["name_zh"] if names[row["name_zh"]] == 1 else f"{row['name_zh']} ({row['id']})": row["samples"]
        for row in rows
    }


def _text_sections(numbers: Mapping[str, Any]) -> list[Section]:
    sections = []
    if numbers["titles"]["count"]:
        html = charts.histogram(numbers["titles"]["lengths"], "characters", "titles")
        sections.append(Section("Title lengths", html, "In characters (Fig 5)."))
    for column, name in (("title", "titles"), ("ocr", "OCR text")):
        if numbers["characters"][column]:
            html = charts.bars(numbers["characters"][column], "", "occurrences")
            sections.append(Section(f"Characters of {name}", html, "The most frequent characters (Fig 6)."))
    if numbers["words"]:
        top = max(numbers["words"].values())
        words = [(word, round(12 + 40 * math.sqrt(count / top))) for word, count in numbers["words"].items()]
        note = "Words of titles after jieba; size follows frequency (Fig 3)."
        sections.append(Section("Text cloud", render("cloud.html", words=words), note))
    return sections


def _picture_sections(figures: DatasetFigures) -> list[Section]:
    sections = []
    if figures.mosaic is not None:
        html = picture(figures.mosaic, alt="random product images")
        sections.append(Section("Mosaic", html, "Random images (Fig 2)."))
    if figures.look_alikes:
        shown = [_pair(pair) for pair in figures.look_alikes]
        note = "The closest images of different classes by pixel-wise distance (Fig 7)."
        sections.append(Section("Look-alikes", render("pairs.html", pairs=shown), note))
    if figures.seen is not None:
        sections += _seen_sections(figures.seen)
    if figures.hierarchy:
        html = charts.tree([vars(node) for node in figures.hierarchy])
        note = "First and second level by samples; click to zoom (Fig 9)."
        sections.append(Section("Hierarchy", html, note))
    return sections


def _seen_sections(seen: SeenFigures) -> list[Section]:
    """The nearest products by pixels and by a network, side by side, and what looks alike to the network."""
    headings = ("by pixels", "by eyes")
    rows = [
        {"label": row[0].label, "image": _inline(row[0].image), "near": [
            {"how": how, "label": one.label, "image": _inline(one.image), "distance": one.distance,
             "same": one.label == row[0].label}
            for how, one in zip(headings, row[1:], strict=True)
        ]}
        for row in seen.nearest
    ]  # fmt: skip
    note = (
        f"Of {seen.sample:,} images drawn from the store, the nearest other one has the same class for "
        f"{seen.same_by_pixels:.0%} by pixels (as in the paper's Fig 7) and for {seen.same_by_eyes:.0%} by "
        "what a pre-trained network sees, the one that 'mep3m embed' uses. Shown are products for which the "
        "two differ, with pixel distance and 1 - cosine."
    )
    sections = [Section("Nearest products", render("nearest.html", rows=rows), note)]
    if seen.look_alikes:
        html = render("pairs.html", pairs=[_pair(pair) for pair in seen.look_alikes])
        note = "The closest images of different classes by what the network sees (1 - cosine)."
        sections.append(Section("Look-alikes by eyes", html, note))
    return sections


def _pair(pair: ImagePair) -> dict[str, Any]:
    return {**vars(pair), "left": _inline(pair.left), "right": _inline(pair.right)}


def _inline(image: bytes | None) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(image).decode() if image is not None else ""


def _string_keys(titles: Mapping[str, Any]) -> dict[str, Any]:
    return {**titles, "lengths": {str(key): value for key, value in titles["lengths"].items()}}
