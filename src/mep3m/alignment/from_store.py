"""The categories of several platforms, as the products of a store show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL.Image import Resampling

from mep3m.alignment.records import Entry, Side
from mep3m.errors import UsageError
from mep3m.imaging.decode import UnreadableImageError, decode
from mep3m.store.images import Images
from mep3m.taxonomy import PATH_SEPARATOR

#: pictures of a category that are measured
PICTURES_KEPT = 16
#: cells a side of the grid in which a picture is measured, and pixels a side of each cell
GRID, CELL = 4, 8


def sides_from_products(
    tables: Iterable[pa.Table], images: Images | None = None, titles_kept: int = 450
) -> list[Side]:
    """Build one side per source from tables with the product schema.

    A category is a distinct `source_path`; its id is the path joined by ' > '. The first
    `titles_kept` titles and OCR texts of each are kept (450 is the paper's own count for its 22,000
    characters), so memory does not grow with the number of products. Dropped rows do not count.
    With `images` the first pictures of each category are measured (`picture_statistics`); their
    mean becomes the entry's `image`.

    Raises:
        UsageError: fewer than two sources have a category path.
    """
    seen_of = _seen_in(tables, images, titles_kept)
    if len(seen_of) < 2:
        raise UsageError(
            "alignment needs the categories of two sources or more; "
            f"found those of {', '.join(seen_of) or 'none: no row has a category path'}"
        )
    return [
        Side(source, tuple(seen.entry(path) for path, seen in sorted(places.items())))
        for source, places in sorted(seen_of.items())
    ]


def side_of_products(tables: Iterable[pa.Table], name: str, titles_kept: int = 450) -> Side:
    """Return the categories of all rows as one platform, whatever source the rows name; see above."""
    places: dict[tuple[str, ...], _Seen] = {}
    for by_path in _seen_in(tables, None, titles_kept).values():
        for path, seen in by_path.items():
            whole = places.setdefault(path, _Seen())
            whole.count += seen.count
            whole.titles += seen.titles[: titles_kept - len(whole.titles)]
            whole.ocr += seen.ocr[: titles_kept - len(whole.ocr)]
    if not places:
        raise UsageError(f"'{name}': no row has a category path; name its columns with --labels or --path")
    return Side(name, tuple(seen.entry(path) for path, seen in sorted(places.items())))


def _seen_in(
    tables: Iterable[pa.Table], images: Images | None, titles_kept: int
) -> dict[str, dict[tuple[str, ...], _Seen]]:
    """Return what the rows show of each category, by source and path."""
    seen_of: dict[str, dict[tuple[str, ...], _Seen]] = {}
    for row in _rows_in_use(tables):
        seen = seen_of.setdefault(row["source"], {}).setdefault(tuple(row["source_path"]), _Seen())
        seen.count += 1
        for text, kept in ((row["title"], seen.titles), (row["ocr"], seen.ocr)):
            if text and len(kept) < titles_kept:
                kept.append(text)
        if images is not None and len(seen.pictures) < PICTURES_KEPT and (of := _picture(images, row)):
            seen.pictures.append(of)
    return seen_of


def picture_statistics(source: bytes | Path) -> NDArray[np.float32] | None:
    """Return what a picture looks like from afar (64,), or `None` where it cannot be decoded.

    A grid of 4 x 4 cells: the mean red, green and blue of each (0 to 1), then how much its grey
    values differ (standard deviation). Transparent parts are white.
    """
    try:
        image = decode(source, suffices=4 * GRID * CELL).image
    except UnreadableImageError:  # the quality checks say why
        return None
    small = image.resize((GRID * CELL, GRID * CELL), Resampling.BOX)
    cells = np.asarray(small, np.float32).reshape(GRID, CELL, GRID, CELL, 3) / 255
    means = cells.mean(axis=(1, 3)).ravel()
    contrast = cells.mean(axis=4).std(axis=(1, 3)).ravel()
    return np.concatenate([means, contrast])


def _picture(images: Images, row: dict[str, Any]) -> tuple[float, ...]:
    """Return the statistics of a row's picture, empty where it has none that can be read."""
    source = images.locate(row)
    try:
        statistics = picture_statistics(source) if source else None
    except OSError:
        return ()
    return () if statistics is None else tuple(statistics.tolist())


@dataclass
class _Seen:
    """What the products of one category have shown so far."""

    titles: list[str] = field(default_factory=list)
    ocr: list[str] = field(default_factory=list)
    pictures: list[tuple[float, ...]] = field(default_factory=list)
    count: int = 0

    def entry(self, path: tuple[str, ...]) -> Entry:
        image = tuple(np.mean(self.pictures, axis=0).tolist()) if self.pictures else ()
        texts = tuple(self.titles), tuple(self.ocr)
        return Entry(PATH_SEPARATOR.join(path), path, (), *texts, self.count, image=image)


def _rows_in_use(tables: Iterable[pa.Table]) -> Iterator[dict[str, Any]]:
    """Yield the rows that have a category path and are not dropped."""
    columns = ["source", "source_path", "title", "ocr", "dropped", "image", "image_ref"]
    batches = (batch for table in tables for batch in table.select(columns).to_batches(max_chunksize=4096))
    for row in (row for batch in batches for row in batch.to_pylist()):
        if row["dropped"] is None and row["source_path"]:
            yield row
