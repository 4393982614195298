"""Forms of the desk in a browser: what it says of where they come from is not what a test client says."""

from pathlib import Path
from typing import Any

from mep3m.desk.accounts.registry import opened as people_of
from mep3m.desk.accounts.registry import today
from tests.desk.opened import opened


def test_a_person_signs_in_and_out_by_the_forms(build: Path, browser: Any) -> None:
    with people_of(build) as people:
        people.add("anna", "reviewer", "long enough", today())
    with opened(build) as desk:
        page = browser.new_page()
        page.goto(f"{desk.url}/review")
        page.fill("#name", "anna")
        page.fill("#password", "long enough")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{desk.url}/review")
        page.click("text=Sign out")
        page.wait_for_url(f"{desk.url}/login")
        page.goto(f"{desk.url}/review")
        assert "/login" in page.url


def test_a_form_of_another_origin_is_refused(build: Path, browser: Any) -> None:
    with people_of(build) as people:
        people.add("anna", "reviewer", "long enough", today())
    with opened(build) as desk:
        page = browser.new_page()
        form = f'<form method=post action="{desk.url}/login"><input name=name value=anna>'
        page.set_content(f"{form}<input name=password value='long enough'><button>go</button></form>")
        page.click("button")
        page.wait_for_selector("text=another origin")
