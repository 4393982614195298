"""One self-contained HTML page made of sections; no network, no build step."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from mep3m import __version__
from mep3m.store.filesystem import atomic_write

_CHART = re.compile(r'<div id="(chart-[0-9a-f]{16})"')


@dataclass(frozen=True)
class Section:
    """A heading, an optional sentence below it, and HTML made by this package (never by data)."""

    title: str
    html: str
    note: str = ""


@cache
def environment() -> jinja2.Environment:
    """The templates of the package, with every value escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("mep3m.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    made.tests["block"] = lambda value: isinstance(value, Markup)
    return made


def render(template: str, **values: Any) -> str:
    """Fill one template; strings are escaped, so names from data cannot carry markup."""
    return environment().get_template(template).render(**values)


def table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str] | None = None,
    form: str = "%.4g",
    stack: bool = False,
) -> str:
    """Return rows as an HTML table; `columns` maps keys to headings (default: the first row's keys).

    `form` writes the numbers that are no integers. With `stack` each row is a block of its own on a phone:
    for rows with sentences. The other tables scroll sideways.
    """
    if not rows:
        return "<p>none</p>"
    headings = columns or {key: key for key in rows[0]}
    return render("table.html", rows=rows, headings=headings, form=form, stack=stack)


def picture(content: bytes, kind: str = "jpeg", alt: str = "") -> str:
    """Return image bytes as an inline `<img>`."""
    encoded = base64.b64encode(content).decode()
    return render("picture.html", source=f"data:image/{kind};base64,{encoded}", alt=alt)


def _number_charts(html: str, number: Iterator[int]) -> str:
    """Return HTML with each chart's id numbered: two charts of a page may be alike."""
    pieces = _CHART.split(html)  # text, then name and text of each chart
    numbered = [
        f'<div id="{name}-{n}"{text.replace(name, f"{name}-{n}")}'
        for name, text, n in zip(pieces[1::2], pieces[2::2], number, strict=False)
    ]
    return "".join([pieces[0], *numbered])


def write_page(path: Path, title: str, sections: Sequence[Section], facts: Mapping[str, Any]) -> None:
    """Write the page; `facts` are the settings, seeds and versions that made its numbers."""
    from plotly.offline import get_plotlyjs

    charts = any("plotly" in section.html for section in sections)
    number = itertools.count(1)
    text = render(
        "page.html",
        title=title,
        sections=[(one.title, one.note, Markup(_number_charts(one.html, number))) for one in sections],
        facts={"mep3m": __version__, **facts},
        script=Markup(get_plotlyjs()) if charts else "",
    )
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
