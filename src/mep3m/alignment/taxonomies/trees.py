"""Taxonomies published as trees: Shopify's JSON, and GS1's GPC in JSON and XML.

Shopify: `verticals[].categories[]` with `id`, `full_name` (dist/en/categories.json). GPC in JSON: `Schema[]`
with `Code`, `Title`, `Level`, `Childs`; in XML: segment, family, class and brick with `code` and `text`
(gpc-browser.gs1.org). Attributes of bricks (levels below the fourth) are no categories, nor is what is marked
as no longer active.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from mep3m.alignment.taxonomies.nodes import TaxonomyNode
from mep3m.safe_xml import parse_xml
from mep3m.taxonomy import PATH_SEPARATOR

#: levels of GPC that are categories: segment, family, class, brick
GPC_LEVELS = ("segment", "family", "class", "brick")


def json_kind(value: Any) -> tuple[str, str | None] | None:
    """Return (kind, version) of a JSON document, `None` where it is no taxonomy known here."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("verticals"), list):
        return "shopify", _text(value.get("version")) or None
    if isinstance(value.get("Schema"), list):
        return "gpc", _text(value.get("DateUtc") or value.get("Version")) or None
    return None


def shopify_nodes(value: dict[str, Any]) -> Iterator[TaxonomyNode]:
    """Yield the categories of Shopify's JSON; a node's line is its number in the document."""
    categories = (one for vertical in value["verticals"] for one in vertical.get("categories") or ())
    for number, one in enumerate(categories, start=1):
        names = tuple(
            name.strip() for name in _text(one.get("full_name") or one.get("name")).split(PATH_SEPARATOR)
        )
        path = () if names == ("",) else names
        yield TaxonomyNode(_text(one.get("id")).rpartition("/")[2], names[-1], path=path, line=number)


def gpc_nodes(value: dict[str, Any]) -> Iterator[TaxonomyNode]:
    """Yield segments, families, classes and bricks of GPC's JSON, parents first."""
    number = 0
    waiting: list[tuple[dict[str, Any], str | None, int]] = [
        (one, None, 1) for one in reversed(value["Schema"])
    ]
    while waiting:
        one, parent, level = waiting.pop()
        number += 1
        if one.get("Active") is False:  # no longer in use, with all below it
            continue
        code = _text(one.get("Code"))
        yield TaxonomyNode(code, _text(one.get("Title")), parent, line=number)
        if level < len(GPC_LEVELS):
            below = one.get("Childs") or one.get("Children") or ()
            waiting += [(child, code, level + 1) for child in reversed(below)]


def xml_kind(content: bytes) -> tuple[str, str | None] | None:
    """Return (kind, version) of an XML document, `None` where it is not GPC's."""
    root = _root(content)
    if root is None or next(root.iter("{*}segment", "segment"), None) is None:
        return None
    return "gpc", next(
        (str(root.get(name)) for name in ("dateUtc", "version", "date") if root.get(name)), None
    )


def gpc_xml_nodes(content: bytes) -> Iterator[TaxonomyNode]:
    """Yield segments, families, classes and bricks of GPC's XML."""
    root = _root(content)
    retired: set[etree._Element] = set()
    for element in root.iter() if root is not None else ():
        if not isinstance(element.tag, str) or etree.QName(element).localname not in GPC_LEVELS:
            continue
        if element.get("active", "").lower() == "false" or element.getparent() in retired:
            retired.add(element)
            continue
        above = element.getparent()
        parent = (
            None if above is None or etree.QName(above).localname not in GPC_LEVELS else above.get("code")
        )
        yield TaxonomyNode(
            element.get("code") or "", element.get("text") or "", parent, line=element.sourceline
        )


def _root(content: bytes) -> etree._Element | None:
    try:
        return parse_xml(content)
    except etree.XMLSyntaxError:
        return None


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
