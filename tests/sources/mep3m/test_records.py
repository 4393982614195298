"""Records of one huge array: found without parsing, those that a parser finds, wherever the cuts fall."""

import itertools
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError
from mep3m.sources.base import Part
from mep3m.sources.mep3m import records
from mep3m.sources.mep3m.records import (
    Block,
    Window,
    array_parts,
    beginning,
    parse_record,
    read_blocks,
    record_starts,
    split_record,
    without_commas,
)

#: texts that look like the beginning or the end of a record
TEXT = st.text(alphabet='ab茶 {}[]":,\\\n', max_size=12)
RECORD = st.dictionaries(
    st.sampled_from(["title", "OCR", "img_path", "n"]),
    TEXT | st.integers(0, 99) | st.lists(TEXT, max_size=2),
    min_size=1,
    max_size=3,
)
RECORDS = st.lists(RECORD, max_size=7)
INDENT = st.sampled_from([None, 1, 4])


def written(path: Path, values: list[Any], indent: int | None = None) -> Path:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=indent), encoding="utf-8")
    return path


@given(RECORDS, INDENT)
def test_every_record_is_found_where_it_begins(values: list[Any], indent: int | None) -> None:
    content = json.dumps(values, ensure_ascii=False, indent=indent).encode()
    starts = record_starts(content).tolist()
    assert len(starts) == len(values)
    edges = [*starts, len(content) - 1]
    pieces = [content[a:b].rstrip().rstrip(b",") for a, b in itertools.pairwise(edges)]
    assert [orjson.loads(piece) for piece in pieces] == values


@given(RECORDS, INDENT, st.integers(1, 200))
def test_parts_of_any_size_hold_every_record_once_and_say_its_number(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], indent: int | None, size: int
) -> None:
    path = written(tmp_path_factory.mktemp("r") / "a.json", values, indent)
    parts = list(array_parts(path, size))
    assert [part.line for part in parts[:1]] == ([1] if values else [])
    found, number = [], 1
    for part in parts:
        assert part.line == number
        for _, content in read_blocks(path, part):
            assert content is not None
            block = Block(content, number)
            for place, record in block.records():
                assert place == number
                found.append(orjson.loads(record))
                number += 1
    assert found == values
    assert all(left.stop == right.start for left, right in itertools.pairwise(parts))


