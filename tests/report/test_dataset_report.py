import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mep3m.product import Label, Product, to_table
from mep3m.report.dataset_report import report_dataset
from mep3m.report.page import Section, table
from mep3m.statistics.figures import dataset_figures
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.json_files import read_json
from mep3m.taxonomy import Category, Taxonomy


class Headings(HTMLParser):
    """Collects the h2 headings and every attribute that would load something from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.titles: list[str] = []
        self.outside: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag == "h2"
        links = [value or "" for key, value in attrs if key in ("src", "href")]
        self.outside += [link for link in links if not link.startswith(("data:", "#"))]

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.titles.append(data)
            self.inside = False


@pytest.fixture
def store(tmp_path: Path) -> Store:
    tree = Taxonomy((Category("1", "<b>水果</b>", "Fruit"), Category("2", "苹果", parent="1")))
    labels = (Label("1", "given", "s"), Label("2", "given", "s"))
    writer = StoreWriter.begin(tmp_path / "s", Plan("align", {}, ("p",)))
    writer.write(
        0, to_table([Product("1", "<i>jd</i>", "1", title="红富士<script>alert(1)</script>", labels=labels)])
    )
    return writer.finish(tree)


def test_the_report_stands_alone_and_has_the_figures(store: Store, tmp_path: Path) -> None:
    figures = dataset_figures(store)
    report_dataset(figures, tmp_path / "r")
    page = Headings((tmp_path / "r" / "report.html").read_text())
    assert {"Overview", "Classes", "Sub-class sizes", "Title lengths", "Text cloud", "Hierarchy"} <= set(
        page.titles
    )
    assert page.outside == []
    assert read_json(tmp_path / "r" / "statistics.json")["rows"] == figures.numbers["rows"]


def test_names_from_data_cannot_carry_markup(store: Store, tmp_path: Path) -> None:
    report_dataset(dataset_figures(store), tmp_path / "r")
    text = (tmp_path / "r" / "report.html").read_text()
    assert "<i>jd</i>" not in text
    assert "<b>水果</b>" not in text
    assert "<script>alert" not in text


def test_extra_sections_come_after_those_of_the_data(store: Store, tmp_path: Path) -> None:
    report_dataset(dataset_figures(store), tmp_path / "r", extra=[Section("Scores", table([{"top1": 0.5}]))])
    page = Headings((tmp_path / "r" / "report.html").read_text())
    assert page.titles[-1] == "Scores"


def written(folder: Path, tree: Taxonomy, *paths: tuple[str | None, ...]) -> str:
    """Write a store with one product a label path, and its report; return the report's text."""
    writer = StoreWriter.begin(folder / "s", Plan("align", {}, ("p",)))
    rows = [
        Product(str(n), "s", str(n), title="茶", labels=tuple(Label(key, "given", "s") for key in path))
        for n, path in enumerate(paths)
    ]
    writer.write(0, to_table(rows))
    report_dataset(dataset_figures(writer.finish(tree)), folder / "r")
    return (folder / "r" / "report.html").read_text(encoding="utf-8")


def chart(text: str, kind: str) -> dict[str, Any]:
    """Return the first trace of this kind on a page."""
    at = 0
    while (at := text.find("Plotly.newPlot", at) + 1) > 0:
        try:
            traces, _ = json.JSONDecoder().raw_decode(text[text.index("[{", at) :])
        except json.JSONDecodeError:
            continue  # Plotly's own code
        if traces[0]["type"] == kind and (kind != "bar" or traces[0].get("orientation") == "h"):
            found: dict[str, Any] = traces[0]
            return found
    raise AssertionError(f"no {kind} on the page")


SHELVES = Taxonomy(
    (
        Category("1", "食品", "Food"),
        Category("2", "家电", "Appliances"),
        Category("11", "茶", parent="1"),
        Category("21", "茶", parent="2"),
        Category("22", None, "Lamps", parent="2"),
    )
)


def test_sub_classes_of_one_name_are_two_bars_largest_first(tmp_path: Path) -> None:
    text = written(tmp_path, SHELVES, *[("2", "21")] * 3, *[("1", "11")] * 2, ("2", "22"))
    bars = chart(text, "bar")
    assert bars["y"] == ["茶 (21)", "茶 (11)", "Lamps"]
    assert bars["x"] == [3, 2, 1]


def test_the_parts_of_the_sunburst_are_never_more_than_the_whole(tmp_path: Path) -> None:
    tree = chart(
        written(tmp_path, SHELVES, ("1", "11"), (None, "11"), (None, "22"), ("gone", "22")), "sunburst"
    )
    sizes = dict(zip(tree["ids"], tree["values"], strict=True))
    parents = dict(zip(tree["ids"], tree["parents"], strict=True))
    assert parents == {"1": "", "11": "1", "22": ""}  # nothing is known of the first level of 22
    for key in sizes:
        assert sizes[key] >= sum(sizes[low] for low, above in parents.items() if above == key)


def test_a_store_without_anything_still_has_a_report(tmp_path: Path) -> None:
    text = written(tmp_path, Taxonomy(()))
    assert Headings(text).titles == ["Overview", "Left out, and why"]
    assert "<p>none</p>" in text


def test_a_table_formats_numbers_and_gaps() -> None:
    html = table([{"n": 12345, "share": 0.5, "name": None}])
    assert "12,345" in html
    assert "0.5" in html
    assert "–" in html
