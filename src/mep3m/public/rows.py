"""The rows that a trained run is asked about: through the run's own columns, every row answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from mep3m.assignment.run import Run
from mep3m.dataset.reading import Opened, pictures_of, store_folder
from mep3m.public.frames import to_arrow
from mep3m.public.inputs import (
    column_fields,
    existing,
    image_root_of,
    is_path,
    open_frame,
)
from mep3m.public.product_set import ProductSet
from mep3m.settings.sources import Columns


@dataclass(frozen=True)
class Asked:
    """Products, and the id that the caller knows each by."""

    opened: Opened
    ids: list[str]


def ask(run: Run, data: Any, given: Mapping[str, Any], labels: bool = False) -> Asked:
    """Read what a run is asked about; with `labels`, its label columns are read too.

    In a frame every row counts, whether its id was there before or not.

    Raises:
        NotFoundError: there is no such path, or no column that the run reads.
    """
    if isinstance(data, ProductSet):
        products = data.dataset.products
        return Asked(replace(data.opened, products=products), products["source_id"].to_pylist())
    if is_path(data):
        return _ask_path(run, data, given, labels)
    wanted = _columns(run, given, labels)
    table = to_arrow(data, wanted.title or "title")
    ids = _ids(table, wanted)
    wanted = wanted.model_copy(update={"id": None, "platform": _there(wanted.platform, table, given)})
    if table.column_names == [wanted.title] and not labels:  # titles alone: the rest is missing
        wanted = Columns(title=wanted.title)
    return Asked(open_frame(table, wanted, image_root_of(given) or run.image_root), ids)


def _ask_path(run: Run, data: Any, given: Mapping[str, Any], labels: bool) -> Asked:
    path = existing(data)
    if path.is_dir() and not pictures_of(path):
        path = store_folder(path)
    opened = run.read(path, labels, column_fields(given), image_root_of(given), ids=not labels)
    if path.is_dir():  # what a stage has dropped is not asked about
        opened = replace(opened, products=opened.products.filter(opened.products["dropped"].is_null()))
    return Asked(opened, opened.products["source_id"].to_pylist())


def _columns(run: Run, given: Mapping[str, Any], labels: bool) -> Columns:
    unlabelled = {} if labels else {"labels": (), "path": None}
    fields = {**run.columns.model_dump(), **unlabelled, **column_fields(given)}
    if not any(fields.get(name) for name in ("title", "image", "ocr")):  # trained on a store
        fields["title"] = "title"
    return Columns.parse(fields, "columns")


def _ids(table: pa.Table, columns: Columns) -> list[str]:
    """Return the caller's ids, and the number of the row from 0 where there is none."""
    numbers = [str(number) for number in range(table.num_rows)]
    if columns.id is None or columns.id not in table.column_names:
        return numbers
    own = table[columns.id].cast(pa.string()).to_pylist()
    return [key if key is not None else number for key, number in zip(own, numbers, strict=True)]


def _there(column: str | None, table: pa.Table, given: Mapping[str, Any]) -> str | None:
    """Return the platform column if the frame has it or the caller named it: no answer depends on it."""
    return column if column in table.column_names or "platform" in given else None
