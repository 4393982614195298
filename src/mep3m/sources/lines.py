"""Lines of a text file with bounded memory, whatever ends them, and the encoding they are written in."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple, cast

from mep3m.errors import FormatError, NotFoundError, SettingsError
from mep3m.safe_xml import WEB_PAGE, is_web_page
from mep3m.sources.encodings import decodes, is_chinese, suggestion, wide_encoding

#: bytes of one line; a longer line is refused and its bytes are skipped, never held
LINE_LIMIT = 8 * 2**20
#: bytes at the beginning that say what ends the lines
HEAD_BYTES = 2**16
#: non-ASCII lines that decide the encoding
SAMPLE_LINES = 2000
GZIP_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error)
#: what a message says about an encoding that nothing says for sure
NAME_IT = "name it with --encoding (in a project file: encoding = ...), or save the file as UTF-8"


class FileLine(NamedTuple):
    """One line without its line break; a line with a `problem` carries only its beginning."""

    number: int
    content: bytes
    problem: str | None = None


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacking `.gz` on the way; text in UTF-16 that begins with its mark is read as UTF-8.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is a folder.
    """
    if path.is_dir():
        raise FormatError(f"{path} is a folder; name the file in it")
    file = open_raw(path)
    try:
        wide = wide_encoding(file.read(4))
        file.seek(0)
    except GZIP_ERRORS:  # what reads on says what is wrong
        return file
    return _buffered(Transcoded(file, wide)) if wide else file


def open_raw(path: Path) -> IO[bytes]:
    """Open a file as it is, but for `.gz`, which is unpacked on the way.

    Raises:
        NotFoundError: there is no such file.
    """
    try:
        file: IO[bytes] = path.open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist") from None
    return gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file  # type: ignore[return-value]


def open_lines(path: Path) -> IO[bytes]:
    """Open a text file whose lines end with LF; those of a file written on a classic Macintosh end with CR.

    Places in the file stay the same.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is a folder.
    """
    file = open_bytes(path)
    try:
        head = file.read(HEAD_BYTES)
        file.seek(0)
    except GZIP_ERRORS:
        return file
    lone = head.count(b"\r") - head.count(b"\r\n")
    return _buffered(LineFeeds(file)) if lone > head.count(b"\n") else file


def _buffered(file: io.RawIOBase) -> IO[bytes]:
    return io.BufferedReader(cast(io.FileIO, file))


