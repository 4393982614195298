"""Frames in memory: an Arrow table through a column map, as a table file is read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mep3m.errors import FormatError, NotFoundError, did_you_mean
from mep3m.settings.sources import Columns
from mep3m.sources.columns import ColumnMap, refuse_repeated_ids
from mep3m.sources.parquet import class_names, parquet_batch, top_name
from mep3m.store.rejects import Reject

#: how the rows of a frame name their file and, without a column for it, their platform
FRAME = "frame"


def products_of_frame(table: pa.Table, columns: Columns) -> tuple[pa.Table, list[Reject]]:
    """Return the rows of an Arrow table as products (`PRODUCT_SCHEMA`), and what was refused.

    The same rules as for a table file (`read_products`); rows are counted from 1.

    Raises:
        NotFoundError: the table has no column of that name.
        FormatError: a column holds neither text nor numbers.
    """
    for name in columns.names():
        top = top_name(name, table.column_names)
        if top not in table.column_names:
            raise NotFoundError(f"the frame has no column '{name}'{did_you_mean(name, table.column_names)}")
        kind = table[top].type
        if (pa.types.is_struct(kind) and top == name) or pa.types.is_binary(kind):
            raise FormatError(f"column '{name}' of the frame holds {kind}; give text or image paths")
    mapping, classes = ColumnMap(columns, FRAME, FRAME), class_names(table.schema)
    taken, start = [], 1
    for batch in table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]:
        lines = np.arange(start, start + batch.num_rows, dtype=np.int64)
        taken.append(parquet_batch(batch, mapping, classes, lines))
        start += batch.num_rows
    products, repeated = refuse_repeated_ids(pa.concat_tables([one.products for one in taken]))
    return products, [*(reject for one in taken for reject in one.rejects), *repeated]
