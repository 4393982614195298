"""Frames in and out: whatever holds rows becomes an Arrow table, and results become the caller's frame."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa

from mep3m.errors import FormatError, MissingExtraError, NotFoundError, UsageError, did_you_mean
from mep3m.store.rejects import Reject

Row = TypeVar("Row")

#: rows that are Python objects at one time while a frame is read
CHUNK = 4096
#: rows that the text form of a frame shows
SHOWN = 10


@dataclass(frozen=True, repr=False)
class Frame(Generic[Row]):
    """The rows of a result, in the order of the rows that were given.

    Iterating gives one typed object a row, `frame["name"]` one column as a list, and `to_pandas`,
    `to_polars` and `to_arrow` the whole as a table. Anything that takes Arrow data (pandas, polars,
    DuckDB, pyarrow) takes a frame as it is. `refused` are the input rows that could not be used,
    with their reasons.

    Example:
        >>> links = mep3m.propose(["电视 > 曲面电视"], ["家电 > 曲面电视"])
        >>> len(links), links.columns[:3]
        (1, ['left_id', 'left_label', 'relation'])
        >>> links["right_id"]
        ['家电 > 曲面电视']
        >>> [link.relation for link in links]
        ['exact']
    """

    table: pa.Table
    row: Callable[[dict[str, Any]], Row]
    refused: tuple[Reject, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Row]:
        for batch in self.table.to_batches(max_chunksize=CHUNK):
            yield from map(self.row, batch.to_pylist())

    def __getitem__(self, column: str) -> list[Any]:
        if column not in self.columns:
            raise NotFoundError(f"there is no column '{column}'{did_you_mean(column, self.columns)}")
        values: list[Any] = self.table[column].to_pylist()
        return values

    def __repr__(self) -> str:
        rows = [" | ".join(self.columns)]
        rows += [" | ".join(map(str, row.values())) for row in self.table.slice(0, SHOWN).to_pylist()]
        more = [f"… and {len(self) - SHOWN:,} more"] if len(self) > SHOWN else []
        return "\n".join([f"{len(self):,} rows", *rows, *more])

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    def to_arrow(self) -> pa.Table:
        """Return the rows as a pyarrow table."""
        return self.table

    def to_pandas(self) -> Any:
        """Return the rows as a pandas DataFrame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        needs("pandas")
        return self.table.to_pandas()

    def to_polars(self) -> Any:
        """Return the rows as a polars DataFrame.

        Raises:
            MissingExtraError: polars is not installed.
        """
        return needs("polars").from_arrow(self.table)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def needs(package: str) -> Any:
    """Import a frame package that mep3m itself does not need.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"'{package}' is not installed. Install it with: pip install {package}"
        ) from error


def to_arrow(data: Any, text: str = "title") -> pa.Table:
    """Return rows in any form as an Arrow table; a list of texts becomes the column `text`.

    Rows may be a pandas, polars or any other frame with Arrow's C interface, an Arrow table or batch, a
    mapping of columns, a list of mappings (a key that a row lacks is missing there), or a list or
    series of texts.

    Raises:
        UsageError: it is none of these, or has no rows.
        FormatError: a column holds values of several types.
    """
    try:
        table = _table(data, text)
    except (pa.ArrowException, TypeError) as error:
        raise FormatError(
            f"the {kind(data)} cannot be read as columns ({error}); give every column values of one type"
        ) from error
    names = list(map(str, table.column_names))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FormatError(f"the {kind(data)} has the column '{twice}' twice; rename one")
    if not table.num_rows:
        raise UsageError(f"the {kind(data)} has no rows")
    return pa.table({str(name): _plain(table[name]) for name in table.column_names})


def _plain(column: Any) -> Any:
    """Return a column without the encodings of other packages: categories and views as plain values."""
    if pa.types.is_dictionary(column.type):
        chunks = [_plain(chunk.dictionary).take(chunk.indices) for chunk in column.chunks]
        return pa.chunked_array(chunks)
    return column.cast(pa.string()) if column.type == pa.string_view() else column


def kind(data: object) -> str:
    """Return how messages call what the caller gave."""
    return "list" if isinstance(data, list | tuple) else type(data).__name__


def _table(data: Any, text: str) -> pa.Table:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, Mapping):
        return _of_columns(data)
    if hasattr(data, "collect") and not hasattr(data, "__arrow_c_stream__"):  # a lazy frame of polars
        data = data.collect()
    if hasattr(data, "columns"):
        return _table_of_frame(data)
    return _table_of_rows(data, text)


def _table_of_frame(data: Any) -> pa.Table:
    """Return the table of a frame of another package."""
    if type(data).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(data, preserve_index=False)
    if hasattr(data, "__arrow_c_stream__"):
        return pa.table(data)
    if hasattr(data, "to_arrow"):
        return data.to_arrow()
    raise UsageError(f"{_wanted(data)}: it does not offer Arrow data (__arrow_c_stream__ or to_arrow)")


def _table_of_rows(data: Any, text: str) -> pa.Table:
    """Return the table of a sequence of mappings or texts; a series or an array is one too."""
    for method in ("to_pylist", "to_list", "tolist"):
        if hasattr(data, method):
            data = getattr(data, method)()
            break
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise UsageError(_wanted(data))
    rows: list[Any] = [None if row != row else row for row in data]  # a missing text is NaN
    if all(row is None or isinstance(row, str) for row in rows):
        return pa.table({text: pa.array(rows, pa.string())})
    other = next((row for row in rows if not isinstance(row, Mapping)), None)
    if other is not None:
        raise UsageError(f"{_wanted(data)} holding {type(other).__name__}")
    names = dict.fromkeys(itertools.chain.from_iterable(rows))
    return _of_columns({name: [row.get(name) for row in rows] for name in names})


def _of_columns(columns: Mapping[Any, Any]) -> pa.Table:
    """Return the table of named sequences; the NaN that pandas puts for a missing text is missing."""
    arrays = {
        str(name): values if isinstance(values, pa.ChunkedArray) else pa.array(values, from_pandas=True)
        for name, values in columns.items()
    }
    return pa.table(arrays)


def _wanted(data: object) -> str:
    return (
        "give a frame (pandas, polars, Arrow), a list of dicts, a list of titles or the path of a file, "
        f"not {kind(data)}"
    )
