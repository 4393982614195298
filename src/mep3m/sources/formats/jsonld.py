"""schema.org Product data (JSON-LD) in saved web pages."""

from __future__ import annotations

import html as entities
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from lxml import etree, html

from mep3m.errors import FormatError, InputError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.cells import CATEGORY_MARK, PATH_MARK
from mep3m.sources.columns import ColumnMap
from mep3m.sources.delimited import Row
from mep3m.sources.encodings import decodes, wide_encoding
from mep3m.sources.names import spell
from mep3m.store.filesystem import as_text
from mep3m.store.rejects import INGEST, Reject
from mep3m.store.walk import walk

NAMES = ("id", "title", "image", "path")
COLUMNS = Columns(id="id", title="title", image="image", path="path", separator=PATH_MARK)
PART_PAGES = 500
NO_PRODUCT = "the page has no schema.org Product"
PAGE_LIMIT = 32 * 2**20
#: where objects hold further ones that count; a product inside an offer does not
_INSIDE = ("@graph", "mainEntity", "itemListElement", "item")
_IDS = ("sku", "productID", "gtin13", "gtin", "gtin14", "gtin12", "gtin8", "mpn", "@id", "url")


@dataclass(frozen=True)
class JsonLdSource:
    """One saved page or a folder of them; a product's line is its number on the page."""

    path: Path
    name: str
    missing: tuple[str, ...] = ()

    @cached_property
    def pages(self) -> list[Path]:
        """The pages, sorted by path.

        Raises:
            InputError: there are none.
        """
        if self.path.is_file():
            return [self.path]
        pages = [p for p in walk(self.path) if p.suffix.lower() in (".html", ".htm") and p.is_file()]
        if not pages:
            raise InputError(f"{self.path} holds no saved pages (.html, .htm)")
        return sorted(pages, key=lambda page: page.relative_to(self.path).as_posix())

    def files(self) -> list[Path]:
        """Return the pages."""
        return self.pages

    def parts(self) -> list[Part]:
        """Return runs of pages.

        Raises:
            FormatError: it is a single page, and there is no product on it.
        """
        count = len(self.pages)
        if self.path.is_file():
            nodes, problems = page_nodes(self.path)
            if not problems and not any(_is_a(node, "Product", "ProductGroup") for node in nodes):
                raise FormatError(f"{self.path} holds nothing to take in: {NO_PRODUCT}")
        return [
            Part(self.path.name, i, min(i + PART_PAGES, count), i + 1) for i in range(0, count, PART_PAGES)
        ]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of each page; a page without any is refused."""
        for index in range(part.start, part.stop):
            page = self.pages[index]
            file = as_text(page.name if page == self.path else page.relative_to(self.path).as_posix())
            nodes, problems = page_nodes(page)
            products = [node for node in nodes if _is_a(node, "Product", "ProductGroup")]
            crumbs = _breadcrumbs(nodes)
            mapping = ColumnMap(COLUMNS, self.name, file, self.missing, decoded=True)
            rows = [Row(i, _cells(node, crumbs)) for i, node in enumerate(products, start=1)]
            batch = mapping.batch(rows, NAMES)
            if not products and not problems:
                problems.append(NO_PRODUCT)
            lines = range(len(products) + 1, len(products) + len(problems) + 1)
            refused = [
                Reject(INGEST, self.name, reason, file=file, line=line)
                for line, reason in zip(lines, problems, strict=True)
            ]
            yield Batch(batch.products, [*batch.rejects, *refused])


def page_nodes(page: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return all JSON-LD objects of a page, nested ones included, and what could not be read."""
    if page.stat().st_size > PAGE_LIMIT:
        return [], [f"the page is longer than {PAGE_LIMIT:,} bytes"]
    content = page.read_bytes()
    if wide := wide_encoding(content[:4]):
        content = content.decode(wide, "replace").encode()
    if not content.strip():
        return [], ["the page is empty"]
    encoding = "utf-8" if decodes(content) else None  # None: what the page itself declares
    parser = html.HTMLParser(no_network=True, huge_tree=False, encoding=encoding)
    try:
        root = html.document_fromstring(content, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        return [], [f"the page cannot be read: {error}"]
    nodes: list[dict[str, Any]] = []
    problems = []
    for script in root.iter("script"):
        if "ld+json" in (script.get("type") or "").lower():
            try:
                nodes += _objects(orjson.loads((script.text or "").strip() or "null"))
            except orjson.JSONDecodeError as error:
                problems.append(f"the page's JSON-LD is not JSON: {error}")
    return nodes, problems


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a JSON value, outer ones first."""
    products: list[dict[str, Any]] = []
    waiting = [value]
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, list):
            waiting.extend(current)
        elif isinstance(current, dict):
            products.append(current)
            waiting.extend(current[key] for key in _INSIDE if key in current)
    return products


def _is_a(node: dict[str, Any], *kinds: str) -> bool:
    kind = node.get("@type")
    names = kind if isinstance(kind, list) else [kind]
    return any(str(name).rsplit("/", 1)[-1] in kinds for name in names)


def _breadcrumbs(nodes: list[dict[str, Any]]) -> list[str]:
    """Return the names of the page's first breadcrumb list."""
    for node in nodes:
        if _is_a(node, "BreadcrumbList") and isinstance(node.get("itemListElement"), list):
            steps = [step for step in node["itemListElement"] if isinstance(step, dict)]
            steps.sort(key=_position)
            return [name for step in steps if (name := _text(step.get("name") or step.get("item")))]
    return []


def _position(step: dict[str, Any]) -> int:
    position = str(step.get("position"))
    return int(position) if position.isdecimal() else 0


def _cells(node: dict[str, Any], crumbs: list[str]) -> list[str]:
    """Return id, title, image and path; the categories of the product, else the page's breadcrumbs.

    The last breadcrumb is left out where it is the product's own name.
    """
    category = node.get("category")
    names = [_text(item) for item in category] if isinstance(category, list) else [_text(category)]
    paths = list(dict.fromkeys(path for name in names if (path := PATH_MARK.join(category_path(name)))))
    image = node.get("image")
    first = image[0] if isinstance(image, list) and image else image
    if isinstance(first, dict):
        first = first.get("url") or first.get("contentUrl")
    number = next((_text(node[key]) for key in _IDS if node.get(key)), "")
    title = _text(node.get("name"))
    if crumbs and spell(crumbs[-1]).casefold() == spell(title).casefold():
        crumbs = crumbs[:-1]
    return [number, title, _text(first), CATEGORY_MARK.join(paths) or PATH_MARK.join(crumbs)]


def category_path(text: str) -> list[str]:
    """Return the names of a category: between '>' where there is one, else '/'; an address is none."""
    if text.startswith(("http://", "https://", "//", "/")):
        return []
    return [name.strip() for name in text.split(">" if ">" in text else "/") if name.strip()]


def _text(value: Any) -> str:
    """Return a value as text, HTML's entities decoded once."""
    if isinstance(value, dict):
        value = value.get("name") or value.get("@value") or ""
    if isinstance(value, list):
        value = value[0] if value else ""
    return "" if value is None or isinstance(value, dict | list) else entities.unescape(str(value))


def open_jsonld(entry: SourceEntry, path: Path) -> JsonLdSource:
    """Return the pages of a project's `[[sources]]` entry."""
    return JsonLdSource(path, entry.name, entry.missing)
