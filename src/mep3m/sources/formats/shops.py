"""Exports of shop systems: variants joined, titles without HTML, the first image taken, the others listed."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mep3m.errors import FormatError, UsageError, did_you_mean
from mep3m.settings.sources import Columns, ShopColumns, SourceEntry, one_character
from mep3m.sources.base import BATCH_ROWS, Batch, Part
from mep3m.sources.cells import PATH_MARK, unmarked
from mep3m.sources.columns import ColumnMap, wrong_row
from mep3m.sources.delimited import Row, after_preamble, csv_rows, decode_lines
from mep3m.sources.formats.shop_maps import SHOPS
from mep3m.sources.lines import read_lines, text_encoding
from mep3m.sources.spreadsheets.workbook import Workbook
from mep3m.taxonomy import PATH_SEPARATOR

NAMES = ("id", "title", "image", "path")
COLUMNS = Columns(id="id", title="title", image="image", path="path", separator=PATH_MARK)
#: lines in which the header is looked for
HEADER_LINES = 10
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_CHILD = re.compile(r"(?:^|[|,])sku=([^,|]+)")
_WORKBOOKS = (".xlsx", ".xlsm", ".xls")
#: a picture of Taobao's assistant: name:number:place:|address
_PICTURE = re.compile(r"(?P<name>[^:|]*):\d+:\d+:\|(?P<url>\S*)")


@dataclass
class ShopProduct:
    """One product, joined from its rows; `extras` are (field, value) in the order of the rows.

    `own_images` stand in the product's own rows, `variant_images` in those of its variants.
    """

    id: str
    line: int
    title: str = ""
    paths: list[tuple[str, ...]] = field(default_factory=list)
    own_images: list[str] = field(default_factory=list)
    variant_images: list[str] = field(default_factory=list)
    extras: list[tuple[str, str]] = field(default_factory=list)
    own_title: bool = False

    @property
    def images(self) -> list[str]:
        """All images without repetitions, the product's own before those of its variants."""
        return list(dict.fromkeys([*self.own_images, *self.variant_images]))


