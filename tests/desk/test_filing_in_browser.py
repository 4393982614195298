"""Try and Watch in a browser: keys, pictures that are dropped and pasted, and nothing of others runs."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk.folders import lose, picture
from tests.desk.opened import Opened, opened

SCRIPT = "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"
#: gives the page files as a hand (`drop`) or the clipboard (`paste`) does
GIVE = """([how, files]) => {
  const given = new DataTransfer();
  for (const [name, kind, content] of files)
    given.items.add(new File([Uint8Array.from(atob(content), c => c.charCodeAt(0))], name, {type: kind}));
  const more = how === "paste" ? {clipboardData: given} : {dataTransfer: given};
  const Given = how === "paste" ? ClipboardEvent : DragEvent;
  document.body.dispatchEvent(new Given(how, {bubbles: true, cancelable: true, ...more}));
}"""


@pytest.fixture(scope="module")
def seeing_desk(seeing_folder: Path) -> Iterator[Opened]:
    with opened(seeing_folder) as desk:
        yield desk


@pytest.fixture
def page(seeing_desk: Opened, browser: Any) -> Iterator[Any]:
    """The page to try the classifier, on which no script fails."""
    opened_page = browser.new_page()
    problems: list[str] = []
    opened_page.on("pageerror", lambda error: problems.append(str(error)))
    opened_page.goto(f"{seeing_desk.url}/try")
    yield opened_page
    assert problems == []
    assert opened_page.title().startswith("Try")


def give(page: Any, how: str, *files: tuple[str, str, bytes]) -> None:
    """Drop or paste files, and wait for the answer to them."""
    sent = [[name, kind, base64.b64encode(content).decode()] for name, kind, content in files]
    with page.expect_response("**/try"):
        page.evaluate(GIVE, [how, sent])
    page.wait_for_selector("#answer:not([aria-busy])")


def test_the_answer_comes_as_a_title_is_typed_and_by_enter(page: Any) -> None:
    assert page.evaluate("document.activeElement.id") == "title"
    page.keyboard.type("耳机 12ab")
    page.wait_for_selector("#answer .ranked")
    assert "数码 › 耳机" in page.inner_text("#answer")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") != "title"
    page.keyboard.press("/")
    page.keyboard.press("Control+A")
    page.keyboard.type("香蕉 3")
    with page.expect_response("**/try"):
        page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('answer').innerText.includes('食品 › 香蕉')")
    assert page.input_value("#title") == "香蕉 3"  # Enter sent it, and wrote no line


def test_every_key_that_is_shown_is_listed_and_does_it(page: Any) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.locator("#keys dt").first.wait_for()
    listed = page.locator("#keys dt").all_inner_texts()
    assert {"/", "Enter", "?"} <= set(listed)
    assert set(page.locator("kbd").all_inner_texts()) <= set(listed)
    page.keyboard.press("/")  # behind the dialog no key does anything
    assert page.evaluate("document.activeElement.id") != "title"
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_picture_is_shown_answered_and_taken_away(page: Any, how: str) -> None:
    give(page, how, ("a.png", "image/png", picture("black")))
    assert page.locator("#shown").is_visible()
    assert page.locator("#answer .ranked li").count() >= 2
    page.click("#without")
    assert not page.locator("#shown").is_visible()
    assert page.evaluate("document.getElementById('image').files.length") == 0


def test_of_files_that_are_dropped_together_the_picture_is_taken(page: Any) -> None:
    give(page, "drop", ("notes.txt", "text/plain", b"notes"), ("a.png", "image/png", picture("blue")))
    assert page.evaluate("document.getElementById('image').files[0].name") == "a.png"
    assert page.locator("#answer .ranked").count() == 1


@pytest.mark.parametrize(
    ("name", "kind", "content", "said"),
    [("setup.exe", "image/png", b"MZ" + bytes(99), "not an image"),
     ("a.svg", "image/svg+xml", b"<svg onload=\"document.title='ran'\"/>", "SVG"),
     (SCRIPT + ".png", "image/png", picture()[:50], "broken"),
     ("a.html", "text/html", SCRIPT.encode(), "image")],
    ids=["a program", "a script as a picture", "a name with a script", "a page"],
)  # fmt: skip
def test_what_is_no_picture_is_said_and_does_nothing(
    page: Any, name: str, kind: str, content: bytes, said: str
) -> None:
    give(page, "drop", (name, kind, content))
    assert said in page.inner_text("#answer [role=alert]")
    give(page, "drop", ("a.png", "image/png", picture("red")))  # and the next one is answered
    assert page.locator("#answer .ranked").count() == 1


def test_a_title_with_a_script_is_text(page: Any) -> None:
    page.fill("#title", SCRIPT + " 耳机")
    with page.expect_response("**/try"):
        page.keyboard.press("Enter")
    page.wait_for_selector("#answer:not([aria-busy]) p")
    assert page.locator("#answer script, #answer img[src=x]").count() == 0


def test_the_last_that_was_typed_is_answered_whatever_comes_first(page: Any) -> None:
    """The answer to an earlier title arrives late, and is not shown over the newer one."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/try", hold)
    page.fill("#title", "香蕉 1")
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('answer').ariaBusy === 'true'")
    page.fill("#title", "耳机 2")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer:not([aria-busy]) .ranked")
    held[0].abort()
    page.wait_for_timeout(300)
    assert "数码 › 耳机" in page.inner_text("#answer .title")
    assert page.locator("#answer [role=alert]").count() == 0


