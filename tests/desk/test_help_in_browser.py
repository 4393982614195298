"""The help of `?` lists the keys that a page has, all of them and no others."""

import string
from collections.abc import Iterator
from typing import Any

import pytest

from mep3m.desk.intake.take import Draw
from mep3m.desk.reviewing.reviewing import opened_reviewing
from mep3m.product import Product
from tests.alignment.shops import proposals
from tests.desk.filled import UNSURE, Filled
from tests.desk.index.drawn import stored
from tests.desk.opened import Opened, opened

KEYS = [*string.ascii_lowercase, *string.digits, "/", "?", "Enter", "Escape", "ArrowDown", "ArrowUp", " "]
#: how the help writes keys that have no letter
WRITTEN = {"ArrowDown": "↓", "ArrowUp": "↑", "Escape": "Esc", " ": "␣"}
#: the keys that a page takes, while nothing that it does is done
TAKEN = """keys => {
  addEventListener('click', event => { event.preventDefault(); event.stopImmediatePropagation(); }, true);
  const taken = () => keys.filter(key => {
    const event = new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true});
    (document.activeElement || document.body).dispatchEvent(event);
    const done = event.defaultPrevented;
    document.activeElement?.blur();
    return done;
  });
  return taken();
}"""


@pytest.fixture
def desk(filled: Filled) -> Iterator[Opened]:
    """A desk that has something to do on every page."""
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE, Draw(number=4, two=0))
    proposals(filled.folder / "review.sssom.tsv")
    products = [Product(f"s:{n}", "s", str(n), title=f"茶 {n}") for n in range(30)]
    stored(filled.folder / "5-align", products)
    with opened(filled.folder) as started:
        yield started


def test_help_and_page_have_the_same_keys(desk: Opened, browser: Any) -> None:
    page = browser.new_page()
    for address, own in (
        ("/explore", {"j", "k", "Enter", "n", "/", "c", "f", "x"}),
        ("/explore/product/s:1", {"e"}),
        ("/explore/figures", {"e"}),
        ("/align", {"a", "r", "u", "n", "w", "c", "s", "b", "z", "y", "h", "f"}),
        ("/align/all", {"z", "f"}),
        ("/align/apply", {"k"}),
        ("/review", {"1", "2", "/", "n", "u", "s", "z", "a"}),
        ("/audit", {"/", "n", "u", "s", "z"}),
        ("/try", {"/", "Enter"}),
        ("/watch", set()),
    ):
        page.goto(desk.url + address)
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        page.wait_for_selector("dialog[open]")
        told = {key for text in page.locator("#keys dt").all_inner_texts() for key in text.split()}
        meanings = page.locator("#keys dd").all_inner_texts()
        assert all(meanings), address
        page.keyboard.press("Escape")
        page.evaluate("document.querySelector('details:not([open])')?.toggleAttribute('open', false)")
        page.evaluate("document.activeElement?.blur()")
        taken = {WRITTEN.get(key, key) for key in page.evaluate(TAKEN, KEYS)}
        assert own | {"?", "Esc"} <= told, address
        # Enter and the space bar do what a browser does with what has the focus; Esc leaves a field
        assert taken - told == set(), address
        assert told - taken - {"Enter", "␣", "Esc", "↑", "↓", "Escape"} == set(), address
