"""Where products come from: which column holds what, and how the bytes are written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mep3m.settings.base import Settings

TableFormat = Literal["csv", "tsv", "jsonl", "parquet"]


class Columns(Settings):
    """Which column of a table holds which part of a product; `None` means the table has none.

    `labels` are the category columns from coarse to fine; `path` is the other way to write them,
    one column with all names joined by `separator`. `source` names the column with the platform.
    """

    id: str | None = None
    title: str | None = None
    image: str | None = None
    ocr: str | None = None
    labels: tuple[str, ...] = ()
    path: str | None = None
    separator: Annotated[str, Field(min_length=1)] = ">"
    source: str | None = None

    @model_validator(mode="after")
    def _one_way_to_write_labels(self) -> Columns:
        if self.labels and self.path:
            raise ValueError("give either 'labels' (one column a level) or 'path' (one column), not both")
        return self

    def names(self) -> list[str]:
        """Return the columns that a table must have."""
        single = [self.id, self.title, self.image, self.ocr, *self.labels, self.path, self.source]
        return list(dict.fromkeys(name for name in single if name is not None))


class TableSettings(Settings):
    """How to read one table: `format` and `encoding` are found out where they are `None`.

    `source` is the platform's name where no column holds it; `None` takes the file's name.
    """

    columns: Columns = Columns()
    format: TableFormat | None = None
    encoding: str | None = None
    source: str | None = None
