"""The parts of a promise: branches that are filed by a threshold of their own, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.label_tree.tree import LabelTree

#: files nothing
NEVER = float("inf")


@dataclass(frozen=True)
class PromisePart:
    """One branch (a first-level label; `None` is all others together) and what its own test says.

    With `confidence`, at least `precision` of what is filed in it at `threshold` is right: `errors` of
    `filed` of its `n` audited rows were wrong. Without a threshold nothing is proven, and its products go to
    review: they fall back to what lies above the first level.
    """

    branch: str | None
    threshold: float | None
    precision: float
    confidence: float
    n: int
    filed: int
    errors: int
    bound: float

    def to_json(self) -> dict[str, Any]:
        """Return the part as a promise's file holds it."""
        values = asdict(self)
        return {"branch": values.pop("branch"), "lambda": values.pop("threshold"), **values}

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> PromisePart:
        """Read what `to_json` gave."""
        names = [one.name for one in fields(cls)]
        return cls(**{name: value["lambda" if name == "threshold" else name] for name in names})


def row_thresholds(
    parts: Sequence[PromisePart], threshold: float, tree: LabelTree, firsts: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Return the threshold (N,) of rows whose likely first-level nodes are `firsts` (N,).

    Without parts it is `threshold` for all; `NEVER` where a part proves nothing.
    """
    if not parts:
        return np.full(len(firsts), threshold)
    least = {part.branch: NEVER if part.threshold is None else part.threshold for part in parts}
    first_level = tree.paths[tree.nodes(1)]
    of_node = np.array([least.get(path[0], least.get(None, NEVER)) for path in first_level])
    return of_node[firsts]


def part_of(parts: Sequence[PromisePart], tree: LabelTree, firsts: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the place in `parts` (N,) of the part that each row lies in."""
    place = {part.branch: number for number, part in enumerate(parts)}
    of_node = [place.get(path[0], place.get(None, -1)) for path in tree.paths[tree.nodes(1)]]
    return np.array(of_node, dtype=np.intp)[firsts]
