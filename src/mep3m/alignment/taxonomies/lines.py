"""Taxonomies published as lines of text: Google's product taxonomy and Shopify's categories.

Google: `# Google_Product_Taxonomy_Version: 2021-09-21`, then `1 - Animals & Pet Supplies` (with ids) or the
path alone (support.google.com/merchants/answer/6324436). Shopify: two comment lines, then
`gid://shopify/TaxonomyCategory/ap-1 : Animals & Pet Supplies > Live Animals` (dist/en/categories.txt in
github.com/Shopify/product-taxonomy).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mep3m.alignment.taxonomies.nodes import TaxonomyNode
from mep3m.taxonomy import PATH_SEPARATOR

GOOGLE = re.compile(r"#\s*Google_Product_Taxonomy_Version:\s*(?P<version>\S+)", re.IGNORECASE)
SHOPIFY = re.compile(r"#\s*Shopify Product Taxonomy - Categories:\s*(?P<version>\S+)", re.IGNORECASE)
_GID = re.compile(r"gid://shopify/TaxonomyCategory/(?P<id>\S+)\s*:\s*(?P<path>.+)")
_NUMBERED = re.compile(r"(?P<id>\d+)\s+-\s+(?P<path>.+)")


def first_line(text: str) -> tuple[str, str] | None:
    """Return (kind, version) that the first line says, `None` where it says neither."""
    line = text.lstrip("\ufeff").split("\n", 1)[0].strip()
    for kind, pattern in (("google", GOOGLE), ("shopify", SHOPIFY)):
        if match := pattern.match(line):
            return kind, match["version"]
    return None


def read_lines(text: str, kind: str) -> Iterator[TaxonomyNode]:
    """Yield the nodes of Google's or Shopify's text; a path without an id is its own id."""
    pattern = _NUMBERED if kind == "google" else _GID
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = pattern.match(line)
        whole = match["path"] if match else line
        names = tuple(name.strip() for name in whole.split(PATH_SEPARATOR))
        label = PATH_SEPARATOR.join(names)
        if match is None and kind == "shopify":
            yield TaxonomyNode("", line, line=number)
        else:
            yield TaxonomyNode(match["id"] if match else label, names[-1], path=names, line=number)
