"""XML that others wrote: no entities, no outside files, no documents that unfold to gigabytes."""

from __future__ import annotations

from typing import Any

from lxml import etree

#: what every parser of such a document is given
SAFE_XML: Any = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


#: what a message says of one
WEB_PAGE = "is a web page (an error page in place of an export?)"


def is_web_page(head: bytes) -> bool:
    """Whether the first bytes of a file are those of an HTML page."""
    return head.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower().startswith((b"<!doctype html", b"<html"))


def parse_xml(content: bytes) -> etree._Element:
    """Return the root of a document.

    Raises:
        lxml.etree.XMLSyntaxError: it is not XML.
    """
    return etree.fromstring(content, etree.XMLParser(**SAFE_XML))
