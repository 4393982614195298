"""Pages, tables and charts: everything from data is escaped, every number is shown as it is."""

import base64
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m import __version__
from mep3m.report import charts
from mep3m.report.page import Section, picture, render, table, write_page

text = st.text(st.sampled_from("<>&\"'茶a /=`{}%"), max_size=12)


class Cells(HTMLParser):
    """The text of every cell of a table, row by row, and the names of all tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def figure(html: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the traces and the layout that a chart's fragment hands to Plotly."""
    start = html.index("[{", html.index("Plotly.newPlot"))
    traces, end = json.JSONDecoder().raw_decode(html[start:])
    layout, _ = json.JSONDecoder().raw_decode(html[html.index("{", start + end) :])
    return traces, layout


@given(
    rows=st.lists(st.lists(text, min_size=2, max_size=2), min_size=1, max_size=4),
    head=st.lists(text, min_size=2, max_size=2, unique=True),
)
def test_a_cell_of_a_table_is_text_whatever_it_holds(rows: list[list[str]], head: list[str]) -> None:
    found = Cells(table([dict(zip(head, row, strict=True)) for row in rows]))
    assert found.tags == {"table", "thead", "tbody", "tr", "th", "td"}
    assert found.rows == [head, *rows]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (1234567, "1,234,567"), (-1000, "-1,000"), (0.5, "0.5"), (0.123456, "0.1235"), (1e-9, "1e-09"),
     (None, "–"), ("", ""), ("茶", "茶"), (1.0, "1")],
)  # fmt: skip
def test_values_are_shown_as_a_reader_wants_them(value: Any, shown: str) -> None:
    assert Cells(table([{"x": value}])).rows == [["x"], [shown]]


def test_columns_choose_their_order_and_headings() -> None:
    html = table([{"b": 1, "a": 2, "c": 3}], {"a": "first", "b": "second"})
    assert Cells(html).rows == [["first", "second"], ["2", "1"]]


def test_no_rows_are_said() -> None:
    assert table([]) == "<p>none</p>"


def test_a_row_without_a_column_is_an_error_and_not_an_empty_cell() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("cards.html", card={})  # a misspelt name


@given(content=st.binary(max_size=50), alt=text)
def test_a_picture_carries_its_bytes(content: bytes, alt: str) -> None:
    html = picture(content, "png", alt)
    source = re.search(r'src="data:image/png;base64,([^"]*)"', html)
    assert source is not None
    assert base64.b64decode(unescape(source[1])) == content
    assert Cells(html).tags == {"img"}


@settings(deadline=None, max_examples=20)
@given(title=text, note=text, value=text)
def test_a_page_escapes_its_words_and_keeps_its_html(
    tmp_path_factory: pytest.TempPathFactory, title: str, note: str, value: str
) -> None:
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(path, title, [Section("One", "<em>made here</em>", note)], {"seed": value})
    html = path.read_text(encoding="utf-8")
    assert "<em>made here</em>" in html
    body = unescape(html)
    assert title in body
    assert note in body
    assert f"seed {value}" in body
    assert f"mep3m {__version__}" in html
    assert Cells(html).tags - {"html", "head", "meta", "title", "style", "body", "h1", "h2"} <= {
        "nav", "a", "section", "p", "em", "footer",
    }  # fmt: skip


def test_a_page_carries_plotly_once_and_only_for_charts(tmp_path: Path) -> None:
    chart = charts.bars({"a": 1}, "x", "y")
    write_page(tmp_path / "with.html", "t", [Section("a", chart), Section("b", chart)], {})
    write_page(tmp_path / "without.html", "t", [Section("a", "<p>words</p>")], {})
    assert (tmp_path / "with.html").stat().st_size > 1_000_000
    assert (tmp_path / "without.html").stat().st_size < 20_000
    assert "cdn.plot.ly" not in chart


def test_bars_keep_their_order_and_values() -> None:
    (trace,), layout = figure(charts.bars({"z": 3, 1: 2.5}, "names", "rows", log=True))
    assert (trace["type"], trace["x"]) == ("bar", ["z", "1"])
    assert (layout["yaxis"]["type"], layout["yaxis"]["title"]["text"]) == ("log", "rows")
    assert layout["xaxis"]["title"]["text"] == "names"


@pytest.mark.parametrize("count", [1, 20])
def test_horizontal_bars_have_the_first_on_top_and_grow(count: int) -> None:
    (trace,), layout = figure(charts.horizontal_bars({str(n): n for n in range(count)}, "x"))
    assert trace["orientation"] == "h"
    assert trace["y"] == [str(n) for n in range(count)]
    assert layout["yaxis"]["autorange"] == "reversed"
    assert layout["height"] == 90 + 24 * count


def test_a_curve_is_drawn_against_the_rank() -> None:
    (trace,), _ = figure(charts.curve([9, 4, 1], "rank", "n"))
    assert trace["x"] == [1, 2, 3]
    assert trace["y"] == [9, 4, 1]


def test_points_show_their_names_and_a_tree_its_parents() -> None:
    (trace,), layout = figure(charts.scatter([{"x": 1, "y": 2, "name": "茶"}], "x", "y", log_x=True))
    assert trace["text"] == ["茶"]
    assert layout["xaxis"]["type"] == "log"
    nodes = [{"id": "1", "name": "食品", "parent": "", "samples": 3},
             {"id": "11", "name": "茶", "parent": "1", "samples": 2}]  # fmt: skip
    (sunburst,), _ = figure(charts.tree(nodes))
    assert (sunburst["ids"], sunburst["parents"]) == (["1", "11"], ["", "1"])


@given(name=text)
@settings(deadline=None, max_examples=20)
def test_a_name_from_data_cannot_end_the_script_of_a_chart(name: str) -> None:
    html = charts.bars({f"</script><img>{name}": 1}, "x", "y")
    assert html.count("</script>") == html.count("<script")
    assert "<img" not in html


def test_the_same_charts_are_the_same_bytes_in_every_run_and_each_has_its_own_id(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        alike = charts.bars({"x": 1}, "x", "y") + charts.bars({"x": 1}, "x", "y")
        other = Section("o", "<p>no chart</p>")
        write_page(tmp_path / name, "t", [Section("s", alike), other, Section("u", f"<p/>{alike}")], {})
    html = (tmp_path / "a.html").read_text()
    assert html == (tmp_path / "b.html").read_text()
    ids = re.findall(r'<div id="(chart-[^"]+)"', html)
    assert [one.rpartition("-")[2] for one in ids] == ["1", "2", "3", "4"]
    assert [html.count(f'"{one}"') for one in ids] == [3] * 4
    assert len(set(ids)) == 4
    assert "<p>no chart</p>" in html
