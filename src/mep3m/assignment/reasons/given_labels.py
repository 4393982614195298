"""Labels that people gave or reviewed: a prediction adds levels below one, and never takes its place."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.product import Origin

#: origins of labels that stand
STANDING: tuple[Origin, ...] = ("given", "reviewed")


@dataclass(frozen=True)
class GivenLabel:
    """The label of a product from the first level down, with the origin of its deepest level."""

    path: LabelPath
    origin: str

    def is_extended_by(self, path: LabelPath, filed: bool) -> bool:
        """Return whether filing at a path would only add levels below the label."""
        return filed and len(path) > len(self.path) and path[: len(self.path)] == self.path


def given_labels(tree: LabelTree, products: pa.Table) -> dict[int, GivenLabel]:
    """Return the given or reviewed label of each row that has one, by the number of the row.

    Labels of another tree than the model's, such as a shop's own before alignment, are none.
    """
    if "labels" not in products.column_names:
        return {}
    labels = products["labels"].combine_chunks()
    has = pc.fill_null(pc.greater(pc.list_value_length(labels), 0), False)
    rows = pc.indices_nonzero(has).to_pylist()
    found = {}
    for row, label in zip(rows, labels.take(pa.array(rows, pa.int64())).to_pylist(), strict=True):
        known = [one for one in label if one["category"] is not None]
        path = tuple(one["category"] for one in known)
        if known and known[-1]["origin"] in STANDING and tree.index(path[:1]) >= 0:
            found[row] = GivenLabel(path, known[-1]["origin"])
    return found
