"""Every key of the page for links, in a browser; and that nothing of a category's name runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.decisions import Decision, read_review
from mep3m.alignment.review.sssom import write_sssom
from tests.desk.endpoints.test_align import HOSTILE, folder
from tests.desk.opened import Opened, opened

__all__ = ["folder"]  # the fixture


@pytest.fixture
def server(folder: Path) -> Iterator[Opened]:
    with opened(folder, "--person", "anna") as started:
        yield started


def page_of(browser: Any, server: Opened, address: str = "/align") -> Any:
    page = browser.new_page()
    page.goto(server.url + address)
    return page


def press(page: Any, key: str) -> None:
    """Press a key that leads to another page, and wait for it."""
    with page.expect_navigation():
        page.keyboard.press(key)


def ended(folder: Path, server: Opened) -> list[Decision]:
    """End the desk, which writes the file, and return what it says."""
    server.process.terminate()
    server.process.wait(30)
    return read_review(folder / "review.sssom.tsv")[1]


def test_a_key_for_every_decision(browser: Any, server: Opened, folder: Path) -> None:
    page = page_of(browser, server)
    for key in "aruwc":
        press(page, key)
    assert "1 still wait" in page.inner_text("h1")
    said = ended(folder, server)
    assert sorted(f"{row.verdict} {row.relation}" for row in said) == [
        "accept broader", "accept exact", "accept narrower", "reject exact", "unsure exact",
    ]  # fmt: skip


def test_a_name_skip_back_undo_redo_and_open_again(browser: Any, server: Opened, folder: Path) -> None:
    page = page_of(browser, server)
    first = page.inner_text(".claim")
    page.keyboard.press("n")
    page.keyboard.type("电视")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    second = page.inner_text(".claim")
    assert second != first
    press(page, "s")
    assert page.inner_text(".claim") != second
    press(page, "b")
    assert page.inner_text(".claim") == second
    press(page, "z")
    assert page.inner_text(".claim") == first
    assert page.query_selector(".decided") is None
    press(page, "y")
    assert "电视" in page.inner_text(".decided")
    press(page, "o")
    assert all(row.verdict == "open" for row in ended(folder, server))


def test_blind_find_and_the_list_of_keys(browser: Any, server: Opened) -> None:
    page = page_of(browser, server)
    assert "probability" in page.inner_text("main")
    press(page, "h")
    assert "probability 0" not in page.inner_text("main")
    press(page, "h")
    page.keyboard.press("?")
    listed = page.inner_text("#keys")
    for word in ("Accept", "Reject", "Unsure", "Skip", "Back", "Undo", "Redo", "Decide blind"):
        assert word in listed
    page.keyboard.press("Escape")
    page.click(".filter summary")
    page.keyboard.press("f")
    page.keyboard.type("空调")
    press(page, "Enter")
    assert "1 left" in page.inner_text("h1")


def test_narrower_becomes_the_same_by_a_key(browser: Any, folder: Path) -> None:
    row = Proposal("x", "y", "narrower", 0.5, False, {}, "", "x", "y", "a", "b")
    write_sssom(folder / "review.sssom.tsv", [row])
    with opened(folder) as server:
        press(page_of(browser, server), "e")
        assert [one.relation for one in ended(folder, server)] == ["exact"]


def test_nothing_of_a_name_runs(browser: Any, folder: Path) -> None:
    rows = [Proposal(name, name, "exact", 0.9, True, {}, name, name, name, name[:9], "b") for name in HOSTILE]
    write_sssom(folder / "review.sssom.tsv", rows)
    with opened(folder) as server:
        for address in [*(f"/align?at={n}" for n in range(len(HOSTILE))), "/align/all", "/align/history"]:
            page = page_of(browser, server, address)
            assert page.evaluate("window.hacked") is None
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            page.close()


def test_a_phone_shows_it_without_scrolling_sideways(browser: Any, server: Opened) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for address in ("/align", "/align/all", "/align/history", "/align/apply"):
        page.goto(server.url + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_find_by_name_opens_the_filter_and_what_is_typed_decides_nothing(
    browser: Any, server: Opened, folder: Path
) -> None:
    page = page_of(browser, server)
    page.keyboard.press("f")
    page.keyboard.type("arue")
    assert page.input_value("input[name=name]") == "arue"
    assert {row.verdict for row in ended(folder, server)} == {"open"}


def test_a_key_that_is_held_down_decides_one_link(browser: Any, server: Opened, folder: Path) -> None:
    page = page_of(browser, server)
    with page.expect_navigation():
        page.keyboard.down("a")
    for _ in range(5):
        page.keyboard.down("a")  # what is down already repeats
        page.wait_for_timeout(50)
    page.keyboard.up("a")
    press(page, "r")
    verdicts = [row.verdict for row in ended(folder, server)]
    assert (verdicts.count("accept"), verdicts.count("reject")) == (1, 1)


def test_two_tabs_and_the_way_back(browser: Any, server: Opened, folder: Path) -> None:
    first, second = (page_of(browser, server, "/align?at=0") for _ in range(2))
    press(first, "a")
    press(second, "r")
    assert "was changed meanwhile" in second.inner_text("[role=alert]")
    with second.expect_navigation():
        second.go_back()
    assert "Said so far" in second.inner_text("main")  # never a page of before the decision
    press(second, "r")
    first.go_back()
    assert "rejected" in first.inner_text("main")
    assert ended(folder, server)[0].verdict == "reject"
