"""What is true of a simulated world, written beside its catalogues.

`truth/products.parquet`   one row a catalogue row: true category, duplicate group, noise, defect;
                           `source` and `source_id` are those of the ingested product (`source_id`
                           of a row with a repeated id belongs to another row: `file` and `line` tell)
`truth/ocr.jsonl`          one line an image: the text drawn on it, line by line
`truth/alignment.tsv`      which categories of two platforms correspond; `truth/alignment/` a file a pair
`truth/taxonomy.json`      the true tree, Chinese and English
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.simulator.files import write_tsv
from mep3m.simulator.platforms import World, links
from mep3m.store.filesystem import atomic_write
from mep3m.taxonomy import PATH_SEPARATOR, Category, Taxonomy

PRODUCT_TRUTH = pa.schema(
    [
        pa.field("source", pa.string()),
        pa.field("source_id", pa.string()),
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("category", pa.string()),
        pa.field("path", pa.list_(pa.string())),
        pa.field("source_path", pa.list_(pa.string())),
        pa.field("shown_path", pa.list_(pa.string())),
        pa.field("noisy", pa.bool_()),
        pa.field("group", pa.string()),
        pa.field("copy", pa.string()),
        pa.field("defect", pa.string()),
        pa.field("title", pa.string()),
        pa.field("image", pa.string()),
        pa.field("has_text", pa.bool_()),
    ]
)
ALIGNMENT_COLUMNS = ("left_id", "right_id", "relation")


def write_products(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write the truth of every row; `category` is an id of the true taxonomy."""
    with (
        atomic_write(path) as temporary,
        pq.ParquetWriter(temporary, PRODUCT_TRUTH, compression="zstd") as writer,
    ):
        block: list[dict[str, Any]] = []
        for row in rows:
            block.append(row)
            if len(block) == 50_000:
                writer.write_table(pa.Table.from_pylist(block, PRODUCT_TRUTH))
                block = []
        writer.write_table(pa.Table.from_pylist(block, PRODUCT_TRUTH))


def write_ocr(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object an image: image, text (lines joined, or null), lines with kind and box."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row) + b"\n")


def write_alignment(folder: Path, world: World) -> None:
    """Write the gold alignment of every pair of platforms, in one file and in a file a pair."""
    together: list[tuple[str, ...]] = []
    for left, right in combinations(world.platforms, 2):
        rows = [(link.left.id, link.right.id, link.relation) for link in links(left, right)]
        write_tsv(folder / "alignment" / f"{left.name}-{right.name}.tsv", ALIGNMENT_COLUMNS, rows)
        together += [(left.name, right.name, *row) for row in rows]
    write_tsv(folder / "alignment.tsv", ("left_source", "right_source", *ALIGNMENT_COLUMNS), together)


def true_taxonomy(world: World) -> Taxonomy:
    """Return the true tree; a category's id is its Chinese names joined by ' > '."""
    return Taxonomy(tuple({category.id: category for category in _categories(world)}.values()))


def _categories(world: World) -> Iterator[Category]:
    for leaf in world.leaves:
        names = [leaf.department.name, leaf.kind.name]
        if leaf.third is not None:
            names.append(leaf.kind.thirds[leaf.third])
        for depth in range(1, len(names) + 1):
            path = [name.zh for name in names[:depth]]
            parent = PATH_SEPARATOR.join(path[:-1]) or None
            yield Category(PATH_SEPARATOR.join(path), names[depth - 1].zh, names[depth - 1].en, parent)
