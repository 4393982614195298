"""What products have beside their columns: further images and categories, descriptions, variants.

They lie beside a store's shards (`Layout.extras`): product, field, number, value. The file is made anew
whenever the sources are read, before the shards, so that a finished store always has it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.ingest.origin import Catalogues
from mep3m.store.filesystem import atomic_write
from mep3m.store.layout import Layout

EXTRAS_SCHEMA = pa.schema(
    [("product", pa.string()), ("field", pa.string()), ("number", pa.int32()), ("value", pa.string())]
)
#: rows that are written together
GROUP = 50_000


def write_extras(catalogues: Catalogues, folder: Path) -> int:
    """Write the extras of all sources that have any, and return how many there are; none writes no file."""
    rows = _rows(catalogues)
    first = list(itertools.islice(rows, GROUP))
    path = Layout(folder).extras
    if not first:
        path.unlink(missing_ok=True)
        return 0
    count = 0
    with (
        atomic_write(path) as temporary,
        pq.ParquetWriter(temporary, EXTRAS_SCHEMA, compression="zstd") as writer,
    ):
        while first:
            columns = [
                pa.array(column, kind)
                for column, kind in zip(zip(*first, strict=True), EXTRAS_SCHEMA.types, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=EXTRAS_SCHEMA))
            count += len(first)
            first = list(itertools.islice(rows, GROUP))
    return count


def _rows(catalogues: Catalogues) -> Iterator[tuple[str, str, int, str]]:
    for index in range(len(catalogues.entries)):
        extras = getattr(catalogues.source(index), "extras", None)
        if extras is not None:
            yield from extras()
