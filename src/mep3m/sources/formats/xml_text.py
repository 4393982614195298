"""XML as shops write it, made fit for a strict parser: UTF-8 from the first sign, no entities of HTML."""

from __future__ import annotations

import codecs
import re
from html.entities import html5
from pathlib import Path

from lxml import etree

from mep3m.errors import FormatError
from mep3m.sources.lines import GZIP_ERRORS, open_raw

#: bytes that are read at once
CHUNK = 2**16
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
#: the prefix of an element's name, which need not be declared to be read past
_PREFIX = re.compile(rb"<(/?)[A-Za-z_][A-Za-z0-9_.-]{0,60}:(?=[A-Za-z_])")
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
#: bytes at the end of a chunk in which a prefix or an entity may have begun
_TAIL = 64


class XmlText:
    """The text of an XML file in UTF-8, read in chunks.

    `lines_before` is the number of lines before its first sign, which are left out.
    """

    def __init__(self, path: Path) -> None:
        """Open the file.

        Raises:
            FormatError: it is declared in an encoding that does not exist.
        """
        self._file = open_raw(path)
        self.lines_before = 0
        try:
            head = self._file.read(CHUNK)
        except GZIP_ERRORS as error:
            raise FormatError(f"{path} is damaged: {error}") from None
        self._declares = b"<!ENTITY" in head
        self._decoder = _decoder(path, head)
        text = self._decoded(head, final=False)
        stripped = text.removeprefix(codecs.BOM_UTF8).lstrip()
        self.lines_before = text[: len(text) - len(stripped)].count(b"\n")
        self._waiting, self._ended = stripped, not head

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, size: int = CHUNK) -> bytes:
        """Return the next bytes, some more or less than `size`; none at the end."""
        while len(self._waiting) <= 2 * _TAIL and not self._ended:
            try:
                content = self._file.read(CHUNK)
            except GZIP_ERRORS:
                content = b""
                self._waiting += b"\xff"  # which the parser refuses in its place
            self._ended = not content
            self._waiting += self._decoded(content, final=self._ended)
        ready = self._waiting
        cut = len(ready)
        if not self._ended:
            begun = max(ready.rfind(b"&", cut - _TAIL), ready.rfind(b"<", cut - _TAIL))
            cut = begun if begun >= 0 else cut
        ready, self._waiting = ready[:cut], ready[cut:]
        return _ENTITY.sub(self._character, _PREFIX.sub(rb"<\1", ready))

    def _character(self, match: re.Match[bytes]) -> bytes:
        """Return the character of an entity; one that nothing declares stays as it is written."""
        name = match[1].decode()
        if name in _OF_XML or self._declares:
            return match[0]
        text = html5.get(f"{name};")
        return b"&amp;" + match[0][1:] if text is None else text.encode()

    def _decoded(self, content: bytes, *, final: bool) -> bytes:
        if self._decoder is None:
            return content
        try:
            return self._decoder.decode(content, final).encode("utf-8", "replace")
        except UnicodeDecodeError:
            self._ended = True
            return b"\xff"  # which the parser refuses in its place


def local_name(element: etree._Element) -> str:
    """Return an element's name without namespace or prefix, declared or not; empty for a comment."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2] if isinstance(tag, str) else ""


def _decoder(path: Path, head: bytes) -> codecs.IncrementalDecoder | None:
    """Return what decodes the file, `None` for UTF-8: by its mark, its first sign, or its declaration."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = "utf-16"
    elif head.lstrip(b"\x00 \t\r\n")[:1] == b"<" and b"\x00" in head[:4]:
        name = "utf-16-be" if head.startswith(b"\x00") else "utf-16-le"
    else:
        declared = _DECLARED.search(head[:1000])
        name = declared[1].decode().lower() if declared else "utf-8"
        if name.startswith(("utf-16", "utf16", "ucs-2")):  # it is not: its declaration could be read
            name = "utf-8"
    name = {"gb2312": "gb18030", "gbk": "gb18030"}.get(name, name)
    if name in ("utf-8", "utf8"):
        return None
    try:
        return codecs.getincrementaldecoder(name)()
    except LookupError:
        raise FormatError(
            f"{path} is declared in the encoding '{name}', which is unknown; save it as UTF-8"
        ) from None
