"""The real sets of `bench.image_quality` as rows for training and for testing."""

from __future__ import annotations

import csv
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from mep3m.dataset.splits import split_products
from mep3m.settings.run import SplitKind

DATA = Path(os.environ.get("MEP3M_DATA", "../shared/data"))


@dataclass(frozen=True)
class Set:
    """A set: its folder, label columns from coarse to fine, title column, split, and what it is cut to.

    `only` keeps the rows with one value in one column: a fine-grained task of one sub-class.
    """

    folder: str
    labels: tuple[str, ...]
    title: str = ""
    split: SplitKind = "grouped"
    only: tuple[str, str] | None = None


FASHION = ("masterCategory", "subCategory", "articleType")
SETS = {
    "fashion": Set("img_fashion_9583", FASHION, "title"),
    "fashion-random": Set("img_fashion_9583", FASHION, "title", split="random"),
    "flipkart": Set("img_flipkart_1050", ("l1", "l2", "l3"), "product_name"),
    "grocery": Set("img_grocery_store", ("group", "coarse", "fine")),
    # fine-grained (Table 8): the third-level classes of one sub-class
    "accessories": Set("img_fashion_9583", ("articleType",), "title", only=("subCategory", "Bags")),
    "clothes": Set("img_fashion_9583", ("articleType",), "title", only=("subCategory", "Topwear")),
    "shoes": Set("img_fashion_9583", ("articleType",), "title", only=("subCategory", "Shoes")),
    "fruit": Set("img_grocery_store", ("fine",), only=("group", "Fruit")),
}


def rows_of(name: str, seed: int = 0) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return the rows for training and for testing, each with id, title, image and labels.

    Grouped by equal image bytes and equal titles; the grocery set has its own two files.
    """
    chosen = SETS[name]
    root = DATA / chosen.folder
    if "grocery" in chosen.folder:
        parts = (_grocery(root, "train"), _grocery(root, "val"))
    else:
        parts = _split(_table(root, chosen), root, chosen.split, seed)
    if chosen.only is None:
        return parts
    column, value = chosen.only
    kept = [[row for row in part if row[column] == value] for part in parts]
    return kept[0], kept[1]


def _table(root: Path, chosen: Set) -> list[dict[str, str]]:
    with (root / "labels.tsv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    wanted = [*chosen.labels, *([chosen.only[0]] if chosen.only else [])]
    rows = []
    for row in read:
        number = row.get("id") or row["uniq_id"]
        image = row.get("image") or f"images/{number}.jpg"
        labels = {level: row[level] for level in wanted}
        rows.append({"id": number, "title": row[chosen.title], "image": image, **labels})
    return rows


def _split(
    rows: list[dict[str, str]], root: Path, kind: SplitKind, seed: int
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    groups = [hashlib.sha256((root / row["image"]).read_bytes()).hexdigest() for row in rows]
    columns = {name: [row[name] for row in rows] for name in ("id", "title")}
    products = pa.table(columns | {"group": groups})
    train, test = split_products(products, kind, 0.2, seed=seed).rows(products)
    return [rows[i] for i in train], [rows[i] for i in test]


def _grocery(root: Path, part: str) -> list[dict[str, str]]:
    """Return one part of the grocery set; its folder names are the labels, and it has no titles."""
    rows = []
    for line in (root / f"{part}.txt").read_text().splitlines():
        image = line.split(",")[0].strip()
        names = Path(image).parts[1:-1]
        labels = {"group": names[0], "coarse": names[1], "fine": names[-1]}
        rows.append({"id": image, "title": "", "image": image, **labels})
    return rows


def write_table(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as a TSV file without quoting."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None)
        writer.writeheader()
        writer.writerows(rows)
