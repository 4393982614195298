"""OCR over a store: fills the `ocr` column, shard by shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.base import Outcome
from mep3m.stages.ocr.cache import ReadingCache, reader_fingerprint
from mep3m.stages.ocr.lines import joined
from mep3m.stages.ocr.read import ImageFile, ImageReader
from mep3m.store import ContentImages, Reject, Store
from mep3m.store.rejects import image_reject


class OcrStage:
    """Reads the image of every row that is not dropped and joins its lines to one (§3.1).

    The readings themselves (polygons, scores) stay in `cache`, by image hash; `store_readings`
    returns them. Run it with one engine worker a machine: it brings its own processes.
    """

    name = "ocr"

    def __init__(self, settings: OcrSettings, pool: PoolSettings, cache: Path) -> None:
        self._settings = settings
        self._pool = pool
        self._cache = cache

    def settings(self) -> Mapping[str, Any]:
        """Return what can change the text; how the processes run cannot."""
        return {**self._settings.model_dump(mode="json"), "reader": reader_fingerprint(self._settings)}

    def process(self, shard: pa.Table, images: ContentImages) -> Outcome:
        """Return the shard with `ocr` read from the images; rows without one keep what the shop gave."""
        rows = shard.select(["id", "source", "image", "dropped", "file", "line"]).to_pylist()
        wanted = [i for i, row in enumerate(rows) if row["image"] and row["dropped"] is None]
        files = [ImageFile(rows[i]["id"], images.file(rows[i]["image"]), rows[i]["image"]) for i in wanted]
        texts: list[str | None] = shard["ocr"].to_pylist()
        rejects: list[Reject] = []
        with (
            ReadingCache(self._cache, self._settings) as cache,
            ImageReader(self._settings, self._pool, cache) as reader,
        ):
            for i, reading in zip(wanted, reader.read(files), strict=True):
                texts[i] = joined(list(reading.lines))
                if reading.error is not None:
                    rejects.append(image_reject("ocr", rows[i], reading.error))
        column = shard.schema.get_field_index("ocr")
        return Outcome(
            shard.set_column(column, shard.schema.field("ocr"), pa.array(texts, pa.string())), rejects
        )


def store_images(store: Store) -> Iterator[ImageFile]:
    """Yield each distinct image of a store's rows that are not dropped, in the order of the rows."""
    seen: set[str] = set()
    for table in store.tables(["image", "dropped"]):
        for image, dropped in zip(*(table[name].to_pylist() for name in ("image", "dropped")), strict=True):
            if image and dropped is None and image not in seen:
                seen.add(image)
                yield ImageFile(image, store.images.file(image), image)


def default_cache(store: Store) -> Path:
    """Return where the readings of a store's images are kept: beside the images they belong to."""
    return store.images.root.parent / "readings.sqlite"
