"""What a page says to a reader who is signed out or lost, and how they come back to where they were."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mep3m.desk.accounts.registry import opened as people_of
from mep3m.desk.accounts.registry import today
from mep3m.desk.reviewing.reviewing import opened_reviewing
from tests.desk.filled import UNSURE, Filled
from tests.desk.opened import Opened, opened


@pytest.fixture
def desk(build: Path) -> Iterator[Opened]:
    with people_of(build) as people:
        people.add("anna", "reviewer", "long enough", today())
    with opened(build) as started:
        yield started


@pytest.fixture
def reviewed(filled: Filled) -> Iterator[Opened]:
    """A desk on a small run, with products to review."""
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE)
    with people_of(filled.folder) as people:
        people.add("anna", "reviewer", "long enough", today())
    with opened(filled.folder) as started:
        yield started


def page_of(browser: Any, desk: Opened, address: str) -> Any:
    page = browser.new_context().new_page()
    page.goto(f"{desk.url}/login")
    page.fill("#name", "anna")
    page.fill("#password", "long enough")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{desk.url}/")
    page.goto(desk.url + address)
    return page


def test_who_decides_after_the_session_has_ended_signs_in_and_sees_the_link_again(
    browser: Any, desk: Opened
) -> None:
    page = page_of(browser, desk, "/align?least=0.5")
    page.context.clear_cookies()
    with page.expect_navigation():
        page.keyboard.press("a")
    assert "sign in first" in page.inner_text("main")
    page.click("main a:has-text('Sign in')")
    with page.expect_navigation():
        page.fill("#name", "anna")
        page.fill("#password", "long enough")
        page.keyboard.press("Enter")
    assert "/align?least=0.5" in page.url
    assert page.inner_text("h1").startswith("Do these two belong together?")


def test_a_search_after_the_session_has_ended_leads_to_signing_in_and_back(
    browser: Any, desk: Opened
) -> None:
    page = page_of(browser, desk, "/explore")
    page.context.clear_cookies()
    page.keyboard.press("/")
    with page.expect_navigation(url="**/login**"):
        page.keyboard.type("茶")
    assert page.locator("nav a").count() == 0  # the whole page, not one within the list of products
    page.fill("#name", "anna")
    page.fill("#password", "long enough")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/explore?" in address)
    assert page.input_value("#q") == "茶"


@pytest.mark.parametrize("key", ["1", "s"])
def test_who_reviews_after_the_session_has_ended_signs_in_and_sees_the_group_again(
    browser: Any, reviewed: Opened, key: str
) -> None:
    page = page_of(browser, reviewed, "/review")
    group = page.get_attribute("#group", "data-cluster")
    page.context.clear_cookies()
    with page.expect_navigation(url="**/login**"):
        page.keyboard.press(key)
    page.fill("#name", "anna")
    page.fill("#password", "long enough")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review")
    assert page.get_attribute("#group", "data-cluster") == group
    assert page.inner_text(".told") == f"{len(UNSURE)} left"


def test_skipping_at_a_desk_that_is_gone_is_said(browser: Any, reviewed: Opened) -> None:
    page = page_of(browser, reviewed, "/review")
    reviewed.process.kill()
    page.keyboard.press("s")
    page.wait_for_selector(".told >> text=The desk cannot be reached.")
    page.keyboard.press("n")
    page.wait_for_selector(".told >> text=Not recorded. Press the same key again; it is recorded once.")


def test_a_search_that_nothing_answers_says_so(browser: Any, desk: Opened) -> None:
    page = page_of(browser, desk, "/explore")
    desk.process.kill()
    page.keyboard.press("/")
    page.keyboard.type("茶")
    page.wait_for_selector("#found >> text=The desk cannot be reached.")
    assert page.input_value("#q") == "茶"


def test_escape_leaves_the_search_and_what_it_found(browser: Any, desk: Opened) -> None:
    page = page_of(browser, desk, "/explore")
    page.keyboard.press("/")
    page.keyboard.type("茶")
    page.wait_for_url(lambda address: "q=" in address)
    page.keyboard.press("Escape")
    assert page.input_value("#q") == "茶"
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.className") == "title"


def test_a_wrong_password_leaves_the_name(browser: Any, desk: Opened) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{desk.url}/login")
    page.fill("#name", "anna")
    page.fill("#password", "wrong enough")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=do not go together")
    assert page.input_value("#name") == "anna"
    assert page.evaluate("document.activeElement.id") == "password"


def test_a_wrong_address_is_said_on_a_page_that_leads_on(browser: Any, desk: Opened) -> None:
    page = page_of(browser, desk, "/explore")
    page.goto(f"{desk.url}/align?at=x")
    assert "at: Input should be a valid integer" in page.inner_text("[role=alert]")
    page.click("nav >> text=Align")
    assert page.inner_text("h1").startswith("Do these two belong together?")


def test_another_language_shows_the_same_search(browser: Any, desk: Opened) -> None:
    page = page_of(browser, desk, "/explore?q=茶&page=1")
    page.click("text=中文")
    assert page.input_value("#q") == "茶"
    assert page.inner_text("h1") == "浏览"
    page.click("text=English")
    assert page.input_value("#q") == "茶"
    assert page.url.count("lang=") == 1


@pytest.mark.parametrize("width", [1280, 390])
def test_no_word_of_a_table_is_broken(browser: Any, desk: Opened, width: int) -> None:
    page = page_of(browser, desk, "/align/all")
    page.set_viewport_size({"width": width, "height": 800})
    lines = """cells => cells.map(cell => {
        const range = document.createRange();
        range.selectNodeContents(cell);
        return [cell.textContent.trim(), new Set([...range.getClientRects()].map(one => one.top)).size];
    })"""
    for address, column in (("/explore/refused", 1), ("/explore/refused", 2), ("/align/all", 4)):
        page.goto(f"{desk.url}{address}")
        found = page.eval_on_selector_all(f"td:nth-child({column})", lines)
        assert found
        assert [text for text, rows in found if rows > 1] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
