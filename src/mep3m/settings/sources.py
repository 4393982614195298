"""Where products come from: which column holds what, and how the bytes are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mep3m.settings.base import MAX_PIXELS, Settings

TableFormat = Literal["csv", "tsv", "jsonl", "parquet"]


class Columns(Settings):
    """Which column of a table holds which part of a product; `None` means the table has none.

    `labels` are the category columns from coarse to fine; `path` is the other way to write them,
    one column with all names joined by `separator`. `platform` is the column with the platform that a
    product comes from.
    """

    old_keys: ClassVar[Mapping[str, str]] = {"source": "platform"}

    id: str | None = None
    title: str | None = None
    image: str | None = None
    ocr: str | None = None
    labels: tuple[str, ...] = ()
    path: str | None = None
    separator: Annotated[str, Field(min_length=1)] = ">"
    platform: str | None = None

    @model_validator(mode="after")
    def _one_way_to_write_labels(self) -> Columns:
        if self.labels and self.path:
            raise ValueError("give either 'labels' (one column a level) or 'path' (one column), not both")
        twice = next((name for name in self.labels if self.labels.count(name) > 1), None)
        if twice:
            raise ValueError(f"'labels' names '{twice}' twice; name one column a level, coarse to fine")
        return self

    def names(self) -> list[str]:
        """Return the columns that a table must have."""
        single = [self.id, self.title, self.image, self.ocr, *self.labels, self.path, self.platform]
        return list(dict.fromkeys(name for name in single if name is not None))


class TableSettings(Settings):
    """How to read one table: `format` and `encoding` are detected where they are `None`.

    `source` is the platform's name where no column holds it; `None` takes the file's name.
    """

    columns: Columns = Columns()
    format: TableFormat | None = None
    encoding: str | None = None
    source: str | None = None


class ImageLimits(Settings):
    """What an image may be; checked before it is decoded."""

    max_bytes: Annotated[int, Field(gt=0)] = 20 * 2**20
    max_pixels: Annotated[int, Field(gt=0)] = MAX_PIXELS
    formats: tuple[str, ...] = ("JPEG", "PNG", "GIF", "WEBP", "BMP")


class FetchSettings(Settings):
    """How image URLs are fetched; nothing is fetched unless `enabled`.

    `timeout` and `backoff` are seconds; the wait doubles with every attempt. `hosts` limits the fetch
    to these host names. `allow_private` lets it reach addresses of the own network.
    """

    enabled: bool = False
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    per_host: Annotated[int, Field(ge=1, le=1000)] = 8
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    timeout: Annotated[float, Field(gt=0)] = 20.0
    backoff: Annotated[float, Field(ge=0)] = 0.5
    redirects: Annotated[int, Field(ge=0, le=20)] = 5
    robots: bool = True
    allow_private: bool = False
    hosts: tuple[str, ...] = ()
    agent: str = "mep3m"


class SourceEntry(Settings):
    """One `[[sources]]` of a project; paths are relative to the project file.

    `format` is any format that `mep3m ingest --format` takes (detected from the name where it is
    `None`). `image_root` is the folder below which the image column's paths lie, or the archive (or
    folder of archives) that holds them. `taxonomy` is MEP-3M's spreadsheet. `part_bytes` is the size
    of a shard's input; it is smaller where images are taken in, because a shard is the unit of resume.
    """

    old_keys: ClassVar[Mapping[str, str]] = {"images": "image_root"}

    name: str
    path: str
    format: str | None = None
    encoding: str | None = None
    image_root: str | None = None
    columns: Columns = Columns()
    taxonomy: str | None = None
    part_bytes: Annotated[int | None, Field(ge=1)] = None
    limits: ImageLimits = ImageLimits()
    fetch: FetchSettings = FetchSettings()
