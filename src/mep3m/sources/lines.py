"""Lines of a text file with bounded memory, and the encoding they are written in."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mep3m.errors import FormatError, NotFoundError, SettingsError

#: bytes of one line; a longer line is refused and its bytes are skipped, never held
LINE_LIMIT = 8 * 2**20
#: non-ASCII lines that decide the encoding
SAMPLE_LINES = 2000
ENCODINGS = ("utf-8", "gb18030")
GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)

_FOREIGN_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


@dataclass(frozen=True, slots=True)
class FileLine:
    """One line without its line break; a line with a `problem` carries only its beginning."""

    number: int
    content: bytes
    problem: str | None = None


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacking `.gz` on the way.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is a folder.
    """
    if path.is_dir():
        raise FormatError(f"{path} is a folder; name the file in it")
    try:
        file: IO[bytes] = path.open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist") from None
    return gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file  # type: ignore[return-value]


def read_lines(path: Path, start: int = 0, stop: int = -1, number: int = 1) -> Iterator[FileLine]:
    """Yield the lines that begin in `[start, stop)` bytes; `number` is that of the first.

    A UTF-8 byte order mark at the start of the file is left out.
    """
    with open_bytes(path) as file:
        file.seek(start)
        position = start
        while stop < 0 or position < stop:
            try:
                content = file.readline(LINE_LIMIT + 1)
            except GZIP_ERRORS as error:
                yield FileLine(number, b"", f"the .gz file is damaged from here on: {error}")
                return
            if not content:
                return
            position += len(content)
            too_long = len(content) > LINE_LIMIT and not content.endswith(b"\n")
            if too_long:
                position += _skip_line(file)
                content = content[:1000]
            if number == 1:
                content = content.removeprefix(codecs.BOM_UTF8)
            problem = f"the line is longer than {LINE_LIMIT:,} bytes" if too_long else None
            yield FileLine(number, content.rstrip(b"\r\n"), problem)
            number += 1


def _skip_line(file: IO[bytes]) -> int:
    """Read to the end of the current line without keeping it, and return the bytes read."""
    skipped = 0
    while chunk := file.readline(LINE_LIMIT):
        skipped += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return skipped


def detect_encoding(path: Path) -> str:
    """Return the first of `ENCODINGS` in which at least half of the lines that are not ASCII can be read.

    Raises:
        FormatError: the file is binary, UTF-16, or in neither encoding.
    """
    try:
        with open_bytes(path) as file:
            head = file.read(4096)
    except GZIP_ERRORS as error:
        raise FormatError(f"{path} is damaged: {error}") from None
    for mark, name in _FOREIGN_MARKS.items():
        if head.startswith(mark):
            raise FormatError(f"{path} is written in {name}; save it as UTF-8")
    if head.count(b"\x00") > 8 + len(head) // 100:
        raise FormatError(f"{path} is a binary file, not text; check the format")
    sample = []
    for line in read_lines(path):
        if not line.content.isascii() and line.problem is None:
            sample.append(line.content)
        if len(sample) == SAMPLE_LINES:
            break
    failures = {name: sum(not _decodes(line, name) for line in sample) for name in ENCODINGS}
    for name in ENCODINGS:  # GB18030 decodes nearly everything, UTF-8 nearly nothing that is not UTF-8
        if failures[name] * 2 <= len(sample):
            return name
    if len(sample) < 3:  # too few to judge the file by: those lines will be refused
        return ENCODINGS[0]
    fewest = min(failures.values())
    raise FormatError(
        f"{path} is neither UTF-8 nor GB18030 ({fewest} of {len(sample)} lines fail); set its encoding"
    )


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def check_encoding(name: str) -> str:
    """Return the name if Python knows the encoding and its line break is one byte.

    Raises:
        SettingsError: it does not.
    """
    try:
        one_byte = "\n\n".encode(name).removeprefix("\n".encode(name)) == b"\n"  # after any byte order mark
    except LookupError:
        raise SettingsError(f"encoding '{name}' is unknown; use utf-8, gb18030, big5, …") from None
    if not one_byte:
        raise SettingsError(f"encoding '{name}' is not supported; save the file as UTF-8")
    return name
