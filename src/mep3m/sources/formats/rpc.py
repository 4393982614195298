"""RPC (Retail Product Checkout): COCO-style JSON with folders of images.

A single-product photo has one category; a checkout image has many and so no label of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import FormatError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import PATH_MARK, ColumnMap
from mep3m.sources.delimited import Row

NAMES = ("id", "image", "title", "path")
COLUMNS = Columns(id="id", image="image", title="title", path="path", separator=PATH_MARK)
PART_IMAGES = 2000
#: where RPC keeps the Chinese names and the meta classes
RAW = "__raw_Chinese_name_df"


@dataclass(frozen=True)
class RpcSource:
    """One annotation file; its images lie in the folder given with `images`."""

    path: Path
    name: str

    @cached_property
    def content(self) -> dict[str, Any]:
        """The whole file.

        Raises:
            FormatError: it is not COCO-style JSON.
        """
        try:
            value = orjson.loads(self.path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise FormatError(f"{self.path} is not JSON: {error}") from error
        missing = [key for key in ("images", "annotations", "categories") if not _is_list(value, key)]
        if missing:
            raise FormatError(f"{self.path} is not COCO-style JSON: it lacks the lists {', '.join(missing)}")
        return dict(value)

    @cached_property
    def categories(self) -> dict[Any, tuple[str, str]]:
        """(name, path of category names) of each category id; the Chinese names where there are any."""
        categories = {}
        for node in self.content["categories"]:
            if isinstance(node, dict) and _is_id(node.get("id")):
                path = [str(node[key]) for key in ("supercategory", "name") if node.get(key)]
                categories[node["id"]] = (str(node.get("name", node["id"])), PATH_MARK.join(path))
        for row in self.content[RAW] if _is_list(self.content, RAW) else []:
            known = (
                isinstance(row, dict) and _is_id(row.get("category_id")) and row["category_id"] in categories
            )
            if known and row.get("name"):
                path = [str(row[key]) for key in ("clas", "sku_class", "name") if row.get(key)]
                categories[row["category_id"]] = (str(row["name"]), PATH_MARK.join(path))
        return categories

    @cached_property
    def seen(self) -> dict[Any, set[Any]]:
        """The category ids annotated on each image id."""
        notes_of: dict[Any, set[Any]] = defaultdict(set)
        for note in self.content["annotations"]:
            if isinstance(note, dict) and _is_id(note.get("image_id")):
                category = note.get("category_id")
                notes_of[note["image_id"]].add(category if _is_id(category) else str(category))
        return notes_of

    def files(self) -> list[Path]:
        """Return the annotation file."""
        return [self.path]

    def parts(self) -> list[Part]:
        """Return runs of images."""
        count = len(self.content["images"])
        starts = range(0, count, PART_IMAGES)
        return [Part(self.path.name, i, min(i + PART_IMAGES, count), i + 1) for i in starts]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield one product an image."""
        rows = [self._row(index) for index in range(part.start, part.stop)]
        yield ColumnMap(COLUMNS, self.name, part.file).batch(rows, NAMES)

    def _row(self, index: int) -> Row:
        image = self.content["images"][index]
        if not isinstance(image, dict) or not image.get("file_name") or not _is_id(image.get("id")):
            return Row(index + 1, [], "the image has no 'id' or no 'file_name'", str(image)[:500])
        on_it = self.seen.get(image["id"], set())
        unknown = [category for category in on_it if category not in self.categories]
        if unknown:
            return Row(
                index + 1, [], f"category {unknown[0]!r} is not among the categories", str(image)[:500]
            )
        title, path = self.categories[next(iter(on_it))] if len(on_it) == 1 else ("", "")
        return Row(index + 1, [str(image["id"]), str(image["file_name"]), title, path])


def _is_list(value: Any, key: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(key), list)


def _is_id(value: Any) -> bool:
    """Whether a value can be an id, which JSON lets be anything."""
    return isinstance(value, str | int | float)


def open_rpc(entry: SourceEntry, path: Path) -> RpcSource:
    """Return the annotation file of a project's `[[sources]]` entry."""
    return RpcSource(path, entry.name)
