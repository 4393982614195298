"""Tesseract's words become lines: joined as each script is written, placed where they stand."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import MissingExtraError
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.cache import reader_fingerprint
from mep3m.stages.ocr.lines import TextLine
from mep3m.stages.ocr.tesseract import TesseractBackend

NAMES = ["level", "block_num", "par_num", "line_num", "left", "top", "width", "height", "conf", "text"]
PROGRAM = """#!{python}
import sys
if "--list-langs" in sys.argv:
    print("List of available languages (2):\\nchi_sim\\neng")
    sys.exit()
{body}
"""


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> TesseractBackend:
    """Return a backend over a program that answers with `body`, and is called tesseract."""
    path = folder / "tesseract"
    path.write_text(PROGRAM.format(python=sys.executable, body=body))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return TesseractBackend(OcrSettings(backend="tesseract"))


def table(*words: tuple[int, str, int]) -> str:
    """Return a TSV of words as (number of the line, text, confidence), each 10 pixels wide."""
    rows = [NAMES]
    for place, (line, text, sure) in enumerate(words):
        rows.append(list(map(str, [5, 1, 1, line, 10 * place, 20 * line, 10, 15, sure, text])))
    return "\n".join("\t".join(row) for row in rows) + "\n"


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TesseractBackend:
    return program(tmp_path, monkeypatch, "")


def test_words_of_one_line_are_joined_and_measured_together(backend: TesseractBackend) -> None:
    (line,) = backend._lines(table((1, "green", 90), (1, "tea", 70)))
    assert (line.text, line.confidence) == ("green tea", 0.8)
    assert line.polygon == ((0, 20), (20, 20), (20, 35), (0, 35))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["红", "茶"], "红茶"),
        (["green", "tea"], "green tea"),
        (["红茶", "500g"], "红茶500g"),
        (["500g", "红茶"], "500g红茶"),
        (["A", "红", "B", "C"], "A红B C"),
    ],
)
def test_a_space_stands_between_latin_words_only(
    backend: TesseractBackend, words: list[str], text: str
) -> None:
    (line,) = backend._lines(table(*((1, word, 90) for word in words)))
    assert line.text == text


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.sampled_from(["茶", "tea", " ", "", '"quoted', "a\\b"])), max_size=8
    )
)
def test_every_word_stands_in_one_line_of_its_number(words: list[tuple[int, str]]) -> None:
    backend = TesseractBackend.__new__(TesseractBackend)
    words = sorted(words, key=lambda word: word[0])
    found: list[TextLine] = backend._lines(table(*((line, text, 50) for line, text in words)))
    expected: dict[int, str] = {}
    for line, text in words:
        if text.strip():
            before = expected.get(line, "")
            gap = " " if before and before[-1].isascii() and text[0].isascii() else ""
            expected[line] = before + gap + text
    assert [line.text for line in found] == list(expected.values())


def test_rows_that_are_no_words_are_left_out(backend: TesseractBackend) -> None:
    page = "\t".join(["1", "1", "0", "0", "0", "0", "99", "99", "-1", ""])
    assert backend._lines("\t".join(NAMES) + "\n" + page + "\n") == []
    assert backend._lines("\t".join(NAMES) + "\n") == []


def test_the_program_gets_the_picture_and_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = """
import os
head = sys.stdin.buffer.read().split(None, 4)
names = "level block_num par_num line_num left top width height conf text".split()
print(chr(9).join(names))
said = b"x".join(head[1:3]).decode() + os.environ["OMP_THREAD_LIMIT"]
print(chr(9).join("5 1 1 1 0 0 9 9 90".split() + [said]))
"""
    backend = program(tmp_path, monkeypatch, body)
    pictures = [np.zeros((4, 7, 3), np.uint8), np.zeros((5, 6, 3), np.uint8)]
    assert [[line.text for line in lines] for lines in backend.read(pictures)] == [["7x41"], ["6x51"]]
    assert backend.read([]) == []


def test_a_program_that_fails_says_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = program(tmp_path, monkeypatch, 'sys.exit("Image too small to scale!!")')
    with pytest.raises(RuntimeError, match="tesseract failed: Image too small to scale!!"):
        backend.read([np.zeros((4, 4, 3), np.uint8)])


def test_a_program_without_chinese_is_an_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tesseract"
    path.write_text("#!/bin/sh\necho eng\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(
        MissingExtraError, match=r"tesseract lacks chi_sim\+eng. Install it with: apt-get install"
    ):
        TesseractBackend(OcrSettings(backend="tesseract"))


def test_the_version_is_the_program_s_and_that_of_its_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = OcrSettings(backend="tesseract")
    answer = """
if "--version" in sys.argv:
    print("tesseract {}")
    sys.exit()
"""
    seen = {reader_fingerprint(settings)}
    for number in ("5.3.0", "5.4.0"):
        backend = program(tmp_path, monkeypatch, answer.format(number))
        assert backend.version(settings).startswith(f"tesseract {number}")
        seen.add(reader_fingerprint(settings))
    assert len(seen) == 3
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    seen.add(reader_fingerprint(settings))  # missing: said when it is to read
    assert len(seen) == 4
