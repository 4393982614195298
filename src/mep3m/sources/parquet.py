"""Columns of Parquet files as cells: lists, objects, embedded images, class numbers, numbers as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.errors import FormatError
from mep3m.sources.base import Batch
from mep3m.sources.cells import PATH_MARK, WHOLE, CellError, record_cell, too_large, value_at
from mep3m.sources.columns import ColumnMap
from mep3m.store.rejects import INGEST, Reject


def parquet_batch(
    batch: pa.RecordBatch, mapping: ColumnMap, classes: Mapping[str, list[str]], lines: NDArray[np.int64]
) -> Batch:
    """Return the products of a batch; a row whose value cannot be the text of a cell is refused.

    Raises:
        FormatError: a column holds what cannot be text in any row.
    """
    columns = mapping.columns
    problems: dict[int, str] = {}
    contents: list[bytes | None] | None = None
    cells: dict[str, pa.Array] = {}
    for name in columns.names():
        top = top_name(name, batch.schema.names)
        column = batch.column(top)
        if name == columns.image and (images := embedded_images(column)) is not None:
            cells[name], contents = images
        else:
            cells[name] = _cells(named(column, classes.get(top)), name, mapping, problems)
    if not problems:
        return mapping.take(cells, lines, contents)
    rejects = [
        Reject(INGEST, mapping.source, reason, file=mapping.file, line=int(lines[row]))
        for row, reason in sorted(problems.items())
    ]
    keep = np.ones(len(lines), dtype=bool)
    keep[list(problems)] = False
    kept = (
        None if contents is None else [content for content, good in zip(contents, keep, strict=True) if good]
    )
    taken = mapping.take(
        {name: cell.filter(pa.array(keep)) for name, cell in cells.items()}, lines[keep], kept
    )
    return Batch(taken.products, rejects + taken.rejects, taken.contents)


def top_name(name: str, header: Sequence[str]) -> str:
    """Return the column that holds a cell: itself, or for 'outer.inner' the outer one."""
    return name if name in header else name.split(".")[0]


def class_names(schema: pa.Schema) -> dict[str, list[str]]:
    """Return the names of integer class columns, which the datasets library keeps in the metadata."""
    try:
        features = orjson.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            name: [str(each) for each in value["names"]]
            for name, value in features.items()
            if isinstance(value, dict) and isinstance(value.get("names"), list)
        }
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError):
        return {}


def named(column: pa.Array, names: list[str] | None) -> pa.Array:
    """Return class names for class numbers; a number without a name (-1: no label) is missing."""
    if not names or not pa.types.is_integer(column.type):
        return column
    known = pc.and_(pc.greater_equal(column, 0), pc.less(column, len(names)))
    return pa.array(names, pa.string()).take(pc.if_else(known, column, pa.scalar(None, column.type)))


def embedded_images(column: pa.Array) -> tuple[pa.Array, list[bytes | None]] | None:
    """Return the paths and the bytes of a column of images, `None` where it holds no bytes.

    An image is binary, or an object {bytes, path}; of a list of them the first one counts.
    """
    inner = column.type.value_type if _is_list(column.type) else column.type
    if pa.types.is_struct(inner):
        if not {"bytes", "path"} & {field.name for field in inner}:
            return None
    elif not _is_binary(inner) or (inner is column.type and _texts_as_bytes(column)):
        return None
    paths: list[str | None] = []
    contents: list[bytes | None] = []
    for value in column.to_pylist():
        if isinstance(value, list):
            value = next((item for item in value if item is not None), None)
        image = value if isinstance(value, dict) else {"bytes": value}
        paths.append(image.get("path"))
        contents.append(image.get("bytes"))
    return pa.array(paths, pa.string()), contents


def _texts_as_bytes(column: pa.Array) -> bool:
    """Whether a binary column holds texts, as some programs write them: no image is valid UTF-8."""
    try:
        column.cast(pa.binary()).cast(pa.string()).validate(full=True)
    except pa.ArrowException:
        return False
    return bool(column.null_count < len(column))


def _cells(column: pa.Array, name: str, mapping: ColumnMap, problems: dict[int, str]) -> pa.Array:
    """Return a column as text; `problems` gets the rows whose value cannot be text."""
    kind = column.type
    if pa.types.is_floating(kind):
        large = pc.and_(pc.is_finite(column), pc.greater_equal(pc.abs(column), float(WHOLE)))
        for row in pc.indices_nonzero(pc.fill_null(large, False)).to_pylist():
            problems[row] = too_large(column[row].as_py(), name)
        return _numbers(column)
    if _is_list(kind) and name == mapping.columns.path and _is_text(kind.value_type):
        items = column.cast(pa.list_(pa.string()))
        if not items.flatten().null_count:
            return pc.binary_join(items, PATH_MARK)
    if _is_list(kind) or pa.types.is_struct(kind) or pa.types.is_map(kind):
        return _nested(column, name, mapping, problems)
    if pa.types.is_dictionary(kind):
        return _cells(column.cast(kind.value_type), name, mapping, problems)
    try:
        return column.cast(pa.string())
    except pa.ArrowException as error:
        raise FormatError(f"{mapping.file}: column '{name}' holds {kind}, not text or numbers") from error


def _nested(column: pa.Array, name: str, mapping: ColumnMap, problems: dict[int, str]) -> pa.Array:
    top = name.split(".")[0]
    texts: list[str | None] = []
    for row, value in enumerate(column.to_pylist()):
        record: dict[str, Any] = {name: value} if top == name else {top: value}
        try:
            texts.append(record_cell({name: value_at(record, name)}, name, mapping.columns))
        except CellError as error:
            problems.setdefault(row, str(error))
            texts.append(None)
    return pa.array(texts, pa.string())


def _numbers(column: pa.Array) -> pa.Array:
    """Return floats as text, whole ones without a fraction or an exponent: 6901234567890, not 6.9e+12."""
    wide, none = column.cast(pa.float64()), pa.scalar(None, pa.float64())
    finite = pc.and_(pc.is_finite(wide), pc.less(pc.abs(wide), float(WHOLE)))
    whole = pc.fill_null(pc.and_(finite, pc.equal(pc.floor(wide), wide)), False)
    integers = pc.if_else(whole, wide, none).cast(pa.int64()).cast(pa.string())
    known = pc.if_else(
        pc.is_nan(column), pa.scalar(None, column.type), column
    )  # NaN is how pandas writes null
    return pc.coalesce(integers, known.cast(pa.string()))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    )
