"""The languages of the desk: its own texts, and the sentences in which the library says something."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

from fastapi import Request

from mep3m.store.json_files import read_json
from mep3m.wording import Count, without_folders

#: cookie and parameter that choose a language; without them the browser's own choice counts
LANGUAGE = "lang"
#: languages of the desk: how each is called by those who read it
LANGUAGES = {"en": "English", "zh": "中文"}
_WORDS = Path(__file__).parent / "words"
#: files whose English is a pattern of what the library says, and not a text of a page
_TOLD = "told-*.json"
#: letters of a sentence that is looked up: a longer one has a list, or somebody's text, in it
_LONGEST = 1_000
#: between the parts of a sentence that the library puts together
_PARTS = "; "


@cache
def words(language: str) -> Mapping[str, str]:
    """Return the texts of a language by their English; English is its own."""
    texts: dict[str, str] = {}
    for path in sorted((_WORDS / language).glob("*.json")):
        if not path.match(_TOLD):
            texts |= read_json(path)
    return texts


@cache
def sentences(language: str) -> Sequence[tuple[re.Pattern[str], Mapping[str, str], str]]:
    """Return how the library says something: pattern, which of its places are told too, translation.

    A place `{x}` is any text and stays as it is, `{x:told}` is one that is itself translated.
    """
    found: dict[str, str] = {}
    for path in sorted((_WORDS / language).glob(_TOLD)):
        found |= read_json(path)
    parsed = [(list(Formatter().parse(english)), other) for english, other in found.items()]
    parsed.sort(key=lambda one: -sum(len(literal) for literal, *_ in one[0]))  # the most telling first
    return [
        (
            re.compile("".join(_pattern(literal, name) for literal, name, *_ in parts), re.DOTALL),
            {name: spec or "" for _, name, spec, _ in parts if name is not None},
            other,
        )
        for parts, other in parsed
    ]


def _pattern(literal: str, name: str | None) -> str:
    return re.escape(literal) + (f"(?P<{name}>.*?)" if name is not None else "")


class Translator:
    """What a template calls `_`.

    `hidden` is the folder above that of the desk, where a page must not tell where files lie.
    """

    def __init__(self, language: str, hidden: Path | None = None) -> None:
        self.language = language
        self._hidden = hidden
        self._texts = words(language)

    def __call__(self, text: str, **values: Any) -> str:
        """Return an English text in this language, with its `{names}` filled."""
        shown = {key: Count(value) if isinstance(value, int) else value for key, value in values.items()}
        return self._texts.get(text, text).format(**shown)

    def told(self, sentence: str) -> str:
        """Return a sentence of the library in this language; one that nobody has translated stays English."""
        text = self.place(sentence)
        return text if len(text) > _LONGEST else _told(self.language, text)

    def place(self, where: Path | str) -> str:
        """Return a path, or a text with paths in it, as this reader may see it."""
        text = str(where)
        if self._hidden is None:
            return text
        above = str(self._hidden)
        return without_folders(text.replace(above + "/", "") if above != "/" else text)


@lru_cache(4096)
def _told(language: str, sentence: str) -> str:
    if (known := words(language).get(sentence)) is not None and "{" not in sentence:
        return known
    for pattern, places, other in sentences(language):
        if (match := pattern.fullmatch(sentence)) is not None:
            values = {
                name: _told(language, value) if places[name] == "told" else value
                for name, value in match.groupdict().items()
            }
            return other.format(**values)
    if _PARTS in sentence and sentences(language):
        return "；".join(_told(language, part) for part in sentence.split(_PARTS))
    return sentence


def language_of(request: Request) -> str:
    """Return the language that a reader chose, or else that of the browser."""
    for chosen in (request.query_params.get(LANGUAGE), request.cookies.get(LANGUAGE)):
        if chosen in LANGUAGES:
            return str(chosen)
    accepted = request.headers.get("accept-language", "")
    return "zh" if accepted.lower().startswith("zh") else "en"
