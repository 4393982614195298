"""Every text of the pages has its Chinese, and its own places."""

import re
from pathlib import Path

import pytest

import mep3m.desk
from mep3m.desk.pages import BAR, language_of, translator, words
from mep3m.store.json_files import read_json

FOLDER = Path(mep3m.desk.__file__).parent
_CALL = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def texts() -> set[str]:
    """Return every text that a template or a module says to a reader by `_`."""
    found = {name for name, _ in BAR.values()}
    for path in [*FOLDER.rglob("*.html"), *FOLDER.rglob("*.py")]:
        found |= {match[1][1:-1] for match in _CALL.finditer(path.read_text(encoding="utf-8"))}
    return found


def test_every_text_has_its_chinese() -> None:
    assert texts() - set(words("zh")) == set()


def test_a_translation_fills_the_same_places() -> None:
    places = re.compile(r"\{\w+\}")
    wrong = {
        text
        for text, other in words("zh").items()
        if sorted(places.findall(text)) != sorted(places.findall(other))
    }
    assert wrong == set()


def test_numbers_are_written_for_readers() -> None:
    assert translator("en")("{n} rows wait", n=12345) == "12,345 rows wait"


@pytest.mark.parametrize(
    ("query", "cookie", "accepts", "language"),
    [
        ("zh", "en", "en", "zh"),
        ("", "zh", "en", "zh"),
        ("xx", "", "zh-CN,zh;q=0.9", "zh"),
        ("xx", "zh", "en", "zh"),
        ("", "", "de", "en"),
    ],
)
def test_a_reader_s_choice_counts_before_the_browser_s(
    query: str, cookie: str, accepts: str, language: str
) -> None:
    from starlette.requests import Request

    headers = [(b"accept-language", accepts.encode()), (b"cookie", f"lang={cookie}".encode())]
    scope = {"type": "http", "headers": headers, "query_string": f"lang={query}".encode()}
    assert language_of(Request(scope)) == language


def test_a_text_has_one_translation_in_all_files() -> None:
    told: dict[str, set[str]] = {}
    for path in sorted((FOLDER / "words" / "zh").glob("*.json")):
        for english, chinese in read_json(path).items():
            told.setdefault(english, set()).add(chinese)
    assert not {english: some for english, some in told.items() if len(some) > 1}
