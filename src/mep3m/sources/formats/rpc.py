"""RPC (Retail Product Checkout): COCO-style JSON with folders of images.

A single-product photo has one category; a checkout image has many and so no label of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from mep3m.errors import FormatError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.cells import PATH_MARK, CellError, cell_text, too_large
from mep3m.sources.columns import ColumnMap
from mep3m.sources.delimited import Row
from mep3m.sources.encodings import decode_text
from mep3m.store.rejects import INGEST, Reject

NAMES = ("id", "image", "title", "path")
COLUMNS = Columns(id="id", image="image", title="title", path="path", separator=PATH_MARK)
PART_IMAGES = 2000
#: where RPC keeps the Chinese names and the meta classes
RAW = "__raw_Chinese_name_df"
#: what COCO files write for no supercategory
NO_CATEGORY = frozenset({"none", "null"})


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
            value = orjson.loads(decode_text(self.path.read_bytes()))
        except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
            raise FormatError(f"{self.path} is not JSON: {error}") from error
        missing = [key for key in ("images", "annotations", "categories") if not _is_list(value, key)]
        if missing:
            raise FormatError(f"{self.path} is not COCO-style JSON: it lacks the lists {', '.join(missing)}")
        return dict(value)

    @cached_property
    def categories(self) -> dict[str, _Named]:
        """The names of each category id; the Chinese ones where there are any."""
        named = {}
        for node in self.content["categories"]:
            if isinstance(node, dict) and (key := coco_id(node.get("id"))) is not None:
                named[key] = _named(node, ("supercategory", "name"), key)
        for row in self.content[RAW] if _is_list(self.content, RAW) else []:
            key = coco_id(row.get("category_id")) if isinstance(row, dict) else None
            if key is not None and key in named and row.get("name"):
                named[key] = _named(row, ("clas", "sku_class", "name"), key)
        return named

    @cached_property
    def seen(self) -> dict[str, dict[str, None]]:
        """The category ids annotated on each image id."""
        seen: dict[str, dict[str, None]] = defaultdict(dict)
        for note in self.content["annotations"]:
            if isinstance(note, dict) and (image := coco_id(note.get("image_id"))) is not None:
                category = note.get("category_id")
                seen[image][coco_id(category) or str(category)] = None
        return seen

    @cached_property
    def stray(self) -> list[tuple[int, str | None]]:
        """(number, image id) of the first annotation of each image that is not among the images."""
        ids = {coco_id(image.get("id")) for image in self.content["images"] if isinstance(image, dict)}
        stray: dict[str | None, int] = {}
        for number, note in enumerate(self.content["annotations"], start=1):
            image = coco_id(note.get("image_id")) if isinstance(note, dict) else None
            if image not in ids or image is None:
                stray.setdefault(image, number)
        return [(number, image) for image, number in stray.items()]

    def files(self) -> list[Path]:
        """Return the annotation file."""
        return [self.path]

    def parts(self) -> list[Part]:
        """Return runs of images.

        Raises:
            FormatError: there are none.
        """
        if not self.content["images"]:
            raise FormatError(f"{self.path} holds no image: its list 'images' is empty")
        count = len(self.content["images"])
        starts = range(0, count, PART_IMAGES)
        return [Part(self.path.name, i, min(i + PART_IMAGES, count), i + 1) for i in starts]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield one product an image."""
        rows = [self._row(index) for index in range(part.start, part.stop)]
        batch = ColumnMap(COLUMNS, self.name, part.file).batch(rows, NAMES)
        count = len(self.content["images"])
        stray = self.stray if part.stop == count else []
        told = [
            Reject(
                INGEST,
                self.name,
                f"annotation {number} is about the image '{image}', which is not among the images"
                if image is not None
                else f"annotation {number} names no image",
                file=part.file,
                line=count + number,
            )
            for number, image in stray
        ]
        yield Batch(batch.products, [*batch.rejects, *told])

    def _row(self, index: int) -> Row:
        image = self.content["images"][index]
        key = coco_id(image.get("id")) if isinstance(image, dict) else None
        name = image.get("file_name") if isinstance(image, dict) else None
        if key is None or not name or not isinstance(name, str):
            reason = "the image has no 'id' or no 'file_name'"
            if name and isinstance(image.get("id"), float):
                reason = too_large(image["id"], "id")
            return Row(index + 1, [], reason, str(image)[:500])
        on_it = self.seen.get(key, {})
        unknown = [category for category in on_it if category not in self.categories]
        if unknown:
            return Row(
                index + 1, [], f"category '{unknown[0]}' is not among the categories", str(image)[:500]
            )
        if len(on_it) != 1:
            return Row(index + 1, [key, name, "", ""])
        category = self.categories[next(iter(on_it))]
        return Row(index + 1, [key, name, category.title, category.path], category.problem, str(image)[:500])


class _Named(NamedTuple):
    """The names of a category, or why they are none."""

    title: str
    path: str
    problem: str | None = None


def _named(record: dict[str, Any], keys: tuple[str, ...], category: str) -> _Named:
    """Return the names under `keys`, coarse to fine; without any, the title is the category's id."""
    try:
        texts = [cell_text(record.get(key), key, names=False).strip() for key in keys]
    except CellError as error:
        return _Named("", "", f"category {category}: {error}")
    names = [text for text in texts if text and text.lower() not in NO_CATEGORY]
    return _Named(texts[-1] or category, PATH_MARK.join(names))


def _is_list(value: Any, key: str) -> bool:
    return isinstance(value, dict) and isinstance(value.get(key), list)


def coco_id(value: Any) -> str | None:
    """Return an id as text, 1 and "1" and 1.0 the same; `None` where the value cannot be one.

    A number without its last digits (from 2**53 on, as a float) is none: it could be another's.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return cell_text(value, "id", names=False).strip() or None
    except CellError:
        return None


def open_rpc(entry: SourceEntry, path: Path) -> RpcSource:
    """Return the annotation file of a project's `[[sources]]` entry."""
    return RpcSource(path, entry.name)
