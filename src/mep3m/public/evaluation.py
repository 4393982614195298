"""The scores of a classifier as small typed objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import pyarrow as pa

from mep3m.evaluation.hierarchy import HierarchyScores
from mep3m.public.frames import Frame


@dataclass(frozen=True)
class LevelSummary:
    """The scores of one level on the `n` rows with a label there.

    `classes` occur in the labels, `known_classes` in the run; `unseen` rows have a label that the run has
    never seen and count as wrong. `macro_f1` is the plain mean over classes, `weighted_f1` is weighted by
    their rows; `ap_macro` and `ap_micro` are average precision, per class and over all pairs.
    """

    level: int
    n: int
    classes: int
    known_classes: int
    unseen: int
    top1: float
    top5: float
    macro_f1: float
    weighted_f1: float
    ap_macro: float
    ap_micro: float


@dataclass(frozen=True)
class Scores:
    """Scores of a run: one object a level, and those that know the tree.

    `refused` rows could not be read. `details` holds everything that `mep3m evaluate --json` prints.
    """

    levels: tuple[LevelSummary, ...]
    hierarchy: HierarchyScores
    refused: int = 0
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Scores:
        """Return the typed form of a card or of what an evaluation gives as JSON values."""
        levels = tuple(_pick(LevelSummary, level) for level in details["levels"])
        hierarchy = _pick(HierarchyScores, details["hierarchical"])
        return cls(levels, hierarchy, int(details.get("refused", 0)), details)

    @property
    def finest(self) -> LevelSummary:
        """The scores of the deepest level."""
        return self.levels[-1]

    @property
    def frame(self) -> Frame[LevelSummary]:
        """The scores as a frame, one row a level."""
        rows = [asdict(level) for level in self.levels]
        return Frame(pa.Table.from_pylist(rows), lambda row: LevelSummary(**row))

    def to_arrow(self) -> pa.Table:
        """Return `frame` as an Arrow table."""
        return self.frame.to_arrow()

    def to_pandas(self) -> Any:
        """Return `frame` as a pandas DataFrame."""
        return self.frame.to_pandas()

    def to_polars(self) -> Any:
        """Return `frame` as a polars DataFrame."""
        return self.frame.to_polars()


def _pick(kind: Any, values: Mapping[str, Any]) -> Any:
    """Return a dataclass of those values that it has fields for."""
    return kind(**{one.name: values[one.name] for one in fields(kind)})
