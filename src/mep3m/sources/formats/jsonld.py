"""schema.org Product data (JSON-LD) in saved web pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from lxml import etree, html

from mep3m.errors import InputError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import PATH_MARK, ColumnMap
from mep3m.sources.delimited import Row
from mep3m.store.filesystem import as_text
from mep3m.store.rejects import INGEST, Reject

NAMES = ("id", "title", "image", "path")
COLUMNS = Columns(id="id", title="title", image="image", path="path", separator=PATH_MARK)
PART_PAGES = 500
PAGE_LIMIT = 32 * 2**20
#: where objects hold further ones that count; a product inside an offer does not
_INSIDE = ("@graph", "mainEntity", "itemListElement", "item")
_IDS = ("sku", "productID", "gtin13", "gtin", "gtin14", "gtin12", "gtin8", "mpn", "@id", "url")


@dataclass(frozen=True)
class JsonLdSource:
    """One saved page or a folder of them; a product's line is its number on the page."""

    path: Path
    name: str

    @cached_property
    def pages(self) -> list[Path]:
        """The pages, sorted by path.

        Raises:
            InputError: there are none.
        """
        if self.path.is_file():
            return [self.path]
        pages = [p for p in self.path.rglob("*") if p.suffix.lower() in (".html", ".htm") and p.is_file()]
        if not pages:
            raise InputError(f"{self.path} holds no saved pages (.html, .htm)")
        return sorted(pages, key=lambda page: page.relative_to(self.path).as_posix())

    def files(self) -> list[Path]:
        """Return the pages."""
        return self.pages

    def parts(self) -> list[Part]:
        """Return runs of pages."""
        count = len(self.pages)
        return [
            Part(self.path.name, i, min(i + PART_PAGES, count), i + 1) for i in range(0, count, PART_PAGES)
        ]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of each page; a page without any is refused."""
        for index in range(part.start, part.stop):
            page = self.pages[index]
            file = as_text(page.name if page == self.path else page.relative_to(self.path).as_posix())
            nodes, problems = page_nodes(page)
            mapping = ColumnMap(COLUMNS, self.name, file)
            products = [node for node in nodes if _is_a(node, "Product", "ProductGroup")]
            crumbs = _breadcrumbs(nodes)
            rows = [Row(i, _cells(node, crumbs)) for i, node in enumerate(products, start=1)]
            batch = mapping.batch(rows, NAMES)
            if not products and not problems:
                problems.append("the page has no schema.org Product")
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
    if not content.strip():
        return [], ["the page is empty"]
    parser = html.HTMLParser(no_network=True, huge_tree=False, encoding=_encoding(content))
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


def _encoding(content: bytes) -> str | None:
    """Return UTF-8 where the bytes are UTF-8, else leave it to the page's own declaration."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


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
    """Return the names of the page's first breadcrumb list, without its last entry, the product itself."""
    for node in nodes:
        if _is_a(node, "BreadcrumbList") and isinstance(node.get("itemListElement"), list):
            steps = [step for step in node["itemListElement"] if isinstance(step, dict)]
            steps.sort(key=_position)
            return [name for step in steps[:-1] if (name := _text(step.get("name") or step.get("item")))]
    return []


def _position(step: dict[str, Any]) -> int:
    position = str(step.get("position"))
    return int(position) if position.isdecimal() else 0


def _cells(node: dict[str, Any], crumbs: list[str]) -> list[str]:
    category = node.get("category")
    names = [_text(item) for item in category] if isinstance(category, list) else [_text(category)]
    path = [step.strip() for name in names for step in name.replace("/", ">").split(">") if step.strip()]
    image = node.get("image")
    first = image[0] if isinstance(image, list) and image else image
    if isinstance(first, dict):
        first = first.get("url") or first.get("contentUrl")
    number = next((_text(node[key]) for key in _IDS if node.get(key)), "")
    return [number, _text(node.get("name")), _text(first), PATH_MARK.join(path or crumbs)]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("name") or value.get("@value") or ""
    if isinstance(value, list):
        value = value[0] if value else ""
    return "" if value is None or isinstance(value, dict | list) else str(value)


def open_jsonld(entry: SourceEntry, path: Path) -> JsonLdSource:
    """Return the pages of a project's `[[sources]]` entry."""
    return JsonLdSource(path, entry.name)
