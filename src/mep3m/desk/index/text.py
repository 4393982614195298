"""Text as it is searched: pairs of Chinese characters, whole words of other scripts, whatever their case."""

from __future__ import annotations

import re
import unicodedata

#: Chinese, Japanese and Korean are written without spaces (or with spaces that searchers leave out)
_CLOSE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"([{_CLOSE}]+)|([^\\W_{_CLOSE}]+)")
#: words of a question that count; the rest of a longer one is passed over
MOST_WORDS = 32


def plain(text: str) -> str:
    """Return text in one case and width."""
    return unicodedata.normalize("NFKC", text).casefold()


def searchable(text: str) -> str:
    """Return the words by which a text is found, separated by spaces.

    Of a run of Chinese characters each pair is a word, and the last character: each begins one.
    """
    return " ".join(
        word
        for close, apart in _RUN.findall(plain(text))
        for word in ((close[i : i + 2] for i in range(len(close))) if close else (apart,))
    )


def question(text: str) -> str:
    """Return what a person typed as an FTS5 expression; '' where nothing of it can be searched for.

    All of it must occur, characters without spaces as they stand. Whatever was typed is text: words are
    letters and digits, and stand in quotes. The last word may go on, as it is being typed.
    """
    runs = _RUN.findall(plain(text))[:MOST_WORDS]
    asked = [
        _phrase(close) if close else f'"{apart}"' + ("*" if last and not text[-1:].isspace() else "")
        for (close, apart), last in zip(runs, [False] * (len(runs) - 1) + [True], strict=False)
    ]
    return " AND ".join(asked)


def _phrase(run: str) -> str:
    if len(run) == 1:
        return f'"{run}"*'
    pairs = [run[i : i + 2] for i in range(min(len(run) - 1, MOST_WORDS))]
    return f'"{" ".join(pairs)}"'
