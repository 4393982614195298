"""The records of one huge JSON array, found without parsing it, so that it can be read in pieces.

Records are objects without objects inside (lists of plain values may be). A record begins at a
``{`` that a key follows. Inside a JSON string an unescaped quote ends the string, and a comma,
colon or bracket follows it, so a text that looks like a beginning is told from a real one by the
character after the quote. That needs no state, so reading can begin anywhere.
"""

from __future__ import annotations

import codecs
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np
import orjson
from numpy.typing import NDArray

from mep3m.errors import FormatError
from mep3m.sources.base import Part
from mep3m.sources.encodings import decodes
from mep3m.sources.lines import open_bytes
from mep3m.sources.mep3m.alike import find_places

#: bytes that are read and parsed at once: memory of this size is used again, more goes back to the system
BLOCK_BYTES = 4 * 2**20
#: bytes of one record; a longer one is refused and its bytes are skipped, never held
RECORD_LIMIT = 8 * 2**20
#: bytes at the end of a block in which the last record's beginning is looked for first
TAIL_BYTES = 2**14

_SPACE = np.isin(np.arange(256), list(b" \t\r\n"))
_NO_KEY = np.isin(np.arange(256), list(b" \t\r\n,:}]"))


@dataclass(frozen=True)
class Block:
    """Whole records with what lies between them; the first one has the number `number`.

    A record that was too long comes alone, with only its beginning and `too_long` set.
    """

    content: bytes
    number: int
    too_long: bool = False

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The places in `content` where records begin."""
        return np.zeros(1, dtype=np.int64) if self.too_long else record_starts(self.content)

    @property
    def longest(self) -> int:
        """The bytes of the longest record."""
        return int(np.diff(self.starts, append=len(self.content)).max(initial=0))

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Yield (number, bytes) of each record, broken ones included.

        What stands between two records and is none comes after the first, under its number; what stands
        before the first one comes under the number of the first.
        """
        edges = [*self.starts.tolist(), len(self.content)]
        if before := self.content[: edges[0]].strip().strip(b",").strip():
            yield self.number, before
        for offset, (start, end) in enumerate(itertools.pairwise(edges)):
            record = self.content[start:end].rstrip().rstrip(b",").rstrip()
            for piece in (record,) if record.endswith(b"}") else split_record(record):
                yield self.number + offset, piece


def split_record(content: bytes) -> Iterator[bytes]:
    """Yield the record that `content` begins with and each value that follows it, broken ones whole."""
    rest = content
    while rest:
        try:
            text = rest.decode()
            end = json.JSONDecoder().raw_decode(text)[1]
        except ValueError:  # not UTF-8, or no whole value
            yield rest
            return
        yield text[:end].encode()
        rest = text[end:].strip().lstrip(",").lstrip().encode()


def record_starts(content: bytes | bytearray | memoryview) -> NDArray[np.int64]:
    """Return the places where records begin: each ``{`` before a quote before the text of a key."""
    data = np.frombuffer(content, np.uint8)
    braces = find_places(content, "{")
    last = len(data) - 1
    quote = np.minimum(braces + 1, last)
    while (space := _SPACE[data[quote]] & (quote < last)).any():
        quote = quote + space
    key = np.minimum(quote + 1, last)
    is_start = (data[quote] == ord('"')) & (quote < last) & ~_NO_KEY[data[key]]
    return np.asarray(braces[is_start], dtype=np.int64)


def last_start(content: bytearray, stop: int) -> int:
    """Return where the last record before `stop` begins, 0 where that is the first one or there is none."""
    size = TAIL_BYTES
    while True:
        begin = max(stop - size, 0)
        with memoryview(content) as view:
            starts = record_starts(view[begin:stop])
        if len(starts) or not begin:
            return begin + int(starts[-1]) if len(starts) else 0
        size *= 8


def without_commas(block: Block) -> bytearray | None:
    """Return the content with a line break for each comma between records, or `None` if one is missing."""
    content = bytearray(block.content)
    data = np.frombuffer(content, np.uint8)
    comma = block.starts[1:] - 1
    while (space := _SPACE[data[comma]]).any():
        comma = comma - space
    if not (data[comma] == ord(",")).all():
        return None
    data[comma] = ord("\n")
    return content


def array_parts(path: Path, size: int) -> Iterator[Part]:
    """Yield byte ranges of whole records, about `size` bytes each, with the first record's number.

    Raises:
        FormatError: the file is empty or not a JSON array in UTF-8.
    """
    start, number = _array_start(path), 1
    stop, following = start, number
    for length, content in _runs(path, Part(path.name, start), min(size, BLOCK_BYTES)):
        stop += length
        following += 1 if content is None else len(record_starts(content))
        if stop - start >= size and following > number:
            yield Part(path.name, start, stop, number)
            start, number = stop, following
    if following > number:
        yield Part(path.name, start, stop, number)
    elif start == _array_start(path) and _has_items(path, start):
        raise FormatError(f"{path} holds no record: none of the items of its array is an object")


def _has_items(path: Path, start: int) -> bool:
    with open_bytes(path) as file:
        file.seek(start)
        return file.read(2**20).strip() not in (b"", b"]")


