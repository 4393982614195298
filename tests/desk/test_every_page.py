"""Every page of a desk, as a reader of each language and a strict browser gets it."""

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mep3m.desk.accounts.registry import opened as accounts
from mep3m.desk.language import Translator, words
from mep3m.desk.pages import BAR
from tests.desk.folders import lose
from tests.desk.opened import desk_on, sign_in
from tests.desk.test_pages import agreed, numbers, places

SECRET = "correct horse"
PAGES = ["/", "/login", *BAR, "/watch/undo", "/watch?undone=7", "/no-such-page"]
#: English that is the same for readers of Chinese: what commands and files are called
KEPT = {"mep3m", "SKU", "OCR"}


class Page(HTMLParser):
    """The text that a reader sees or is read, every id, and what a strict browser would not run or show."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.refused: list[str] = []
        self.labelled: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in ("meta", "link", "input", "img", "br", "hr"):
            self._inside.append(tag)
        self.texts += [
            found[name] or "" for name in ("title", "alt", "placeholder", "aria-label") if name in found
        ]
        self.ids += [found["id"] or ""] if "id" in found else []
        self.refused += [f"{tag} {name}" for name in found if name.startswith("on")]
        if tag == "script" and "src" not in found:
            self.refused.append("script")
        for name in ("src", "href", "action"):
            if re.match(r"(https?:)?//|javascript:", found.get(name) or ""):
                self.refused.append(f"{tag} {found[name]}")
        if tag == "label":
            self.labelled.add(found.get("for") or "")
        if tag in ("input", "textarea", "select") and found.get("type") not in (
            "hidden",
            "checkbox",
            "radio",
        ):
            self.fields.append(found)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            while self._inside.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not {"script", "style", "code", "kbd", "pre"} & set(self._inside):
            self.texts.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def folder(filed_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder under a promise that a branch has broken, which eve looks after."""
    shop = Path(shutil.copytree(filed_once, tmp_path_factory.mktemp("pages") / "shop", symlinks=True))
    lose(shop)
    with accounts(shop) as people:
        people.add("eve", "admin", SECRET, "2026-01-01")
    return shop


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[TestClient]:
    with desk_on(folder) as client:
        sign_in(client, "eve", SECRET)
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_no_text_of_a_page_is_left_in_english(desk: TestClient, path: str) -> None:
    shown = desk.get(path, headers={"accept-language": "zh-CN"})
    assert '<html lang="zh">' in shown.text
    english = {text for text in words("zh") if re.search("[a-z]{2}", text)} - KEPT
    whole = {text for text in english if text != words("zh")[text]}
    assert whole & set(Page(shown.text).texts) == set()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_holds_nothing_that_a_strict_browser_refuses(
    desk: TestClient, path: str, language: str
) -> None:
    shown = desk.get(path, headers={"accept-language": language})
    page = Page(shown.text)
    assert page.refused == []
    assert len(page.ids) == len(set(page.ids))
    (policy,) = shown.headers.get_list("content-security-policy")
    assert "script-src 'self';" in policy
    assert shown.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_every_field_has_a_name_that_is_read_out(desk: TestClient, path: str) -> None:
    page = Page(desk.get(path).text)
    nameless = [
        one for one in page.fields if one.get("id") not in page.labelled and not one.get("aria-label")
    ]
    assert nameless == []


def test_a_page_in_chinese_says_the_same_figures(desk: TestClient) -> None:
    english, chinese = (
        Page(desk.get("/watch", headers={"accept-language": language}).text) for language in ("en", "zh")
    )
    figures = [re.findall(r"\d+(?:[.,]\d+)*", " ".join(page.texts)) for page in (english, chinese)]
    assert sorted(figures[0]) == sorted(figures[1])


def test_a_choice_of_language_lasts_and_another_is_no_choice(folder: Path) -> None:
    with desk_on(folder) as desk:
        assert '<html lang="zh">' in desk.get("/login?lang=zh").text
        assert '<html lang="zh">' in desk.get("/login").text
        assert '<html lang="zh">' in desk.get("/login?lang=<script>").text
        assert '<html lang="en">' in desk.get("/login?lang=en").text
        assert '<html lang="en">' in desk.get("/login", headers={"accept-language": "zh"}).text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_breaks_in_the_hands_of_a_translator(language: str) -> None:
    """Every text can be filled with what a page gives: numbers, names with braces, nothing."""
    for text in words("zh"):
        written = numbers(text)
        counted = dict.fromkeys(places(text) - written, 2)
        if written & agreed(text):
            assert Translator(language)(text, **dict.fromkeys(places(text), 2)).count("2") >= len(written)
            continue
        said = Translator(language)(text, **counted, **dict.fromkeys(written, "{x}%s<"))
        assert said.count("{x}%s<") == len(written)
