"""The label tree as arrays: what every network, metric and probability is indexed by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Path = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LabelTree:
    """C nodes ordered by level, then by path; a path is the names or ids from the first level down.

    `parent` (C,) holds the index of the node above, -1 at the first level. A flat problem is a tree
    with one level. The columns of every `predict_proba` are these nodes in this order.
    """

    paths: tuple[Path, ...]
    parent: NDArray[np.int32] = field(init=False, repr=False)
    starts: tuple[int, ...] = field(init=False, repr=False)
    _index: dict[Path, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index = {path: i for i, path in enumerate(self.paths)}
        parent = np.array([index.get(path[:-1], -1) for path in self.paths], dtype=np.int32)
        lengths = np.array([len(path) for path in self.paths])
        depth = int(lengths.max()) if len(lengths) else 0
        starts = tuple(int(np.searchsorted(lengths, level)) for level in range(1, depth + 2))
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "parent", parent)
        object.__setattr__(self, "starts", starts)

    @classmethod
    def from_paths(cls, paths: Iterable[Path]) -> LabelTree:
        """Build the tree that holds every path and all of its prefixes."""
        nodes = {path[:depth] for path in set(paths) for depth in range(1, len(path) + 1)}
        return cls(tuple(sorted(nodes, key=lambda path: (len(path), path))))

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def depth(self) -> int:
        """The number of levels."""
        return len(self.starts) - 1

    def nodes(self, level: int) -> slice:
        """Return the columns of one level (1 = coarsest)."""
        return slice(self.starts[level - 1], self.starts[level])

    def index(self, path: Path) -> int:
        """Return the column of a path, or -1 where the tree does not hold it."""
        return self._index.get(path, -1)

    def encode(self, paths: Sequence[Path]) -> NDArray[np.int32]:
        """Return (N, depth) columns: entry [n, k] is the node of row n at level k + 1, -1 if unknown."""
        codes = np.full((len(paths), self.depth), -1, dtype=np.int32)
        for row, path in enumerate(paths):
            for level in range(1, min(len(path), self.depth) + 1):
                codes[row, level - 1] = self._index.get(path[:level], -1)
        return codes

    @property
    def leaves(self) -> NDArray[np.int32]:
        """The columns of the nodes that have no child, ascending."""
        inner = np.zeros(len(self.paths), dtype=bool)
        inner[self.parent[self.parent >= 0]] = True
        return np.flatnonzero(~inner).astype(np.int32)

    def to_json(self) -> list[list[str]]:
        """Return the paths as JSON lists."""
        return [list(path) for path in self.paths]

    @classmethod
    def from_json(cls, value: list[list[Any]]) -> LabelTree:
        """Rebuild the tree that `to_json` wrote."""
        return cls(tuple(tuple(path) for path in value))