@dataclass(frozen=True)
class ShopExport:
    """The export of a shop system, read whole: rows of one product may stand anywhere in it."""

    path: Path
    name: str
    shop: ShopColumns
    encoding: str | None = None
    missing: tuple[str, ...] = ()

    def files(self) -> list[Path]:
        """Return the file."""
        return [self.path]

    @cached_property
    def header(self) -> list[str]:
        """The names of the columns.

        Raises:
            FormatError: the file is empty, or no line names the columns.
        """
        return self._split()[0].cells

    def parts(self) -> list[Part]:
        """Return the file as one part.

        Raises:
            FormatError: the columns of the id or of the title are not there.
        """
        for role, names in (("id", self.shop.id), ("title", self.shop.title)):
            if not set(names) & set(self.header):
                hint = did_you_mean(names[0], self.header)
                raise FormatError(f"{self.path} has no column for the {role}: {' or '.join(names)}{hint}")
        return [Part(self.path.name)]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the joined products, in the order of their first rows."""
        mapping = ColumnMap(COLUMNS, self.name, part.file, self.missing, decoded=True)
        products, refused = self._products()
        rows = [Row(one.line, _cells(one)) for one in products]
        every = iter(sorted([*rows, *refused], key=lambda row: row.line))
        while chunk := list(itertools.islice(every, BATCH_ROWS)):
            yield mapping.batch(chunk, NAMES)

    def extras(self) -> Iterator[tuple[str, str, int, str]]:
        """Yield (product id, field, number from 0, value) of what a product has no column for.

        These are images after the first, categories after the first, the HTML of a title, descriptions,
        variants.
        """
        for one in self._products()[0]:
            values = [("image", image) for image in one.images[1:]]
            values += [("category", PATH_SEPARATOR.join(path)) for path in one.paths[1:]]
            numbers: dict[str, int] = {}
            for name, value in [*values, *one.extras]:
                number = numbers[name] = numbers.get(name, -1) + 1
                yield f"{self.name}:{one.id}", name, number, value

    def _split(self) -> tuple[Row, Iterator[Row]]:
        """Return the header row and the rows behind it."""
        rows = self._rows()
        first: list[Row] = []
        for row in itertools.islice(rows, HEADER_LINES):
            names = [name.strip() for name in row.cells]
            first.append(Row(row.line, names, row.problem))
            if names and set(self.shop.header or self.shop.title[:1]) <= set(names):
                return first[-1], itertools.islice(rows, self.shop.after_header, None)
        if not first:
            raise FormatError(f"{self.path} is empty")
        wanted = ", ".join(self.shop.header or self.shop.title[:1])
        raise FormatError(
            f"{self.path}: no line names the columns {wanted}; the first is: {', '.join(first[0].cells)}"
        )

    def _rows(self) -> Iterator[Row]:
        if self.path.suffix.lower() in _WORKBOOKS:
            book = Workbook(self.path)
            for sheet in book.sheets:
                rows = [Row(row.number, row.cells) for row in book.rows(sheet)]
                wanted = set(self.shop.header or self.shop.title[:1])
                if any(wanted <= set(row.cells) for row in rows[:HEADER_LINES]):
                    yield from rows
                    return
            return
        encoding = text_encoding(self.path, self.encoding)
        lines = decode_lines(read_lines(self.path), encoding, sure=self.encoding is not None)
        lines = after_preamble(lines, 0)
        head = list(itertools.islice(lines, HEADER_LINES))
        yield from csv_rows(itertools.chain(head, lines), self._delimiter([line.text for line in head]))

    def _delimiter(self, head: list[str]) -> str:
        """Return the map's own delimiter, or the one under which a line names the header's columns."""
        own, wanted = one_character(self.shop.delimiter or ","), set(self.shop.header or self.shop.title[:1])
        marks = (
            mark
            for mark in (own, ",", "\t", ";")
            if any(wanted <= {name.strip(' "') for name in line.split(mark)} for line in head)
        )
        return next(marks, own)

    def _products(self) -> tuple[list[ShopProduct], list[Row]]:
        """Return the products in the order of their first rows, and the rows that cannot be read."""
        header, rows = self._split()
        places = {name: i for i, name in reversed(list(enumerate(header.cells)))}
        joined: dict[str, ShopProduct] = {}
        owner: dict[str, str] = {}
        pieces: list[tuple[int, dict[str, str]]] = []
        refused: list[Row] = []
        for row in rows:
            cells = row.cells + [""] * (len(header.cells) - len(row.cells)) if self._short(row) else row.cells
            if problem := row.problem or wrong_row(cells, len(header.cells)):
                refused.append(Row(row.line, [], problem, row.text or "\t".join(row.cells)))
                continue
            values = {name: unmarked(cells[i].strip()) for name, i in places.items()}
            if not self.shop.skip_if_filled or not values.get(self.shop.skip_if_filled):
                pieces.append((row.line, values))
                own = _first(values, self.shop.id)
                owner |= dict.fromkeys(_CHILD.findall(values.get(self.shop.children or "", "")), own)
        by_sku = {
            values.get("SKU", ""): _first(values, self.shop.id) for _, values in pieces if values.get("SKU")
        }
        for line, values in pieces:
            self._join(joined, line, values, owner, by_sku)
        return sorted(joined.values(), key=lambda one: one.line), refused

    def _short(self, row: Row) -> bool:
        """Whether missing cells at the end are empty ones: a workbook cuts them."""
        return self.path.suffix.lower() in _WORKBOOKS

    def _join(
        self,
        joined: dict[str, ShopProduct],
        line: int,
        values: Mapping[str, str],
        owner: Mapping[str, str],
        by_sku: Mapping[str, str],
    ) -> None:
        own = _first(values, self.shop.id)
        parent = _first(values, self.shop.parent).removeprefix("id:")
        parent = owner.get(own, by_sku.get(parent, parent))
        key = parent or own or f"{self.path.name}:{line}"
        one = joined.setdefault(key, ShopProduct(key, line))
        one.line = min(one.line, line)
        title = _first(values, self.shop.title)
        if title and (not one.title or (not parent and not one.own_title)):
            one.title, one.own_title = without_html(title), not parent
            if one.title != title:
                one.extras.append(("title_html", title))
        if parent and own and own != parent:
            one.extras.append(("variant", own))
        one.paths += [path for path in self._paths(values) if path not in one.paths]
        (one.variant_images if parent else one.own_images).extend(self._images(values))
        known = set(one.extras)
        one.extras += [
            (n, values[n]) for n in self.shop.aside if values.get(n) and (n, values[n]) not in known
        ]

    def _paths(self, values: Mapping[str, str]) -> list[tuple[str, ...]]:
        """Return the category paths of a row, the first one first."""
        text = html.unescape(_first(values, self.shop.category))
        parts = text.split(self.shop.path_separator) if self.shop.path_separator else [text]
        paths = []
        for part in parts:
            names = [name.strip() for name in part.split(self.shop.level_separator)]
            path = tuple(name for name in names if name)
            if path and path[0] in self.shop.roots:
                path = path[1:]
            if path and path not in paths:
                paths.append(path)
        return paths

    def _images(self, values: Mapping[str, str]) -> list[str]:
        cells = []
        for name in self.shop.images:
            text = values.get(name, "")
            cells += text.split(self.shop.image_separator) if self.shop.image_separator else [text]
        return list(dict.fromkeys(_picture(image.strip()) for image in cells if image.strip()))


def _picture(text: str) -> str:
    """Return the address or the file of an image; Taobao's assistant writes both into one cell."""
    match = _PICTURE.fullmatch(text)
    if match is None:
        return text
    return match["url"] or f"{match['name']}.tbi"


def _first(values: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _cells(one: ShopProduct) -> list[str]:
    path = PATH_MARK.join(one.paths[0]) if one.paths else ""
    return [one.id, one.title, one.images[0] if one.images else "", path]


def without_html(text: str) -> str:
    """Return a text without tags, its entities decoded once; `3 < 4` is no tag."""
    plain = html.unescape(_TAG.sub(" ", text)) if "<" in text or "&" in text else text
    return " ".join(plain.split())


def open_shop(entry: SourceEntry, path: Path) -> ShopExport:
    """Return the export of a project's `[[sources]]` entry: a known shop system, or its own `[sources.shop]`.

    Raises:
        UsageError: the format is 'shop' and the entry has no `[sources.shop]`.
    """
    shop = entry.shop or SHOPS.get(entry.format or "")
    if shop is None:
        raise UsageError(
            "format 'shop' needs [sources.shop] with the columns id and title; see docs/guide-ingest.md"
        )
    return ShopExport(path, entry.name, shop, entry.encoding, entry.missing)
