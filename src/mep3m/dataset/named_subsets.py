"""Subsets by name: those that the paper publishes, and the rows below any category."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mep3m.dataset.dataset import Dataset, LabelPath
from mep3m.errors import NotFoundError
from mep3m.sources.mep3m.for_rpc import rpc_links
from mep3m.sources.mep3m.spreadsheet import category_id

#: the level of MEP-3M's sub-classes
_SUB_CLASS = 2


def subset_of(dataset: Dataset, path: LabelPath) -> Dataset:
    """Return the published subset of that name, else the rows below one category (`Dataset.subset`).

    Raises:
        NotFoundError: no row is in it.
        UsageError: the category has no finer level.
    """
    if len(path) == 1 and path[0] in NAMED:
        return NAMED[path[0]](dataset)
    return dataset.subset(path)


def for_rpc(dataset: Dataset) -> Dataset:
    """Return MEP-for-RPC (§7): the rows of the 26 sub-classes, with their labels as they are.

    A sub-class is known by the id that it has in a store of MEP-3M, or by its name in the second label column
    of a table, or in the only one.

    Raises:
        NotFoundError: no row is of one of them.
    """
    names = {name for link in rpc_links() for name in (category_id(_SUB_CLASS, link[0]), link.sub_class_name)}
    level = min(_SUB_CLASS, max(dataset.depth, 1))
    rows = np.array([n for n, name in enumerate(dataset.names(level)) if name in names], np.int64)
    if not len(rows):
        raise NotFoundError(
            f"none of the {len(dataset):,} rows is of one of the {len({link[0] for link in rpc_links()})} "
            "sub-classes of MEP-for-RPC; it is a subset of MEP-3M: ingest that with --format mep3m, or name "
            "the columns class_name,sub_class_name of a table with --labels"
        )
    return dataset.take(rows)


#: name -> the function that takes its rows
NAMED: dict[str, Callable[[Dataset], Dataset]] = {"for-rpc": for_rpc}
