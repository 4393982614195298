"""Frames in memory: an Arrow table through a column map, as a table file is read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from mep3m.errors import FormatError, NotFoundError, did_you_mean
from mep3m.settings.sources import Columns
from mep3m.sources.columns import ColumnMap, refuse_repeated_ids
from mep3m.sources.tables import class_names, named, text_cells
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
    classes = class_names(table.schema)
    cells = {}
    for name in columns.names():
        if name not in table.column_names:
            raise NotFoundError(f"the frame has no column '{name}'{did_you_mean(name, table.column_names)}")
        column = table[name].combine_chunks()
        if pa.types.is_struct(column.type) or pa.types.is_binary(column.type):
            raise FormatError(f"column '{name}' of the frame holds {column.type}; give text or image paths")
        cells[name] = text_cells(named(column, classes.get(name)), name, "the frame")
    lines = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return refuse_repeated_ids(ColumnMap(columns, FRAME, FRAME).products(cells, lines))
