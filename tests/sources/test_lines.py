"""Lines in bounded memory, and the encoding they are written in."""

import codecs
import gzip
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mep3m.errors import FormatError, NotFoundError, SettingsError
from mep3m.sources import lines
from mep3m.sources.encodings import wide_encoding
from mep3m.sources.lines import check_encoding, detect_encoding, open_bytes, read_lines
from tests.sources.texts import SIMPLIFIED, is_utf8

CONTENT = st.lists(
    st.binary(max_size=12).map(lambda piece: piece.replace(b"\n", b"").replace(b"\r", b"")), max_size=8
)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@given(CONTENT, st.booleans(), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_lines_are_those_that_splitting_gives(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], ended: bool, ending: bytes, zipped: bool
) -> None:
    content = ending.join(pieces) + (ending if ended else b"")
    # a mark of UTF-16 or UTF-32 makes other bytes of the whole file
    assume(not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)))
    path = tmp_path_factory.mktemp("l") / ("a.csv.gz" if zipped else "a.csv")
    written(path, gzip.compress(content) if zipped else content)
    found = list(read_lines(path))
    expected = content.split(b"\n")
    if expected[-1] == b"":
        expected = expected[:-1]
    expected = [line.rstrip(b"\r\n") for line in expected]
    if expected:
        expected[0] = expected[0].removeprefix(codecs.BOM_UTF8)
    assert [line.content for line in found] == expected
    assert [line.number for line in found] == list(range(1, len(expected) + 1))


@given(CONTENT, st.data())
def test_parts_that_meet_at_line_starts_hold_every_line_once(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], data: st.DataObject
) -> None:
    content = b"".join(piece + b"\n" for piece in pieces)
    assume(not wide_encoding(content[:4]))  # places in UTF-16 are those of the text as UTF-8
    path = written(tmp_path_factory.mktemp("l") / "a.tsv", content)
    starts = [0, *(place + 1 for place, byte in enumerate(content) if byte == 10)]
    cut = data.draw(st.sampled_from(starts))
    before = list(read_lines(path, 0, cut))
    after = list(read_lines(path, cut, number=len(before) + 1))
    assert [*before, *after] == list(read_lines(path)) or content.startswith(codecs.BOM_UTF8)


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", codecs.BOM_UTF8 + b"id\n" + codecs.BOM_UTF8 + b"1\n")
    assert [line.content for line in read_lines(path)] == [b"id", codecs.BOM_UTF8 + b"1"]


@pytest.mark.parametrize("length", [9, 10, 11, 12, 25, 1000])
def test_a_line_over_the_limit_keeps_its_beginning_and_the_next_line_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 10)
    path = written(tmp_path / "a.csv", b"a\n" + b"x" * length + b"\nb\n")
    first, second, third = read_lines(path)
    assert (first.content, third.content, third.number) == (b"a", b"b", 3)
    assert second.problem == ("the line is longer than 10 bytes" if length > 10 else None)
    assert second.content == b"x" * min(length, 11)


def test_a_damaged_gzip_ends_with_what_is_wrong(tmp_path: Path) -> None:
    content = gzip.compress(b"".join(b"%d,x\n" % n for n in range(20_000)))
    path = written(tmp_path / "a.csv.gz", content[: len(content) // 2])
    found = list(read_lines(path))
    assert len(found) > 100
    assert [line for line in found if line.problem] == [found[-1]]
    assert str(found[-1].problem).startswith("the .gz file is damaged from here on: ")


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no\.csv does not exist"):
        open_bytes(tmp_path / "no.csv")
    with pytest.raises(FormatError, match="is a folder; name the file in it"):
        open_bytes(tmp_path)


#: names as shops write them: random characters are no Chinese, and not taken for it
CHINESE = st.lists(st.sampled_from(SIMPLIFIED), min_size=1, max_size=3).map(" ".join)


@given(st.lists(CHINESE, min_size=3, max_size=20), st.sampled_from(["utf-8", "gb18030"]))
def test_the_encoding_is_the_one_it_was_written_in(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], encoding: str
) -> None:
    content = "\n".join(texts).encode(encoding)
    if encoding == "gb18030":  # a text that happens to be both is UTF-8
        readable = sum(is_utf8(text.encode(encoding)) for text in texts)
        if readable * 2 >= len(texts):
            return
    path = written(tmp_path_factory.mktemp("e") / "a.csv", content)
    assert detect_encoding(path) == encoding


def test_ascii_alone_and_nothing_at_all_are_utf_8(tmp_path: Path) -> None:
    assert detect_encoding(written(tmp_path / "a.csv", b"id,title\n1,tea\n")) == "utf-8"
    assert detect_encoding(written(tmp_path / "b.csv", b"")) == "utf-8"


def test_one_bad_line_does_not_change_the_encoding(tmp_path: Path) -> None:
    content = "茶\n米\n酒\n".encode() + "茶".encode("gb18030") + b"\n"
    assert detect_encoding(written(tmp_path / "a.csv", content)) == "utf-8"


def test_few_lines_that_are_nothing_are_refused_line_by_line_and_many_at_once(tmp_path: Path) -> None:
    line = b"\xff\xff\xff\n"
    assert detect_encoding(written(tmp_path / "a.csv", line * 2)) == "utf-8"
    with pytest.raises(
        FormatError, match=r"is not UTF-8 \(5 of 5 lines fail\) and does not read as Chinese .* --encoding"
    ):
        detect_encoding(written(tmp_path / "b.csv", line * 5))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,title\n".encode("utf-16-le"), "looks like UTF-16 without a byte order mark; save it as UTF-8"),
        ("id,title\n".encode("utf-16-be"), "looks like UTF-16 without a byte order mark"),
        (bytes(100), "is a binary file, not text"),
        (b"\xef\xbb\xbf<!doctype HTML><p>a,b", "is a web page .*, not a table"),
        (b"\n <html>\n", "is a web page .*, not a table"),
        (b'<?xml version="1.0"?><rss/>', "is XML, not a table; for a Merchant feed write --format merchant"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        detect_encoding(written(tmp_path / "a.csv", content))


@pytest.mark.parametrize("name", ["utf-8", "gb18030", "big5", "latin-1", "utf-8-sig", "shift_jis"])
def test_encodings_whose_line_break_is_one_byte_are_allowed(name: str) -> None:
    assert check_encoding(name) == name


def test_other_encodings_say_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"encoding 'klingon' is unknown; use utf-8, gb18030, big5"):
        check_encoding("klingon")
    for name in ("utf-16", "utf-16-be", "utf-16-le", "utf-32"):
        with pytest.raises(
            SettingsError, match=f"encoding '{name}' is not supported; a file that begins with"
        ):
            check_encoding(name)
