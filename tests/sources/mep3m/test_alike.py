"""Records read by their pieces are the records that a parser reads, or they are not read so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mep3m.errors import FormatError
from mep3m.sources.mep3m import annotations as mep3m
from mep3m.sources.mep3m import records
from mep3m.sources.mep3m.alike import find_layout, find_places, read_alike
from mep3m.store.rejects import Reject
from tests.sources.mep3m.test_annotations import read, record

TEXTS = ("img_path", "title", "OCR")
#: everything that means something in JSON, white space that only Unicode knows, and what is not ASCII
nasty = st.text(st.sampled_from('{}[]",:\\/ \n\tan茶\u3000\xa0😀\x7f'), max_size=12)
title = nasty | st.sampled_from(['x"}, {"', 'x },{ "a": 1', '{"', "FALSE", "\\", '\\"'])
fields = st.fixed_dictionaries(
    {
        "title": title,
        "OCR": title,
        "img_path": st.sampled_from(["Images/1/2.jpg", "FALSE", "a/b.PNG"]) | title,
    },
    optional={
        "sub_class_name": title,
        "class_id": st.sampled_from(["7", "8", "FALSE", ""]),
        "img_resolution": st.lists(st.integers(0, 9), max_size=4),
    },
)
many = st.lists(fields.map(lambda given: record(1, **given)), min_size=1, max_size=9)
styles = st.sampled_from([{}, {"indent": 4}, {"separators": (",", ":")}, {"indent": 1, "sort_keys": True}])


@contextmanager
def only_by_parsing() -> Iterator[None]:
    with (
        patch.object(mep3m, "read_alike", lambda *_: None),
        patch.object(mep3m, "_parse_fast", lambda _: None),
    ):
        yield


def both(path: Path, part_bytes: int, block: int) -> tuple[Any, Any]:
    """Read a file with the ways that are fast where they can be, and record by record."""
    with patch.object(records, "BLOCK_BYTES", block):
        found = read(path, part_bytes)
        with only_by_parsing():
            return found, read(path, part_bytes)


def same(left: tuple[pa.Table, list[Reject]], right: tuple[pa.Table, list[Reject]]) -> bool:
    return left[0].to_pylist() == right[0].to_pylist() and left[1] == right[1]


@settings(max_examples=150, deadline=None)
@given(many, styles, st.booleans(), st.integers(1, 3000), st.integers(50, 3000))
def test_any_records_cut_anywhere_are_those_that_a_parser_reads(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    style: dict[str, Any],
    ascii_only: bool,
    part_bytes: int,
    block: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(rows, ensure_ascii=ascii_only, **style), encoding="utf-8")
    fast, slow = both(path, part_bytes, block)
    assert same(fast, slow)
    assert slow[1] == []
    assert slow[0]["line"].to_pylist() == list(range(1, len(rows) + 1))
    assert [text or "" for text in slow[0]["title"].to_pylist()] == [row["title"].strip() for row in rows]


@settings(max_examples=300, deadline=None)
@given(
    many,
    styles,
    st.floats(0, 1),
    st.integers(0, 6),
    st.sampled_from([b"", b'"', b"\\", b"{", b"}", b",", b"\xff", b"\n", b"17,", b'{"a": 1},', b"]", b":"]),
)
def test_damaged_records_are_refused_as_a_parser_refuses_them(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    style: dict[str, Any],
    place: float,
    deleted: int,
    inserted: bytes,
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    text = json.dumps(rows, ensure_ascii=False, **style).encode()
    at = 1 + int(place * (len(text) - 2))
    path.write_bytes(text[:at] + inserted + text[at + deleted :])
    if not len(records.record_starts(path.read_bytes())):
        with pytest.raises(FormatError, match=r"not a JSON array|does not begin|holds no record"):
            read(path)
        return
    with patch.object(mep3m, "_parse_fast", lambda _: None):
        fast, slow = both(path, 2**20, 2**20)
    assert same(fast, slow)


def content(rows: list[dict[str, Any]], **style: Any) -> bytes:
    return json.dumps(rows, ensure_ascii=False, **style).encode()[1:-1]


@pytest.mark.parametrize("style", [{}, {"indent": 4}, {"separators": (",", ":")}])
def test_records_of_one_program_are_read_by_their_pieces(style: dict[str, Any]) -> None:
    rows = [
        record(i, class_id=str(i % 2), title=f'"{i}" \\ 茶' if i % 7 == 0 else f"茶 {i}") for i in range(50)
    ]
    found = read_alike(content(rows, **style), TEXTS)
    assert found is not None
    assert {name: column.to_pylist() for name, column in found.texts.items()} == {
        name: [row[name] for row in rows] for name in TEXTS
    }
    assert [
        found.shared[code] | {n: row[n] for n in TEXTS} for code, row in zip(found.codes, rows, strict=True)
    ] == rows
    assert len(found.shared) <= 3


@pytest.mark.parametrize(
    "odd",
    [
        {"OCR": None},
        {"OCR": False},
        {"more": "text"},
        {"class_id": {"a": "b"}},
        {"title": "\ud800"},
        {"img_resolution": [[1], {"a": 2}]},
    ],
)
def test_one_record_that_is_written_otherwise_leaves_all_to_the_parser(odd: dict[str, Any]) -> None:
    rows = [record(0), record(1, **odd), record(2)]
    written = json.dumps(rows).encode()[1:-1]
    assert read_alike(content([rows[0], rows[2]]), TEXTS) is not None
    assert read_alike(written, TEXTS) is None


def test_pieces_that_all_differ_are_left_to_the_parser() -> None:
    rows = [{"price": i, **record(i)} for i in range(200)]
    assert read_alike(content(rows), TEXTS) is None
    assert read_alike(content([row | {"price": i % 5} for i, row in enumerate(rows)]), TEXTS) is not None


def test_fields_after_the_last_text_are_left_to_the_parser() -> None:
    """They would stand in one piece with the first fields of the next record."""
    assert read_alike(content([record(i) | {"price": 3} for i in range(3)]), TEXTS) is None


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"17",
        b"{",
        b"{}",
        b'{"title": "x"}',
        b'{"title": "x", "OCR": "y", "img_path": 3}',
        b'{" title": "x", "OCR": "y", "img_path": "z", "title": "t"}',
        b'{"title": "x", "OCR": "y", "img_path": "z", "title": "t"}',
    ],
)
def test_a_first_record_without_the_texts_has_no_layout(head: bytes) -> None:
    assert find_layout(head, TEXTS) is None


@given(st.binary(max_size=300))
@example(b"")
def test_places_are_those_of_the_byte(data: bytes) -> None:
    with patch("mep3m.sources.mep3m.alike.SCAN_BYTES", 7):
        assert find_places(data, '"').tolist() == [i for i, byte in enumerate(data) if byte == ord('"')]


@given(st.lists(st.sampled_from([b'{"a":1}', b"{", b'{"', b" ", b'"x', b"},", b'{  "b"']), max_size=8))
def test_the_last_start_is_the_last_of_all_starts(parts: list[bytes]) -> None:
    data = bytearray(b"".join(parts))
    starts = records.record_starts(data).tolist()
    with patch.object(records, "TAIL_BYTES", 2):
        last = records.last_start(data, len(data))
    # near the end of what is looked at a start may be found that more bytes would deny, never the other way
    assert last == (starts[-1] if starts else 0)


def test_a_brace_at_the_end_of_a_text_is_no_start_where_the_block_ends_behind_its_quote() -> None:
    """The character after the quote decides, and it has not been read yet."""
    assert records.record_starts(b'{"OCR": "x {"').tolist() == [0]
    assert np.array_equal(records.record_starts(b'{"a'), [0])
