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
#: a start tag with its attributes, and what stands in it: a value in quotes or the prefix of a name
_TAG = re.compile(rb"""<[A-Za-z_](?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_ATTRIBUTE = rb"""(?<=\s)(?!xml(?:ns)?:)([A-Za-z_][A-Za-z0-9_.-]{0,60}):(?=[A-Za-z_][^\s<>"'=]*\s*=)"""
_PREFIXED = re.compile(rb""":[A-Za-z_][^\s<>"'=]*\s*=""")  # quickly found; most feeds have none
_IN_TAG = re.compile(_ATTRIBUTE + rb"""|("[^"]*"|'[^']*')""")
#: what stands for the ':' of an attribute's name: 'href' and 'x:href' may be two attributes of one element
_MARK = "\u00b7"
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
#: bytes at the end of a chunk in which a prefix or an entity may have begun, and of the longest tag
_TAIL, TAG_LIMIT = 64, 2**18


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
        cut = 0
        while not cut and not self._ended:
            self._fill()
            cut = self._whole()
        ready = self._waiting[: cut or None]
        self._waiting = self._waiting[len(ready) :]
        ready = _PREFIX.sub(rb"<\1", ready)
        if _PREFIXED.search(ready):
            ready = _TAG.sub(lambda tag: _IN_TAG.sub(_marked, tag[0]), ready)
        return _ENTITY.sub(self._character, ready)

    def _fill(self) -> None:
        try:
            content = self._file.read(CHUNK)
        except GZIP_ERRORS:
            content = b""
            self._waiting += b"\xff"  # which the parser refuses in its place
        self._ended = not content
        self._waiting += self._decoded(content, final=self._ended)

    def _whole(self) -> int:
        """Return how many of the waiting bytes do not end inside a prefix, an entity or a start tag."""
        ready, size = self._waiting, len(self._waiting)
        if self._ended or size <= 2 * _TAIL:
            return size if self._ended else 0
        begun = max(ready.rfind(b"&", size - _TAIL), ready.rfind(b"<", size - _TAIL))
        tag = ready.rfind(b"<", max(0, size - TAG_LIMIT))
        if tag >= 0 and ready[tag + 1 : tag + 2].isalpha() and not _TAG.match(ready, tag):
            begun = tag if begun < 0 else min(begun, tag)
        return begun if begun >= 0 else size

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


def _marked(match: re.Match[bytes]) -> bytes:
    """Return a value as it is, and a prefix with the mark that stands for its ':'."""
    return match[2] or match[1] + _MARK.encode()


def attribute(element: etree._Element, name: str) -> str | None:
    """Return an attribute by its local name, the one without a prefix first; `None` without."""
    values = (value for key, value in element.items() if re.split(rf"[}}{_MARK}]", key)[-1] == name)
    return element.get(name) or next(values, None)


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