def test_a_desk_that_cannot_be_reached_is_said_and_the_title_stays(page: Any) -> None:
    page.route("**/try", lambda route: route.abort())
    page.fill("#title", "耳机")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer [role=alert]")
    assert page.inner_text("#answer") == "The desk cannot be reached."
    page.unroute("**/try")
    page.keyboard.press("Enter")
    page.wait_for_selector("#answer .ranked")


def test_without_scripts_the_form_does_it(seeing_desk: Opened, browser: Any) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{seeing_desk.url}/try")
    page.fill("#title", "耳机 3")
    page.set_input_files(
        "#image", files=[{"name": "a.png", "mimeType": "image/png", "buffer": picture("black")}]
    )
    page.click("button.main")
    assert "数码 › 耳机" in page.inner_text("#answer .title")
    assert page.input_value("#title") == "耳机 3"
    assert (page.get_attribute("#shown", "src") or "").startswith("data:image/jpeg;base64,")


def test_watch_and_undo_by_keys_and_nothing_of_a_title_or_a_file_runs(
    filed_folder: Path, browser: Any
) -> None:
    lines = (filed_folder / "filed.jsonl").read_text()
    inside = json.dumps(SCRIPT)[1:-1]
    (filed_folder / "filed.jsonl").write_text(lines.replace('"title":"', f'"title":"{inside} '))
    lose(filed_folder)
    (filed_folder / "filed<img src=x onerror=document.title='ran'>.jsonl").write_text(lines)
    (filed_folder / "filed<script>document.title='ran'<.jsonl").write_text("no json")
    with opened(filed_folder) as desk:
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{desk.url}/watch")
        assert page.title().startswith("Watch")
        assert page.locator("main img, main script").count() == 0
        assert "onerror" in page.inner_text("main")
        page.keyboard.press("u")
        page.wait_for_url("**/watch/undo")
        assert SCRIPT in page.inner_text("main table")
        page.keyboard.press("b")
        page.wait_for_url("**/watch")
        page.keyboard.press("u")
        page.wait_for_url("**/watch/undo")
        assert page.title().startswith("Undo")
        assert not (filed_folder / "promise.json.undo.csv").exists()
        page.keyboard.press("w")
        page.wait_for_url("**/watch?undone=*")
        assert (filed_folder / "promise.json.undo.csv").exists()
        assert "filings to take back are listed" in page.inner_text("[role=status]")
        assert problems == []
