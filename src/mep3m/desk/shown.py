"""A product as pages show it: categories by name, what OCR read line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mep3m.product import Label, Product
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class ShownLabel:
    """A label with the name of its category; `english` is empty where that is not known, or the same."""

    name: str
    english: str
    label: Label


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line that OCR read; `promotional`: selling talk, not what the product is."""

    text: str
    promotional: bool = False


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """What the macro `card` of product.html takes."""

    product: Product
    labels: tuple[ShownLabel, ...]
    lines: tuple[ShownLine, ...]


def shown(product: Product, taxonomy: Taxonomy, lines: Sequence[ShownLine] = ()) -> ShownProduct:
    """Return a product for a page; `lines` are what OCR read, where they are kept, else its text is one."""
    if not lines and product.ocr:
        lines = (ShownLine(product.ocr),)
    labels = tuple(_shown_label(label, taxonomy) for label in product.labels if label.category is not None)
    return ShownProduct(product, labels, tuple(lines))


def _shown_label(label: Label, taxonomy: Taxonomy) -> ShownLabel:
    assert label.category is not None
    if label.category not in taxonomy:
        return ShownLabel(label.category, "", label)
    node = taxonomy[label.category]
    english = node.name_en if node.name_en and node.name_en != node.name else ""
    return ShownLabel(node.name, english, label)
