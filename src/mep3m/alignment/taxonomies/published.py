"""A table of categories or a published taxonomy, whatever it is: the file says so itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import orjson

from mep3m.alignment.records import read_side
from mep3m.alignment.sheet import read_text
from mep3m.alignment.taxonomies.lines import first_line, read_lines
from mep3m.alignment.taxonomies.nodes import PublishedTaxonomy, TaxonomyNode, to_side
from mep3m.alignment.taxonomies.tables import (
    etim_nodes,
    parent_nodes,
    read_table,
    table_kind,
    unspsc_nodes,
    version_of,
)
from mep3m.alignment.taxonomies.trees import gpc_nodes, gpc_xml_nodes, json_kind, shopify_nodes, xml_kind
from mep3m.errors import FormatError, NotFoundError
from mep3m.safe_xml import WEB_PAGE, is_web_page

#: bytes of a taxonomy; GPC in XML, the longest known, has 30 million
MOST_BYTES = 512 * 2**20
_NODES = {"unspsc": unspsc_nodes, "etim": etim_nodes, "parents": parent_nodes}


def read_categories(path: Path, name: str | None = None) -> PublishedTaxonomy:
    """Read a table of categories (`records.read_side`) or a published taxonomy.

    A table with the columns id and path is read as such whatever else it has. `name` is the side's
    name; without one it is the file's.

    Raises:
        NotFoundError: there is no such file, or it is a table without the columns needed.
        FormatError: it cannot be read, or no category can be used.
    """
    if path.is_file() and path.stat().st_size > MOST_BYTES:
        raise FormatError(f"{path} is longer than {MOST_BYTES:,} bytes; a taxonomy is not")
    known = _published(path)
    if known is None:
        side, rejects = read_side(path, name)
        return PublishedTaxonomy(side, rejects, "table")
    kind, version, nodes = known
    side, rejects = to_side(path, name or path.stem, nodes)
    return PublishedTaxonomy(side, rejects, kind, version)


def _published(path: Path) -> tuple[str, str | None, Iterable[TaxonomyNode]] | None:
    """Return kind, version and nodes of a published taxonomy; `None` for a table with id and path."""
    try:
        start = path.open("rb").read(64).lstrip(b"\xef\xbb\xbf \t\r\n") if path.is_file() else b""
    except OSError:
        raise NotFoundError(f"{path} is not a file") from None
    if start.startswith(b"{"):
        return _from_json(path)
    if start.startswith(b"<"):
        return _from_xml(path)
    text = read_text(path)
    if said := first_line(text):
        return (*said, read_lines(text, said[0]))
    table = read_table(path, text)
    kind = None if {"id", "path"} <= set(table.header) else table_kind(table)
    return None if kind is None else (kind, version_of(table), _NODES[kind](table))


def _from_json(path: Path) -> tuple[str, str | None, Iterable[TaxonomyNode]]:
    try:
        value = orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise FormatError(f"{path} is not JSON: {error}") from None
    said = json_kind(value)
    if said is None:
        raise FormatError(
            f"{path} is no taxonomy known here: Shopify's JSON has 'verticals', GPC's has 'Schema'"
        )
    return (*said, shopify_nodes(value) if said[0] == "shopify" else gpc_nodes(value))


def _from_xml(path: Path) -> tuple[str, str | None, Iterable[TaxonomyNode]]:
    content = path.read_bytes()
    if is_web_page(content):
        raise FormatError(f"{path} {WEB_PAGE}, neither products nor categories")
    said = xml_kind(content)
    if said is None:
        raise FormatError(
            f"{path} is no taxonomy known here: GPC's XML has elements named segment and brick; a feed of "
            "products is read where its name ends in .xml"
        )
    return (*said, gpc_xml_nodes(content))
