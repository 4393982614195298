"""Google Merchant feeds: RSS 2.0 and Atom in XML, and the tab-separated form."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from mep3m.errors import FormatError
from mep3m.safe_xml import SAFE_XML
from mep3m.settings.sources import Columns, SourceEntry, TableSettings
from mep3m.sources.base import BATCH_ROWS, Batch, Part, Source
from mep3m.sources.cells import CATEGORY_MARK
from mep3m.sources.columns import ColumnMap
from mep3m.sources.delimited import Row
from mep3m.sources.formats.xml_text import XmlText, attribute, local_name
from mep3m.sources.lines import open_bytes
from mep3m.sources.tables import TableSource

#: the feed's own category is the shop's tree; Google's is what the shop mapped it to
COLUMNS = Columns(id="id", title="title", image="image_link", path="product_type")
_ITEMS = frozenset({"item", "entry"})


@dataclass(frozen=True)
class MerchantXml:
    """An RSS or Atom feed, read item by item; entities and the network stay off."""

    path: Path
    name: str
    columns: Columns = COLUMNS
    missing: tuple[str, ...] = ()

    def files(self) -> list[Path]:
        """Return the feed."""
        return [self.path]

    def parts(self) -> list[Part]:
        """Return the feed as one part.

        Raises:
            FormatError: it is empty, not XML, or holds no item.
        """
        with open_bytes(self.path) as file:
            head = file.read(4096).replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf \t\r\n")
        if not head:
            raise FormatError(f"{self.path} is empty")
        if not head.startswith(b"<"):
            raise FormatError(f"{self.path} is not XML; for the tab-separated form name it .tsv")
        self._check_items()
        return [Part(self.path.name)]

    def _check_items(self) -> None:
        """Read up to the first item."""
        names: Counter[str] = Counter()
        broken = ""
        text = XmlText(self.path)
        try:
            for element in _elements(text, "start"):
                names[local_name(element)] += 1
                if not names.keys().isdisjoint(_ITEMS):
                    return
        except etree.XMLSyntaxError as error:
            broken = f"; its XML breaks in line {error.lineno}: {error.msg}"
        finally:
            text.close()
        often = ", ".join(f"<{name}>" for name, _ in names.most_common(5) if name)
        raise FormatError(
            f"{self.path} is no feed with products: it has no <item> (RSS) and no <entry> (Atom)"
            f"{f', but {often}' if often else ''}{broken}"
        )

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products; where the XML breaks, what came before it is kept."""
        mapping = ColumnMap(self.columns, self.name, part.file, self.missing)
        names = self.columns.names()
        rows = self._rows(names)
        while chunk := list(itertools.islice(rows, BATCH_ROWS)):
            yield mapping.batch(chunk, names)

    def _rows(self, names: list[str]) -> Iterator[Row]:
        line = 0
        text = XmlText(self.path)
        try:
            for element in _elements(text, "end"):
                if local_name(element) in _ITEMS:
                    # several items may stand on one line
                    line = max((element.sourceline or 0) + text.lines_before, line + 1)
                    yield self._item_row(element, names, line)
                    _forget(element)
        except etree.XMLSyntaxError as error:
            broken = f"the XML is broken from here on: {error.msg}"
            yield Row(max(line + 1, (error.lineno or 0) + text.lines_before), [], broken)
        finally:
            text.close()

    def _item_row(self, element: etree._Element, names: list[str], line: int) -> Row:
        """Return the cells of an item: the first element of a name that is not empty; all of the path's."""
        values: dict[str, str] = {}
        for child in element:
            if not (name := local_name(child)):
                continue
            text = (attribute(child, "href") if name == "link" else None) or "".join(child.itertext())
            before, text = values.get(name), text.strip()
            if not before:
                values[name] = text
            elif text and name == self.columns.path and text not in before.split(CATEGORY_MARK):
                values[name] = f"{before}{CATEGORY_MARK}{text}"
        if not values.get("product_type"):
            values["product_type"] = values.get("google_product_category", "")
        return Row(line, [values.get(name, "") for name in names])


def _elements(text: XmlText, event: str) -> Iterator[etree._Element]:
    """Yield the elements as they begin ('start') or are whole ('end')."""
    for _, element in etree.iterparse(text, events=(event,), encoding="utf-8", **SAFE_XML):
        yield element


def _forget(element: etree._Element) -> None:
    """Free an item and what stands before it, so that memory does not grow with the feed."""
    element.clear()
    while (before := element.getprevious()) is not None and before.tag == element.tag:
        del element.getparent()[0]


def open_merchant(entry: SourceEntry, path: Path) -> Source:
    """Return the feed of a project's `[[sources]]` entry, in either form."""
    name = path.with_suffix("") if path.suffix == ".gz" else path
    columns = entry.columns if entry.columns.names() else COLUMNS
    if name.suffix.lower() in (".tsv", ".txt"):
        return merchant_table(path, entry.name, entry.encoding, columns, entry.missing)
    return MerchantXml(path, entry.name, columns, entry.missing)


def merchant_table(
    path: Path, name: str, encoding: str | None, columns: Columns, missing: tuple[str, ...] = ()
) -> TableSource:
    """Return the tab-separated form; its category is Google's where the feed has no `product_type`."""
    settings = TableSettings(columns=columns, format="tsv", encoding=encoding, source=name, missing=missing)
    table = TableSource(path, settings)
    spaced = {column.replace(" ", "_"): column for column in table.header}
    chosen = columns.model_dump()
    for role in ("id", "title", "image", "path"):
        if chosen[role] not in table.header and chosen[role] in spaced:
            chosen[role] = spaced[chosen[role]]
    if columns == COLUMNS and "product_type" not in spaced:
        chosen["path"] = spaced.get("google_product_category")
    return TableSource(path, settings.model_copy(update={"columns": Columns(**chosen)}))