class Transcoded(io.RawIOBase):
    """A file in UTF-16 or UTF-32 with its mark, as UTF-8; half a character becomes one wrong byte."""

    def __init__(self, file: IO[bytes], encoding: str) -> None:
        """Read `file` from its beginning; `encoding` takes the byte order from the mark."""
        self._file, self._encoding = file, encoding
        self._restart()

    def _restart(self) -> None:
        self._file.seek(0)
        self._decoder = codecs.getincrementaldecoder(self._encoding)("surrogatepass")
        self._ready, self._place, self._ended = b"", 0, False

    def readable(self) -> bool:
        """Say that the file can be read."""
        return True

    def seekable(self) -> bool:
        """Say that the file can be read from another place, which reads what is before it."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill the buffer with the next bytes and return how many they are."""
        while not self._ready and not self._ended:
            content = self._file.read(HEAD_BYTES)
            self._ended = not content
            try:
                self._ready = self._decoder.decode(content, final=self._ended).encode(
                    "utf-8", "surrogatepass"
                )
            except UnicodeDecodeError:
                self._ready, self._ended = b"\xff", True
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        self._place += count
        return count

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place counted from the beginning, in bytes of UTF-8."""
        if whence == io.SEEK_CUR:
            place += self._place
        if place < self._place:
            self._restart()
        while self._place < place and self.readinto(bytearray(min(place - self._place, HEAD_BYTES))):
            pass
        return self._place

    def tell(self) -> int:
        """Return the place, in bytes of UTF-8."""
        return self._place


class LineFeeds(io.RawIOBase):
    """A file with each CR made a LF."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read on from where `file` is."""
        self._file = file

    def readable(self) -> bool:
        """Say that the file can be read."""
        return True

    def seekable(self) -> bool:
        """Say that the file can be read from another place."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill the buffer with the next bytes and return how many they are."""
        content = self._file.read(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(content)] = content
        return len(content)

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place of the file."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """Return the place in the file."""
        return self._file.tell()


def read_lines(path: Path, start: int = 0, stop: int = -1, number: int = 1) -> Iterator[FileLine]:
    """Yield the lines that begin in `[start, stop)` bytes; `number` is that of the first.

    A UTF-8 byte order mark at the start of the file is left out.
    """
    with open_lines(path) as file:
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
    """Return 'utf-8' or 'gb18030' where the file is in it for sure.

    UTF-8 is what at least half of the lines that are not ASCII can be read in; GB 18030 what reads as Chinese
    (see `encodings`). UTF-16 with its mark is read as UTF-8.

    Raises:
        FormatError: the file is binary, or in an encoding that has to be named.
    """
    facts = path.stat() if path.is_file() else None
    return _detect(path, facts and facts.st_size, facts and facts.st_mtime_ns)


@lru_cache(maxsize=64)
def _detect(path: Path, size: int | None, time: int | None) -> str:
    """Do what `detect_encoding` says, once for each state of a file."""
    try:
        with open_bytes(path) as file:
            head = file.read(4096)
    except GZIP_ERRORS as error:
        raise FormatError(f"{path} is damaged: {error}") from None
    _refuse_others(path, head)
    sample = []
    for line in read_lines(path):
        if not line.content.isascii() and line.problem is None:
            sample.append(line.content)
        if len(sample) == SAMPLE_LINES:
            break
    failures = sum(not decodes(line) for line in sample)
    if failures * 2 <= len(sample) and not _two_bytes_each(sample):
        return "utf-8"
    if is_chinese(sample):
        return "gb18030"
    if (
        failures * 2 <= len(sample) or len(sample) < 3
    ):  # too few to say what the file is: those lines are refused
        return "utf-8"
    raise FormatError(
        f"{path} is not UTF-8 ({failures} of {len(sample)} lines fail) and does not read as Chinese in "
        f"GB18030; it is in another encoding{suggestion(sample)}: {NAME_IT}"
    )


def marked_encoding(path: Path) -> str | None:
    """Return what a file's byte order mark says ('utf-8', 'utf-16', 'utf-32'), `None` without one."""
    try:
        with open_raw(path) as file:
            head = file.read(4)
    except GZIP_ERRORS:
        return None
    return wide_encoding(head) or ("utf-8" if head.startswith(codecs.BOM_UTF8) else None)


def text_encoding(path: Path, named: str | None) -> str:
    """Return what a file's lines, as `read_lines` gives them, are decoded with: what is `named`, or detected.

    Raises:
        FormatError: nothing says it for sure, or the byte order mark says another than is named.
        SettingsError: there is no such encoding, or its line break is not one byte.
    """
    if not named:
        return detect_encoding(path)
    name, marked = check_encoding(named), marked_encoding(path)
    if marked and name.replace("_", "-").lower() not in (marked, "utf-8-sig", "utf8"):
        raise FormatError(
            f"{path} begins with the byte order mark of {marked.upper()}, but the encoding "
            f"set is '{name}'; leave the setting out"
        )
    return "utf-8" if marked else name


def _refuse_others(path: Path, head: bytes) -> None:
    """Refuse a file that is no table, whatever its name says."""
    if is_web_page(head):
        raise FormatError(f"{path} {WEB_PAGE}, not a table")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<?xml"):
        raise FormatError(f"{path} is XML, not a table; for a Merchant feed write --format merchant")
    if head.count(b"\x00") <= 8 + len(head) // 100:
        return
    even, odd = head[::2].count(b"\x00"), head[1::2].count(b"\x00")
    if max(even, odd) > len(head) // 8 and min(even, odd) <= len(head) // 100:
        raise FormatError(f"{path} looks like UTF-16 without a byte order mark; save it as UTF-8")
    raise FormatError(f"{path} is a binary file, not text; check the format")


def _two_bytes_each(sample: list[bytes]) -> bool:
    """Whether lines read as UTF-8 hold nothing but letters that are two bytes there, few of them Latin-1's.

    Two bytes are one Chinese character in GB 18030, and a short name can be either.
    """
    beyond = [c for line in sample for c in line.decode("utf-8", "ignore") if c > "\x7f"]
    return all(c < "\u0800" for c in beyond) and 2 * sum(c > "\xff" for c in beyond) > len(beyond)


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
        raise SettingsError(
            f"encoding '{name}' is not supported; a file that begins with its byte order mark is read "
            "without the setting, any other save as UTF-8"
        )
    return name
