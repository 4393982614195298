"""The records of one huge JSON array, found without parsing it, so that it can be read in pieces.

Records are objects without objects inside (lists of plain values may be). A record begins at a
``{`` that a key follows. Inside a JSON string an unescaped quote ends the string, and a comma,
colon or bracket follows it, so a text that looks like a beginning is told from a real one by the
character after the quote. That needs no state, so reading can begin anywhere.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import orjson
from numpy.typing import NDArray

from mep3m.errors import FormatError
from mep3m.sources.base import Part
from mep3m.sources.lines import open_bytes

#: bytes that are read and parsed at once: memory of this size is used again, more goes back to the system
BLOCK_BYTES = 4 * 2**20
#: bytes of one record; a longer one is refused and its bytes are skipped, never held
RECORD_LIMIT = 8 * 2**20
#: bytes compared at once: small enough to stay in the processor's cache, 16 times faster than all
SCAN_BYTES = 2**18

_SPACE = np.isin(np.arange(256), list(b" \t\r\n"))
_NO_KEY = np.isin(np.arange(256), list(b" \t\r\n,:}]"))


@dataclass(frozen=True)
class Block:
    """Whole records with what lies between them; record i begins at `starts[i]` of `content`.

    A record that was too long comes alone, with only its beginning and `too_long` set.
    """

    content: bytes
    number: int
    starts: NDArray[np.int64] = field(repr=False)
    too_long: bool = False

    @property
    def longest(self) -> int:
        """The bytes of the longest record."""
        return int(np.diff(self.starts, append=len(self.content)).max())

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Yield (number, bytes) of each record, broken ones included.

        What stands between two records and is none comes after the first, under its number.
        """
        ends = [*self.starts[1:].tolist(), len(self.content)]
        for offset, (start, end) in enumerate(zip(self.starts.tolist(), ends, strict=True)):
            record = self.content[start:end].rstrip().rstrip(b",").rstrip()
            for piece in (record,) if record.endswith(b"}") else split_record(record):
                yield self.number + offset, piece


def split_record(content: bytes) -> tuple[bytes, ...]:
    """Return the record that `content` begins with and what follows it; all of it if that is broken."""
    try:
        text = content.decode()
        end = json.JSONDecoder().raw_decode(text)[1]
    except ValueError:  # not UTF-8, or no whole record
        return (content,)
    rest = text[end:].strip().strip(",").strip()
    return tuple(piece.encode() for piece in (text[:end], rest) if piece)


def record_starts(content: bytes) -> NDArray[np.int64]:
    """Return the places where records begin: each ``{`` before a quote before the text of a key."""
    data = np.frombuffer(content, np.uint8)
    found = [
        np.flatnonzero(data[i : i + SCAN_BYTES] == ord("{")) + i for i in range(0, len(data), SCAN_BYTES)
    ]
    braces = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
    last = len(data) - 1
    quote = np.minimum(braces + 1, last)
    while (space := _SPACE[data[quote]] & (quote < last)).any():
        quote = quote + space
    key = np.minimum(quote + 1, last)
    return np.asarray(braces[(data[quote] == ord('"')) & ~_NO_KEY[data[key]]], dtype=np.int64)


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
    for length, content, starts in _blocks(path, Part(path.name, start), min(size, BLOCK_BYTES)):
        stop += length
        following += 1 if content is None else len(starts)
        if stop - start >= size and following > number:
            yield Part(path.name, start, stop, number)
            start, number = stop, following
    if following > number:
        yield Part(path.name, start, stop, number)


def read_blocks(path: Path, part: Part) -> Iterator[Block]:
    """Yield the records of one part in blocks of about `BLOCK_BYTES`."""
    number, position = part.line, part.start
    for length, content, starts in _blocks(path, part, BLOCK_BYTES):
        if content is None:
            with open_bytes(path) as file:
                file.seek(position)
                yield Block(file.read(1000), number, np.zeros(1, dtype=np.int64), too_long=True)
        elif len(starts):
            yield Block(content.rstrip().removesuffix(b","), number, starts)
        number += 1 if content is None else len(starts)
        position += length


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
    broken = sum(1 for line in lines if not _is_utf8(line))
    if broken * 2 > len(lines) and len(lines) > 1:
        raise FormatError(f"{path} is not UTF-8 ({broken} of {len(lines)} lines fail); convert it first")
    return len(head) - len(body) + 1


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass
class Window:
    """Reads a byte range of a file in pieces of `size` and says when the range ends."""

    file: IO[bytes]
    size: int
    left: int | None

    def next(self) -> tuple[bytes, bool]:
        """Return the next piece, and whether it is the last one."""
        wanted = self.size if self.left is None else min(self.size, self.left)
        piece = self.file.read(wanted)
        while len(piece) < wanted and (more := self.file.read(wanted - len(piece))):
            piece += more
        self.left = None if self.left is None else self.left - len(piece)
        return piece, len(piece) < self.size or self.left == 0


def _blocks(path: Path, part: Part, size: int) -> Iterator[tuple[int, bytes | None, NDArray[np.int64]]]:
    """Yield (length, bytes, starts) of runs of whole records; one over the limit comes without bytes."""
    with open_bytes(path) as file:
        file.seek(part.start)
        window = Window(file, size, part.stop - part.start if part.stop >= 0 else None)
        rest, ended = b"", False
        while not ended:
            piece, ended = window.next()
            rest += piece
            if ended:
                break
            starts = record_starts(rest)
            if len(starts) > 1:
                cut = int(starts[-1])
                yield cut, rest[:cut], starts[:-1]
                rest = rest[cut:]
            elif len(rest) > RECORD_LIMIT:
                skipped, rest, ended = _skip_record(window, rest)
                yield skipped, None, starts
        if rest:
            yield len(rest), _without_bracket(rest), record_starts(rest)


def _without_bracket(content: bytes) -> bytes:
    """Leave out the bracket that closes the array; a file that was cut off has none."""
    body = content.rstrip()
    return body[:-1] if body.endswith(b"]") and body[:-1].rstrip().endswith(b"}") else content


def _skip_record(window: Window, rest: bytes) -> tuple[int, bytes, bool]:
    """Read on to the next record without keeping what lies before it."""
    skipped, first, ended = 0, 1, False
    while True:
        starts = record_starts(rest)
        starts = starts[starts >= first]
        if len(starts):
            return skipped + int(starts[0]), rest[int(starts[0]) :], ended
        if ended:
            return skipped + len(rest), b"", True
        skipped += len(rest) - 64  # a beginning may lie across two pieces
        piece, ended = window.next()
        rest, first = rest[-64:] + piece, 0