@given(RECORDS, st.integers(1, 64))
def test_blocks_of_any_size_are_the_same_records(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], size: int
) -> None:
    path = written(tmp_path_factory.mktemp("r") / "a.json", values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", size)
        (part,) = list(array_parts(path, 10**6)) or [Part("a.json", 0, 0)]
        blocks = list(read_blocks(path, part))
    places = [place for place, _ in blocks]
    assert places == sorted(places)
    found = [record for _, content in blocks if content for _, record in Block(content, 1).records()]
    assert [orjson.loads(record) for record in found] == values


@given(RECORDS.filter(bool), INDENT)
def test_commas_between_records_become_line_breaks_and_no_other_comma_does(
    values: list[Any], indent: int | None
) -> None:
    content = json.dumps(values, ensure_ascii=False, indent=indent).encode()[1:-1].strip()
    found = without_commas(Block(content, 1))
    assert found is not None
    assert len(found) == len(content)
    changed = [place for place, (a, b) in enumerate(zip(content, found, strict=True)) if a != b]
    assert len(changed) == len(values) - 1
    assert all((content[place], found[place]) == (ord(","), ord("\n")) for place in changed)


def test_a_missing_comma_is_noticed() -> None:
    assert without_commas(Block(b'{"a": 1} {"b": 2}', 1)) is None
    assert without_commas(Block(b'{"a": 1},{"b": 2}', 1)) == b'{"a": 1}\n{"b": 2}'


@pytest.mark.parametrize(
    ("content", "pieces"),
    [
        (b'{"a": 1}', [b'{"a": 1}']),
        (b'{"a": 1}, 7', [b'{"a": 1}', b"7"]),
        (b'{"a": 1} "text", null', [b'{"a": 1}', b'"text"', b"null"]),
        (b'{"a": ', [b'{"a":']),
        (b'{"a": "\xff"} 7', [b'{"a": "\xff"} 7']),
    ],
)
def test_what_follows_a_record_and_is_none_is_a_piece_of_its_own(content: bytes, pieces: list[bytes]) -> None:
    assert [piece for _, piece in Block(content, 5).records()] == pieces
    assert {number for number, _ in Block(content, 5).records()} == {5}
    if pieces[0].endswith(b"}"):
        assert list(split_record(pieces[0])) == [pieces[0]]


def test_what_stands_before_the_first_record_has_its_number() -> None:
    assert list(Block(b'7, {"a": 1}, {"b": 2}', 3).records()) == [
        (3, b"7"),
        (3, b'{"a": 1}'),
        (4, b'{"b": 2}'),
    ]


def test_each_value_between_two_records_is_a_piece_of_its_own() -> None:
    content = b'{"a": 1}, "x, y", "z",\n3, [4], {"b": 2}'
    pieces = [b'{"a": 1}', b'"x, y"', b'"z"', b"3", b"[4]"]
    assert list(Block(content, 3).records()) == [*((3, piece) for piece in pieces), (4, b'{"b": 2}')]


def test_the_longest_record_is_measured() -> None:
    assert Block(b'{"a": 1},{"b": "xxxxxxxx"}', 1).longest == 17
    assert Block(b"", 1).longest == 0


@pytest.mark.parametrize(
    ("record", "value", "problem"),
    [
        (b'{"a": 1}', {"a": 1}, None),
        (b"[1]", None, "a JSON list, not an object"),
        (b"7", None, "a JSON int, not an object"),
        (b"{", None, "not JSON: "),
        (b'{"a": "\xff"}', None, "not JSON: "),
    ],
)
def test_a_record_is_an_object_or_a_reason(record: bytes, value: object, problem: str | None) -> None:
    found, reason = parse_record(record)
    assert found == value
    assert (reason or "").startswith(problem or "")
    assert (found is None) == (reason is not None)


@pytest.mark.parametrize("length", [200, 5000, 40_000])
def test_a_record_over_the_limit_is_skipped_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr(records, "RECORD_LIMIT", 100)
    monkeypatch.setattr(records, "BLOCK_BYTES", 64)
    values = [{"a": "first"}, {"a": "x" * length}, {"a": "last"}]
    path = written(tmp_path / "a.json", values)
    blocks = [pair for part in array_parts(path, 10**6) for pair in read_blocks(path, part)]
    skipped = [place for place, content in blocks if content is None]
    assert len(skipped) == 1
    assert beginning(path, skipped[0]).startswith(b'{"a": "xxxx')
    assert len(beginning(path, skipped[0])) <= 1000
    kept = [content for _, content in blocks if content is not None]
    assert [orjson.loads(record) for content in kept for _, record in Block(content, 1).records()] == [
        values[0],
        values[2],
    ]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_a_window_shows_every_byte_once(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, size: int
) -> None:
    path = tmp_path_factory.mktemp("w") / "a"
    path.write_bytes(content)
    with path.open("rb") as file:
        window = Window(file, size, None)
        shown, last = bytearray(), False
        while not last:
            last = window.more()
            half = window.held // 2
            shown += window.buffer[:half]
            window.drop(half)
        shown += window.buffer[: window.held]
    assert shown == content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ('{"a": 1}', "is not a JSON array; for one object a line use --format jsonl"),
        ("<html>", "does not begin with '\\['"),
        ("[1, 2, 3]", "holds no record: none of the items of its array is an object"),
    ],
)
def test_a_file_that_is_no_array_of_records_says_what_it_is(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        list(array_parts(path, 100))


def test_an_empty_array_has_no_parts(tmp_path: Path) -> None:
    for text in ("[]", " [ ] ", "[\n]\n"):
        (tmp_path / "a.json").write_text(text)
        assert list(array_parts(tmp_path / "a.json", 100)) == []
