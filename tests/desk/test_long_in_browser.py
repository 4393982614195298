"""Words without an end: nothing runs off a telephone, and the whole is there when it is asked for."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.sssom import write_sssom
from mep3m.desk.intake.take import Draw
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import opened_reviewing
from mep3m.product import Label
from mep3m.taxonomy import Category, Taxonomy
from tests.desk.filled import UNSURE, Filled, items
from tests.desk.index.drawn import stored, titled
from tests.desk.opened import Opened, opened

WORD = "x" * 9_000
NAME = "y" * 700


@pytest.fixture
def desk(filled: Filled) -> Iterator[Opened]:
    """A desk whose titles, categories, links and names have no end."""
    with opened_reviewing(filled.folder) as reviewing:
        titles = [WORD, *UNSURE[:3], f"苹果 手机 {WORD}"]
        filled.take(reviewing, titles, Draw(share=0, two=0))
        reviewing.log.decide({items(reviewing)[1]: ItemVerdict("none")}, Signed("z" * 100, "batch-1"))
    tree = Taxonomy((Category("c", NAME, NAME),))
    label = Label("c", "mapped", NAME, 0.5)
    stored(
        filled.folder / "5-align",
        [replace(one, labels=(label,), ocr=WORD) for one in titled(WORD, WORD)],
        tree,
    )
    link = Proposal(NAME, f"{NAME} > {NAME}", "exact", 0.9, True, words=f"names alike {NAME}")
    write_sssom(filled.folder / "review.sssom.tsv", [link])
    with opened(filled.folder) as started:
        yield started


def test_nothing_runs_off_a_telephone(desk: Opened, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    for address in (
        "/", "/explore", "/explore?category=c", "/explore/product/1", "/explore/figures", "/align",
        "/align/all", "/align/history", "/align/apply", "/review", "/review/people", "/watch", "/try",
    ):  # fmt: skip
        page.goto(desk.url + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
        assert WORD not in page.inner_text("main"), address
    page.evaluate("word => { document.getElementById('title').value = word; }", f"苹果 {WORD}")
    page.click("button.main")
    page.wait_for_selector("#answer .ranked")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert "x" * 200 not in page.inner_text("#answer")


def test_the_whole_is_shown_on_demand(desk: Opened, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{desk.url}/explore/product/1")
    page.locator("details.rest summary").first.click()
    assert WORD in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{desk.url}/review")
    while not page.locator("details.rest").count():
        with page.expect_response("**/review/group**"):
            page.keyboard.press("s")
    ticked = page.locator("input[name=item]:checked").count()
    page.locator("details.rest summary").first.click()
    assert WORD in page.inner_text("#group")
    assert page.locator("input[name=item]:checked").count() == ticked
