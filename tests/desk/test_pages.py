"""Every text of the pages has its Chinese, and its own places."""

import re
from pathlib import Path
from string import Formatter

import mep3m.desk
from mep3m.desk.language import words
from mep3m.desk.pages import BAR
from mep3m.store.json_files import read_json

FOLDER = Path(mep3m.desk.__file__).parent
_CALL = re.compile(r"""\b_\(\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""")


def texts() -> set[str]:
    """Return every text that a template or a module says to a reader by `_`."""
    found = {name for name, _ in BAR.values()}
    for path in [*FOLDER.rglob("*.html"), *FOLDER.rglob("*.py")]:
        found |= {match[1][1:-1] for match in _CALL.finditer(path.read_text(encoding="utf-8"))}
    return found


def places(text: str) -> set[str]:
    """Return the names that a text leaves places for."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def numbers(text: str) -> set[str]:
    """Return those that are written, and not only agreed with."""
    return {name for _, name, spec, _ in Formatter().parse(text) if name is not None and not spec}


def agreed(text: str) -> set[str]:
    """Return those that a word of the text agrees with."""
    return {name for _, name, spec, _ in Formatter().parse(text) if name is not None and spec}


def test_every_text_has_its_chinese() -> None:
    assert texts() - set(words("zh")) == set()


def test_a_translation_fills_the_same_places() -> None:
    told = read_json(FOLDER / "words" / "zh" / "told-desk.json")
    wrong = {
        text for text, other in [*words("zh").items(), *told.items()] if not places(other) <= places(text)
    }
    assert wrong == set()
    wrong = {text for text, other in words("zh").items() if numbers(text) - places(other)}
    assert wrong == set()


def test_a_text_has_one_translation_in_all_files() -> None:
    told: dict[str, set[str]] = {}
    for path in sorted((FOLDER / "words" / "zh").glob("*.json")):
        for english, chinese in read_json(path).items():
            told.setdefault(english, set()).add(chinese)
    assert not {english: some for english, some in told.items() if len(some) > 1}
