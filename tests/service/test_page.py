"""The page to try a service, in a browser, where keys are needed or a promise decides."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mep3m.recipes.guarantee import Target, make_promise
from mep3m.service.keys import add_key
from tests.assignment.audited import audit_of, rows, train, write
from tests.service.clients import started


@pytest.fixture(scope="module")
def keyed(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    secret = add_key(file, "me", ["assign"])
    with started(run_folder, "--keys", str(file)) as url:
        yield url, secret


def test_a_browser_that_has_no_key_sees_nothing(keyed: tuple[str, str], browser: Any) -> None:
    page = browser.new_page()
    with pytest.raises(Exception, match="INVALID_AUTH_CREDENTIALS"):  # it would ask the person for it
        page.goto(keyed[0])
    page.close()


def test_who_has_the_key_files_a_product(keyed: tuple[str, str], browser: Any) -> None:
    url, secret = keyed
    context = browser.new_context(http_credentials={"username": "me", "password": secret})
    page = context.new_page()
    page.goto(url)
    page.fill("#title", "红富士苹果")
    page.fill("#confidence", "0")
    page.fill("#key", secret)
    page.click("button")
    page.wait_for_selector(".path")
    assert page.text_content(".path") == "食品 › 苹果"
    page.fill("#key", "wrong")
    page.click("button")
    page.wait_for_selector("text=The server refused")
    context.close()


def test_a_form_of_another_place_files_nothing(keyed: tuple[str, str], browser: Any, tmp_path: Path) -> None:
    """A browser sends the password with what another page posts; the key of the header it cannot know."""
    url, secret = keyed
    context = browser.new_context(http_credentials={"username": "me", "password": secret})
    page = context.new_page()
    page.goto(url)  # from here on the browser knows the password
    (tmp_path / "trap.html").write_text(
        f'<form method="post" enctype="text/plain" action="{url}/assign">'
        '<input name=\'{"products": [{"title": "苹果"}], "x": "\' value=\'"}\'></form>'
        "<script>document.forms[0].submit()</script>"
    )
    statuses: list[int] = []
    page.on("response", lambda reply: statuses.append(reply.status) if "/assign" in reply.url else None)
    page.goto((tmp_path / "trap.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert statuses
    assert set(statuses) <= {401, 403, 422}
    context.close()


@pytest.mark.parametrize(
    "title", ["<img src=x onerror=alert(1)>", "<script>alert(1)</script>", '"><svg onload=1>']
)
def test_a_title_is_text_and_runs_nothing(keyed: tuple[str, str], browser: Any, title: str) -> None:
    url, secret = keyed
    context = browser.new_context(http_credentials={"username": "me", "password": secret})
    page = context.new_page()
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    page.goto(url)
    page.fill("#title", title + " 苹果")
    page.fill("#key", secret)
    page.click("button")
    page.wait_for_selector("#answer li")
    assert alarms == []
    assert page.locator("#answer img, #answer script, #answer svg").count() == 0
    context.close()


def test_under_a_promise_the_page_says_what_is_promised(tmp_path: Path, browser: Any) -> None:
    run = train(tmp_path)
    promise, _ = make_promise(audit_of(run, write(tmp_path / "audit.tsv", rows(1000, 2))), Target(0.95))
    assert promise is not None
    promise.save(tmp_path / "p.json")
    with started(run.folder, "--promise", str(tmp_path / "p.json")) as url:
        page = browser.new_page()
        page.goto(url)
        assert page.locator("#confidence").count() == 0
        assert "at least 95 of 100 products" in page.content()
        page.fill("#title", "红富士苹果")
        page.click("button")
        page.wait_for_selector(".path")
        page.fill("#title", "zzz")
        page.click("button")
        page.wait_for_selector("text=goes to review")
        page.close()