def read_blocks(path: Path, part: Part) -> Iterator[tuple[int, bytes | None]]:
    """Yield (place in the file, bytes) of runs of whole records, about `BLOCK_BYTES` each, in order.

    A record over the limit comes alone, without bytes (see `beginning`).
    """
    position = part.start
    for length, content in _runs(path, part, BLOCK_BYTES):
        yield position, content if content is None else bytes(content)
        position += length


def beginning(path: Path, position: int) -> bytes:
    """Return the first 1,000 bytes of a record that is too long to be held."""
    with open_bytes(path) as file:
        file.seek(position)
        return file.read(1000)


def parse_record(record: bytes) -> tuple[dict[str, object], None] | tuple[None, str]:
    """Return the record, or `None` and the reason why it is none."""
    try:
        value = orjson.loads(record)
    except orjson.JSONDecodeError as error:
        return None, f"not JSON: {error}"
    if not isinstance(value, dict):
        return None, f"a JSON {type(value).__name__}, not an object"
    return value, None


def _array_start(path: Path) -> int:
    with open_bytes(path) as file:
        head = file.read(2**20)
    mark = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    body = head[mark:].lstrip()
    if not body:
        raise FormatError(f"{path} is empty")
    if body.startswith(b"{"):
        raise FormatError(f"{path} is not a JSON array; for one object a line use --format jsonl")
    if not body.startswith(b"["):
        raise FormatError(f"{path} does not begin with '[': it is not a JSON array")
    lines = [line for line in body.split(b"\n")[:-1] if not line.isascii()]
    broken = sum(1 for line in lines if not decodes(line))
    if broken * 2 > len(lines) and len(lines) > 1:
        raise FormatError(f"{path} is not UTF-8 ({broken} of {len(lines)} lines fail); convert it first")
    return len(head) - len(body) + 1


@dataclass
class Window:
    """A byte range of a file in pieces of `size`; one buffer holds what is being looked at."""

    file: IO[bytes]
    size: int
    left: int | None

    def __post_init__(self) -> None:
        self.buffer = bytearray(self.size + TAIL_BYTES)
        self.held = 0

    def more(self) -> bool:
        """Read the next piece behind what is held; return whether it was the last one."""
        wanted = self.size if self.left is None else min(self.size, self.left)
        if len(self.buffer) < self.held + wanted:
            self.buffer += bytes(self.held + wanted - len(self.buffer))
        got = 0
        with memoryview(self.buffer) as view:
            while got < wanted and (
                count := _read_into(self.file, view[self.held + got : self.held + wanted])
            ):
                got += count
        self.held += got
        self.left = None if self.left is None else self.left - got
        return got < self.size or self.left == 0

    def drop(self, count: int) -> None:
        """Let go of the first bytes that are held."""
        self.buffer[: self.held - count] = self.buffer[count : self.held]
        self.held -= count


def _read_into(file: IO[bytes], view: memoryview) -> int:
    return file.readinto(view)  # type: ignore[attr-defined, no-any-return]


def _runs(path: Path, part: Part, size: int) -> Iterator[tuple[int, memoryview | None]]:
    """Yield (length, bytes) of runs of whole records, without the comma at their end; see `read_blocks`.

    The bytes are there until the next step.
    """
    with open_bytes(path) as file:
        file.seek(part.start)
        yield from _cut(Window(file, size, part.stop - part.start if part.stop >= 0 else None))


def _cut(window: Window) -> Iterator[tuple[int, memoryview | None]]:
    ended = False
    while not ended and not window.more():
        if cut := last_start(window.buffer, window.held):
            with memoryview(window.buffer) as view, view[: _end(window.buffer, cut)] as run:
                yield cut, run
            window.drop(cut)
        elif window.held > RECORD_LIMIT:
            skipped, ended = _skip_record(window)
            yield skipped, None
    if window.held:
        stop = _without_bracket(window.buffer, window.held)
        with memoryview(window.buffer) as view, view[: _end(window.buffer, stop)] as run:
            yield window.held, run


def _end(content: bytearray, stop: int) -> int:
    """Return where the last record before `stop` ends, without the comma and the white space after it."""
    stop = _stripped(content, stop)
    return stop - (content[stop - 1 : stop] == b",")


def _stripped(content: bytearray, stop: int) -> int:
    while stop and content[stop - 1] in b" \t\r\n":
        stop -= 1
    return stop


def _without_bracket(content: bytearray, stop: int) -> int:
    """Return where the array's last record ends: the bracket is left out; a file cut off has none."""
    end = _stripped(content, stop) - 1
    inner = _stripped(content, max(end, 0))
    return end if content[end : end + 1] == b"]" and content[inner - 1 : inner] == b"}" else stop


def _skip_record(window: Window) -> tuple[int, bool]:
    """Read on to the next record without keeping it; return the bytes skipped, and if all was read."""
    skipped, first, ended = 0, 1, False
    while True:
        with memoryview(window.buffer) as view:
            starts = record_starts(view[: window.held])
        starts = starts[starts >= first]
        if len(starts) or ended:
            dropped = int(starts[0]) if len(starts) else window.held
            window.drop(dropped)
            return skipped + dropped, ended
        skipped += window.held - 64  # a beginning may lie across two pieces
        window.drop(window.held - 64)
        first, ended = 0, window.more()
