"""Products from frames and paths, and which column of them holds what."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import pyarrow as pa

from mep3m.dataset.reading import Opened, known_lines, open_products, store_folder, with_own_ids
from mep3m.errors import NotFoundError, UsageError, did_you_mean
from mep3m.public.frames import to_arrow
from mep3m.settings.sources import Columns
from mep3m.sources.frames import products_of_frame
from mep3m.store.images import FolderImages

PathLike = str | os.PathLike[str]


class ColumnNames(TypedDict, total=False):
    """Keywords that say which column of a table or frame holds what; those not given are not there.

    `title`, `image` (a file name below `image_root`), `ocr` (text read in the image), `id` and `platform`
    (the shop) name one column each. `labels` names the category columns, coarse to fine; `path`
    is the other way to write them: one column with all names, with `separator` (default '>')
    between them, and `lists` says what a list in that column is: one "path" (default) or several
    "categories", of which the first counts. `image_root` is the folder that image names are relative
    to: a table file's own folder where it is not given, the working directory for a frame.
    """

    title: str
    labels: str | Sequence[str]
    path: str
    separator: str
    image: str
    image_root: PathLike
    ocr: str
    id: str
    platform: str
    lists: Literal["path", "categories"]


def column_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `ColumnNames` as fields of `settings.sources.Columns`.

    Raises:
        UsageError: there is no such keyword; the message names the nearest.
    """
    allowed = ColumnNames.__annotations__
    for name in given:
        if name not in allowed:
            raise UsageError(f"there is no option '{name}'{did_you_mean(name, allowed)}")
    fields = {name: value for name, value in given.items() if name != "image_root" and value is not None}
    if isinstance(labels := fields.get("labels"), str):
        fields["labels"] = (labels,)
    return fields


def image_root_of(given: Mapping[str, Any]) -> Path | None:
    """Return the folder of the images that the caller named."""
    root = given.get("image_root")
    return None if root is None else Path(root).resolve()


def is_path(data: object) -> bool:
    """Say whether the caller gave a path: a `Path`, or a text (a single title is given in a list)."""
    return isinstance(data, str | os.PathLike)


def existing(data: PathLike) -> Path:
    """Return the path of a file or folder.

    Raises:
        NotFoundError: it does not exist.
    """
    path = Path(data)
    if not path.exists():
        raise NotFoundError(f"'{path}' is no file or folder; a single title is given in a list: ['{path}']")
    return path


def open_path(path: Path, columns: Columns, image_root: Path | None = None) -> Opened:
    """Read a table file, a store, or the dataset in a folder that `build` wrote.

    Raises:
        NotFoundError: there is no such path or column.
        UsageError: it is a table without named columns, or a store with named ones.
    """
    if not path.is_dir():
        return open_products(path, columns, image_root)
    if columns.names():
        names = ", ".join(columns.names())
        raise UsageError(f"{path} is a folder; columns are named of tables only ({names})")
    return open_products(store_folder(path))


def open_frame(table: pa.Table, columns: Columns, image_root: Path | None = None) -> Opened:
    """Return the rows of a frame as products.

    Raises:
        NotFoundError: the frame has no such column; the message names the nearest.
        UsageError: no column is named.
    """
    if not columns.names():
        raise UsageError(
            "name the columns of the frame, at least title= or image= "
            f"(it has {', '.join(map(str, table.column_names))})"
        )
    products, rejects = products_of_frame(table, columns)
    products = with_own_ids(products, columns, known_lines(products, rejects), first=0)
    images = FolderImages(image_root or Path.cwd()) if columns.image else None
    return Opened(products, images, rejects, None)


def open_any(data: Any, columns: Columns, image_root: Path | None = None) -> Opened:
    """Read products from a path or a frame, through a column map."""
    if is_path(data):
        return open_path(existing(data), columns, image_root)
    return open_frame(to_arrow(data, columns.title or "title"), columns, image_root)
