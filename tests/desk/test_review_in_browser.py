"""A person decides by keyboard alone, in a browser."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from mep3m.desk.intake.take import Draw
from mep3m.desk.reviewing.reviewing import opened_reviewing
from tests.desk.filled import UNSURE, Filled
from tests.desk.opened import opened

HOSTILE = "苹果 手机 <img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"


def decisions(folder: Path) -> list[tuple[str, str | None]]:
    read = sqlite3.connect(folder / "desk" / "decisions.sqlite")
    return read.execute(
        "SELECT verdict, (SELECT names FROM categories c WHERE c.id = category) FROM decisions ORDER BY id"
    ).fetchall()


def press(page: Any, key: str) -> None:
    with page.expect_response(lambda answer: "/review/" in answer.url and "categories" not in answer.url):
        page.keyboard.press(key)
    page.wait_for_selector("#group:not([aria-busy])")


@pytest.fixture
def folder(filled: Filled) -> Path:
    with opened_reviewing(filled.folder) as reviewing:
        filled.take(reviewing, [*UNSURE, HOSTILE], Draw(share=0, two=0))
    return filled.folder


def test_every_key(folder: Path, browser: Any) -> None:
    with opened(folder) as desk:
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{desk.url}/review")
        count = page.locator("input[name=item]").count()
        assert count > 1
        first = page.locator("#group .choice").first.get_attribute("title")
        press(page, "1")
        assert f"{count} products: {first}" in page.inner_text("#group .told")
        assert len(decisions(folder)) == count
        press(page, "z")
        assert page.locator("input[name=item]").count() == count
        page.keyboard.press("/")
        page.keyboard.type("香蕉")
        press(page, "Enter")
        assert decisions(folder)[-1] == ("category", '["食品", "香蕉"]')
        page.keyboard.press("/")
        page.keyboard.type("no such category")
        page.wait_for_selector("#nothing:not([hidden])")
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        press(page, "n")
        assert decisions(folder)[-1][0] == "none"
        before = page.get_attribute("#group", "data-cluster")
        press(page, "s")
        assert page.get_attribute("#group", "data-cluster") != before
        press(page, "u")
        assert decisions(folder)[-1][0] == "unsure"
        assert problems == []


def test_what_is_not_ticked_is_not_decided(folder: Path, browser: Any) -> None:
    with opened(folder) as desk:
        page = browser.new_page()
        page.goto(f"{desk.url}/review")
        page.keyboard.press("a")
        page.keyboard.press("n")
        page.wait_for_selector("text=Nothing is ticked")
        assert decisions(folder) == []
        page.locator("input[name=item]").nth(1).focus()
        page.keyboard.press(" ")
        press(page, "n")
        assert decisions(folder) == [("none", None)]


def test_a_thousand_items_an_hour_by_keyboard_and_no_script_of_a_title_runs(
    folder: Path, browser: Any
) -> None:
    with opened(folder) as desk:
        page = browser.new_page()
        page.goto(f"{desk.url}/review")
        begun = time.perf_counter()
        while page.query_selector("input[name=item]"):
            press(page, "1")
            assert page.title().startswith("Review")
        hours = (time.perf_counter() - begun) / 3600
        assert len(decisions(folder)) / hours > 1000
        page.goto(f"{desk.url}/audit")
        assert "Nothing waits" in page.inner_text("#group")


def test_an_answer_that_is_lost_is_asked_for_again_and_recorded_once(folder: Path, browser: Any) -> None:
    with opened(folder) as desk:
        page = browser.new_page()
        page.goto(f"{desk.url}/review")
        count = page.locator("input[name=item]").count()
        lost = []

        def lose(route: Any) -> None:
            if lost:
                route.continue_()
                return
            lost.append(route.fetch())  # the desk records it, and the browser never hears
            route.abort()

        page.route("**/review/decide", lose)
        page.keyboard.press("n")
        page.wait_for_selector("#group .told .warn")
        assert "Not recorded" in page.inner_text("#group .told")
        press(page, "n")
        assert len(decisions(folder)) == count
