"""The catalogue files of the platforms: each shop its own format, column names and encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mep3m.store.filesystem import atomic_write

#: one catalogue row: source_id, title, labels (list of names), image, size, ids, broken
Cells = Mapping[str, Any]


@dataclass(frozen=True)
class Format:
    """How one platform exports: `columns` is its column map for `mep3m.toml`.

    `lines_before` is what stands before the first row: its line number is one more. Where a broken row is
    `uncounted`, it has the number of the row before it.
    """

    file: str
    images: str
    columns: Mapping[str, Any]
    write: Callable[[Path, Iterable[Cells]], None]
    encoding: str | None = None
    kind: str | None = None
    lines_before: int = 0
    uncounted: bool = False
    cannot: frozenset[str] = field(default_factory=frozenset)

    def numbers(self, broken: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the number that each row of a file has for who reads it, (n,); `broken` says which are."""
        counted = ~broken if self.uncounted else np.ones(len(broken), dtype=bool)
        return np.cumsum(counted) + self.lines_before


def _annotations(path: Path, rows: Iterable[Cells]) -> None:
    """Write MEP-3M's annotation file: one JSON array, ids as strings, 'FALSE' for what is missing."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(b"[")
        for number, row in enumerate(rows):
            file.write(b",\n" if number else b"\n")
            file.write(orjson.dumps(_annotation(row), option=orjson.OPT_INDENT_2))
        file.write(b"\n]\n")


def _annotation(row: Cells) -> Any:
    if row["broken"]:
        return f"<{row['title']}>"
    names = [*row["labels"], *["FALSE"] * 3][:3]
    ids = [*row["ids"], *["FALSE"] * 3][:3]
    record: dict[str, Any] = {}
    for level, identity, name in zip(("class", "sub_class", "subsub_class"), ids, names, strict=True):
        record[f"{level}_id"], record[f"{level}_name"] = identity, name
    width, height = row["size"] or (0, 0)
    record["img_path"] = row["image"] or "FALSE"
    record["img_resolution"] = [height, width, 3]
    return {**record, "title": row["title"] or "", "OCR": "FALSE"}


def _delimited(
    header: tuple[str, ...], encoding: str, delimiter: str
) -> Callable[[Path, Iterable[Cells]], None]:
    """Return a writer of CSV or TSV; a broken row lacks its last cells."""

    def write(path: Path, rows: Iterable[Cells]) -> None:
        with atomic_write(path) as temporary, temporary.open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
            writer.writerow(header)
            for row in rows:
                labels = [*row["labels"], None, None][:2]
                cells = [row["source_id"], row["title"], *labels, row["image"]]
                writer.writerow(cells[:2] if row["broken"] else cells)

    return write


def _json_lines(path: Path, rows: Iterable[Cells]) -> None:
    """Write JSON lines with the category as one path; a broken row is cut in the middle."""
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        for row in rows:
            record = {
                "sku": row["source_id"],
                "name": row["title"],
                "category": " > ".join(row["labels"]) or None,
                "picture": row["image"],
            }
            line = orjson.dumps({key: value for key, value in record.items() if value is not None})
            file.write((line[: len(line) // 2] if row["broken"] else line) + b"\n")


def _parquet(path: Path, rows: Iterable[Cells]) -> None:
    """Write Parquet in row groups; a broken row is null in every column."""
    names = ("id", "title", "level1", "level2", "image")
    schema = pa.schema([pa.field(name, pa.string()) for name in names])
    with atomic_write(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for block in _blocks(rows, 50_000):
            writer.write_table(pa.Table.from_pylist([_parquet_row(row, names) for row in block], schema))


def _parquet_row(row: Cells, names: tuple[str, ...]) -> dict[str, Any]:
    if row["broken"]:
        return dict.fromkeys(names)
    labels = [*row["labels"], None, None][:2]
    return dict(zip(names, [row["source_id"], row["title"], *labels, row["image"]], strict=True))


def _blocks(rows: Iterable[Cells], size: int) -> Iterator[list[Cells]]:
    block: list[Cells] = []
    for row in rows:
        block.append(row)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block


_CHINESE = ("商品编号", "商品名称", "一级类目", "二级类目", "主图")
_ENGLISH = ("item_id", "item_name", "department", "category", "main_image")


def _column_map(names: tuple[str, ...]) -> dict[str, Any]:
    return {"id": names[0], "title": names[1], "labels": list(names[2:4]), "image": names[4]}


#: the format of platform 0, 1, ...
FORMATS: tuple[Format, ...] = (
    Format("annotations.json", "", {}, _annotations, kind="mep3m", uncounted=True,
           cannot=frozenset({"repeated_id", "missing_id"})),
    Format("商品导出.csv", "images", _column_map(_CHINESE), _delimited(_CHINESE, "gb18030", ","),
           encoding="gb18030", lines_before=1),
    Format("products.jsonl", "images",
           {"id": "sku", "title": "name", "path": "category", "image": "picture"}, _json_lines),
    Format("products.parquet", "images", _column_map(("id", "title", "level1", "level2", "image")), _parquet),
    Format("items.tsv", "images", _column_map(_ENGLISH), _delimited(_ENGLISH, "utf-8-sig", "\t"),
           encoding="utf-8-sig", lines_before=1),
    Format("items.csv", "images", _column_map(_ENGLISH), _delimited(_ENGLISH, "utf-8", ","), lines_before=1),
)  # fmt: skip


def write_tsv(path: Path, header: tuple[str, ...], rows: Iterable[Iterable[object]]) -> None:
    """Write a table of text without quoting, as the tables of `mep3m align` are."""
    text = io.StringIO()
    for row in (header, *rows):
        text.write("\t".join("" if cell is None else str(cell) for cell in row) + "\n")
    with atomic_write(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8", newline="\n")
