"""Where the categories went: the section of a build's report, and the lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mep3m.alignment.merging.places import NO_CATEGORY, CategoryPlace
from mep3m.evaluation.self_test import HeldOutPlatform, SelfTest
from mep3m.imaging.jpeg import jpeg
from mep3m.report.page import Section, picture, render, table
from mep3m.statistics.pictures import thumbnail
from mep3m.store import Store
from mep3m.taxonomy import PATH_SEPARATOR

#: side of a sample picture in pixels; they are shown for so many categories, the largest
SIDE, WITH_PICTURES = 56, 300
#: lines on a terminal
SHOWN = 10

WHERE_NOTE = (
    "Every category of every platform, largest first, and why it stands where it stands. where.tsv is the "
    "same for a spreadsheet. To change something, edit review.sssom.tsv and build again."
)
SELF_TEST_NOTE = (
    "A classifier that has not seen a platform files its rows: the share that lands where the merge put "
    "them, beside that of the usual test, whose classifier has seen the platform. Categories that only one "
    "platform has cannot be predicted by the others: their rows are not counted."
)


@dataclass(frozen=True)
class Where:
    """The table `file` and its rows, the links that wait, the rows without a label, and the self-test.

    `waiting` has `line`, `link`, `probability`, `rows` and `why` of each link, by rows at stake, `overlaps`
    the same of categories that overlap. `unlabelled` holds the rows without a label of each category that
    has such rows.
    """

    file: Path
    places: tuple[CategoryPlace, ...]
    waiting: tuple[Mapping[str, Any], ...]
    unlabelled: Mapping[tuple[str, tuple[str, ...]], int]
    self_test: SelfTest | None = None
    overlaps: tuple[Mapping[str, Any], ...] = ()


def where_lines(where: Where) -> list[str]:
    """Return the largest categories and what waits, as lines for a terminal."""
    lines = ["where your categories went, largest first"]
    for place in where.places[:SHOWN]:
        moved = "" if place.placed == place.path else f" -> {place.shown_place or '(no place)'}"
        why = place.short or place.why
        lines.append(f"  {place.platform} '{place.shown}' ({place.rows:,}){moved}: {why}")
    if (more := len(where.places) - SHOWN) > 0:
        lines.append(f"  … and {more:,} more; {where.file} has all, with the evidence at length")
    rows = sum(int(one["rows"]) for one in where.waiting)
    lines.append(f"links that wait for a person: {len(where.waiting):,} ({rows:,} rows at stake)")
    if where.overlaps:
        lines.append(f"categories that overlap, which is never applied: {len(where.overlaps):,}")
    if where.self_test is not None and (count := len(where.self_test.elsewhere)):
        lines.append(f"categories that a model of the other platforms files elsewhere: {count:,}")
    return lines


def unlabelled_lines(where: Where) -> list[str]:
    """Return which categories have rows without a label; empty where there are none."""
    rows = where.unlabelled
    if not rows:
        return []
    named = [
        f"  {platform} '{PATH_SEPARATOR.join(path) or NO_CATEGORY}': {count:,}"
        for (platform, path), count in list(rows.items())[:SHOWN]
    ]
    more = [f"  … and {len(rows) - SHOWN:,} more; {where.file} lists all"] if len(rows) > SHOWN else []
    told = f"{sum(rows.values()):,} rows of {len(rows):,} categories have no label:"
    return [told, *named, *more]


def where_sections(where: Where, store: Store, scores: Mapping[str, Any] | None) -> list[Section]:
    """Return the table of all categories with pictures, what waits, and what the self-test says."""
    rows = [
        {
            "category": Markup(render("where_category.html", place=place)),
            "rows": place.rows,
            "placed": place.shown_place or None,
            "relation": place.relation,
            "probability": None if place.probability is None else f"{place.probability:.2f}",
            "why": Markup(render("where_why.html", place=place)),
            "samples": _samples(place, store if number < WITH_PICTURES else None),
        }
        for number, place in enumerate(where.places)
    ]
    html = table(rows, stack=True) + f"<h3>Links that wait for a person: {len(where.waiting)}</h3>"
    html += table(_listed(where.waiting), stack=True)
    if where.overlaps:
        html += f"<h3>Categories that overlap: {len(where.overlaps)}</h3>"
        html += table(_listed(where.overlaps), stack=True)
    sections = [Section("Where your categories went", html, WHERE_NOTE)]
    if where.self_test is not None:
        sections.append(_self_test(where.self_test, where.places, scores))
    return sections


def _listed(links: Sequence[Mapping[str, Any]]) -> list[dict[str, str | int | float | None]]:
    """Return rows of links for a table."""
    return [
        {
            "line": one["line"],
            "link": one["link"],
            "probability": "" if one["probability"] is None else f"{one['probability']:.2f}",
            "rows": one["rows"],
            "why": one["why"],
        }
        for one in links
    ]


def _samples(place: CategoryPlace, store: Store | None) -> Markup:
    """Return sample titles, and pictures where a store is given."""
    small = [thumbnail(store, key, SIDE) for key in place.images] if store is not None else []
    images = [Markup(picture(jpeg(image))) for image in small if image is not None]
    return Markup(render("where_samples.html", titles=place.samples, images=images))


def _self_test(
    tested: SelfTest, places: Sequence[CategoryPlace], scores: Mapping[str, Any] | None
) -> Section:
    usual = {
        (part["platform"], level["level"]): part["top1"]
        for level in (scores or {}).get("levels", ())
        for part in level.get("platforms", ())
    }
    rows = [row for platform in tested.platforms for row in _held_out(platform, usual)]
    known = {place.node: place for place in places}
    flagged = [place for one in tested.elsewhere if (place := known.get((one.platform, one.path)))]
    named = [
        {
            "platform": place.platform,
            "category": place.shown,
            "placed": place.shown_place,
            "rows": place.rows,
            "why": place.why,
        }
        for place in sorted(flagged, key=lambda place: (-place.rows, place.node))
    ]
    html = table(rows)
    html += f"<h3>Filed elsewhere by the others: {len(named)}</h3>" + table(named, stack=True)
    return Section("The merge tests itself", html, SELF_TEST_NOTE)


def _held_out(
    platform: HeldOutPlatform, usual: Mapping[tuple[str, int], float]
) -> list[dict[str, str | int | float | None]]:
    """Return one row a level of a platform; one that says why where it was not tested."""
    common: dict[str, str | int | float | None] = {
        "platform": platform.platform,
        "learned from rows": platform.trained_on,
    }
    if not platform.levels:
        empty = dict.fromkeys(("level", "rows counted", "rows not counted", "not seen", "usual"))
        return [{**common, **empty, "note": platform.reason}]
    return [
        {
            **common,
            "level": level.level,
            "rows counted": level.rows,
            "rows not counted": level.uncounted,
            "not seen": _share(level.accuracy),
            "usual": _share(usual.get((platform.platform, level.level))),
            "note": platform.reason,
        }
        for level in platform.levels
    ]


def _share(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f}"
