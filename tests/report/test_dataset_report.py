from html.parser import HTMLParser
from pathlib import Path

import pytest

from mep3m.product import Label, Product, to_table
from mep3m.report.dataset_report import report_dataset
from mep3m.report.page import Section, table
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.files import read_json
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
    numbers = report_dataset(store, tmp_path / "r")
    page = Headings((tmp_path / "r" / "report.html").read_text())
    assert {"Overview", "Classes", "Sub-class sizes", "Title lengths", "Text cloud", "Hierarchy"} <= set(
        page.titles
    )
    assert page.outside == []
    assert read_json(tmp_path / "r" / "statistics.json")["rows"] == numbers["rows"]


def test_names_from_data_cannot_carry_markup(store: Store, tmp_path: Path) -> None:
    report_dataset(store, tmp_path / "r")
    text = (tmp_path / "r" / "report.html").read_text()
    assert "<i>jd</i>" not in text
    assert "<b>水果</b>" not in text
    assert "<script>alert" not in text


def test_extra_sections_come_after_those_of_the_data(store: Store, tmp_path: Path) -> None:
    report_dataset(store, tmp_path / "r", extra=[Section("Scores", table([{"top1": 0.5}]))])
    page = Headings((tmp_path / "r" / "report.html").read_text())
    assert page.titles[-1] == "Scores"


def test_a_table_formats_numbers_and_gaps() -> None:
    html = table([{"n": 12345, "share": 0.5, "name": None}])
    assert "12,345" in html
    assert "0.5" in html
    assert "–" in html
