"""The report in a real browser: charts are drawn, nothing is fetched, nothing fails."""

from pathlib import Path
from typing import Any

from mep3m.product import Label, Product, to_table
from mep3m.report.dataset_report import report_dataset
from mep3m.statistics.figures import dataset_figures
from mep3m.store import Plan, StoreWriter
from mep3m.taxonomy import Category, Taxonomy


def test_charts_are_drawn_and_nothing_is_fetched(tmp_path: Path, browser: Any) -> None:
    tree = Taxonomy((Category("1", "食品", "Food"), Category("2", "水果", "Fruit", parent="1")))
    labels = (Label("1", "given", "s"), Label("2", "given", "s"))
    rows = [Product(str(i), "shop", str(i), title="红富士苹果 " * (i + 1), labels=labels) for i in range(5)]
    writer = StoreWriter.begin(tmp_path / "store", Plan("align", {}, ("p",)))
    writer.write(0, to_table(rows))
    report_dataset(dataset_figures(writer.finish(tree)), tmp_path / "report")

    page = browser.new_page(viewport={"width": 390, "height": 800})
    requests: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto((tmp_path / "report" / "report.html").as_uri())
    page.wait_for_selector(".plotly .main-svg")
    assert page.locator("h2").count() == page.locator("nav a").count() >= 6
    assert page.locator(".sunburstlayer text").count() >= 2
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert problems == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
