"""Audit, conflicts and the search of categories by keys, and both pages on a telephone."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mep3m.desk.intake.take import Draw
from mep3m.desk.reviewing.log import Signed
from mep3m.desk.reviewing.records import ItemVerdict
from mep3m.desk.reviewing.reviewing import opened_reviewing
from tests.desk.filled import UNSURE, Filled, items
from tests.desk.opened import opened
from tests.desk.test_review_in_browser import decisions, press


@pytest.fixture
def folder(filled: Filled) -> Path:
    """Six products to audit, the others to review, and two people who disagree on one."""
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, UNSURE, Draw(number=6, two=0))
        first = items(reviewing)[0]
        reviewing.log.decide({first: ItemVerdict("none")}, Signed("anna", "b1"))
        reviewing.log.decide({first: ItemVerdict("category", 1)}, Signed("ben", "b2"))
    return filled.folder


def test_the_audit_by_keys_counts_and_takes_back(folder: Path, browser: Any) -> None:
    with opened(folder) as desk:
        page = browser.new_page()
        page.goto(f"{desk.url}/audit")
        page.wait_for_selector("#progress progress")
        assert "0 of 6 drawn products are decided" in page.inner_text("#progress")
        assert page.locator("#group .choice").count() == 0
        page.keyboard.press("1")  # there is no such key yet
        page.keyboard.press("/")
        page.keyboard.type("香蕉")
        press(page, "Enter")
        before = page.get_attribute("#group", "data-cluster")
        press(page, "1")
        assert decisions(folder)[-1] == decisions(folder)[-2] == ("category", '["食品", "香蕉"]')
        assert page.get_attribute("#group", "data-cluster") != before
        press(page, "z")
        assert page.get_attribute("#group", "data-cluster") == before
        assert decisions(folder)[-1] == ("withdrawn", None)
        for decided in range(2, 7):  # right after each answer, however fast they come
            press(page, "n")
            page.wait_for_selector(f"#progress:not([aria-busy]) >> text={decided} of 6 drawn products are")
        assert page.query_selector("input[name=item]") is None
        assert "Nothing waits for you here" in page.inner_text("#group")
        press(page, "z")
        assert page.locator("input[name=item]").count() == 1


def test_an_admin_resolves_a_conflict_by_one_key(folder: Path, browser: Any) -> None:
    with opened(folder) as desk:
        page = browser.new_page()
        page.goto(f"{desk.url}/review/conflicts")
        assert "anna: none" in page.inner_text("#group").lower()
        assert page.locator("[data-does=skip]").count() == 0
        chosen = page.get_attribute("#group .choice", "title")
        press(page, "1")
        assert page.locator("input[name=item]").count() == 0
        with sqlite3.connect(folder / "desk" / "decisions.sqlite") as file:
            [(names, turn)] = file.execute(
                "SELECT names, round FROM decisions d JOIN categories c ON c.id = d.category "
                "ORDER BY d.id DESC LIMIT 1"
            ).fetchall()
        assert turn == 3
        assert all(part in names for part in chosen.split(" > "))


def test_arrows_choose_among_what_the_search_found(folder: Path, browser: Any) -> None:
    with opened(folder) as desk:
        page = browser.new_page()
        page.goto(f"{desk.url}/review")
        before = len(decisions(folder))
        page.keyboard.press("/")
        page.keyboard.type("手机")
        page.wait_for_selector("#found li:nth-child(2)")
        shown = page.locator("#found li").all_inner_texts()
        selected = page.locator("#found li[aria-selected=true]")
        assert selected.inner_text() == shown[0]
        page.keyboard.press("ArrowDown")
        assert selected.inner_text() == shown[1]
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        assert selected.inner_text() == shown[-1]
        assert page.get_attribute("#find", "aria-activedescendant") == selected.get_attribute("id")
        assert len(decisions(folder)) == before
        press(page, "Enter")
        assert f": {shown[-1]}" in page.inner_text("#group .told")


def test_nothing_is_cut_off_on_a_telephone(folder: Path, browser: Any) -> None:
    with opened(folder) as desk:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        for place in ("/review", "/audit", "/review/conflicts", "/review/people"):
            page.goto(desk.url + place)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, place
