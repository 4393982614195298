"""The report in a real browser: charts are drawn, nothing is fetched, nothing fails, and all can be read."""

from pathlib import Path
from typing import Any

import pytest

from mep3m.alignment.merging.places import CategoryPlace
from mep3m.product import Label, Product, to_table
from mep3m.report.dataset_report import report_dataset
from mep3m.report.page import write_page
from mep3m.report.where_report import Where, where_sections
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


LONG = "is the same as b '茶' (the method, probability 0.99; " + "names 1.00; " * 12 + "titles 0.80)"
PLACE = CategoryPlace(
    "a", ("食品", "茶"), ("饮料", "茶"), "exact", "b '茶'", 0.99, 1200, LONG, ("红富士 " * 40,),
    short="is the same as b '茶' (same name)",
)  # fmt: skip
WAITING = {"line": 9, "link": "a '包' exact b '包'", "probability": 0.4, "rows": 12, "why": "too small"}


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_where_the_categories_went_is_read_on_any_screen(
    tmp_path: Path, browser: Any, width: int, scheme: str
) -> None:
    """No sentence is cut off or stands far to the right, and letters stand out from the paper."""
    writer = StoreWriter.begin(tmp_path / "store", Plan("ingest", {}, ("p",)))
    writer.write(0, to_table([Product("1", "a", "1")]))
    where = Where(tmp_path / "where.tsv", (PLACE,), (WAITING,), {})
    write_page(tmp_path / "r.html", "report", where_sections(where, writer.finish(), None), {})

    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto((tmp_path / "r.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for cell in page.locator("td:visible").all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert page.locator("table").first.bounding_box()["height"] < 420
    assert not page.get_by_text("names 1.00").is_visible()
    page.get_by_text("evidence", exact=True).click()
    assert page.get_by_text("names 1.00").is_visible()
    paper, ink = page.evaluate("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
    brightness = [sum(int(part) for part in colour[4:-1].split(",")) / 3 for colour in (paper, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    assert abs(brightness[0] - brightness[1]) > 150
    page.close()
