"""Vectors with the ids of their products as one Parquet file, or as .npy with the ids beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mep3m.exports.rows import ending
from mep3m.store.filesystem import atomic_write

#: what the name of a file of vectors may end in
ENDINGS = (".parquet", ".npy")
#: key of the facts of the encoders in the metadata of a Parquet file
FACTS = b"mep3m"
#: takes ids (columns id and, where the data tells shops apart, platform) and vectors (n, D) float32
WriteVectors = Callable[[pa.Table, NDArray[np.float32]], None]


def ids_file(path: Path) -> Path:
    """Return the file of ids beside an .npy file of vectors: JSON lines, in the order of the vectors."""
    return path.with_suffix(".ids.jsonl")


@contextmanager
def vector_file(
    path: Path, ids: Sequence[str], width: int, facts: Mapping[str, Any]
) -> Iterator[WriteVectors]:
    """Yield what writes vectors of this width; files appear whole, when the block ends without error.

    `ids` are the names of the columns with the user's ids. A Parquet file has these and `vector`
    (list of float32), and `facts` of the encoders as JSON in its metadata under `mep3m`.

    Raises:
        UsageError: the name has another ending.
    """
    kind = _parquet if ending(path, ENDINGS) == ".parquet" else _npy
    with kind(path, ids, width, facts) as write:
        yield write


@contextmanager
def _parquet(path: Path, ids: Sequence[str], width: int, facts: Mapping[str, Any]) -> Iterator[WriteVectors]:
    fields = [*((name, pa.string()) for name in ids), ("vector", pa.list_(pa.float32()))]
    schema = pa.schema(fields, {FACTS: orjson.dumps(facts)})
    with (
        atomic_write(path) as temporary,
        pq.ParquetWriter(temporary, schema, use_dictionary=list(ids)) as writer,
    ):

        def write(names: pa.Table, vectors: NDArray[np.float32]) -> None:
            ends = pa.array(np.arange(len(vectors) + 1) * width, pa.int32())
            lists = pa.ListArray.from_arrays(ends, pa.array(vectors.ravel(), pa.float32()))
            writer.write_table(pa.table([*names.columns, lists], schema=schema))

        yield write


@contextmanager
def _npy(path: Path, ids: Sequence[str], width: int, facts: Mapping[str, Any]) -> Iterator[WriteVectors]:
    count = 0
    with (
        atomic_write(path) as temporary,
        temporary.open("wb") as file,
        atomic_write(ids_file(path)) as listed,
        listed.open("wb") as lines,
    ):

        def header() -> None:
            # as long for any number of rows, so that it can be written again when their number is known
            form = {"descr": "<f4", "fortran_order": False, "shape": (count, width)}
            np.lib.format.write_array_header_1_0(file, form)

        def write(names: pa.Table, vectors: NDArray[np.float32]) -> None:
            nonlocal count
            count += len(vectors)
            file.write(np.ascontiguousarray(vectors, "<f4").tobytes())
            lines.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in names.to_pylist())

        header()
        yield write
        file.seek(0)
        header()
