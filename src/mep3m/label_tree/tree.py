"""The label tree as arrays: what every network, metric and probability is indexed by.

A name that occurs below several parents (19 third-level names of a real medical catalogue do) is
several nodes here, one a path, so every node has one parent and probabilities can add up. Scores
of a level are still taken on the name in the label cell, through `LabelTree.names`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from mep3m.errors import ModelError, TaxonomyError
from mep3m.taxonomy import Taxonomy

LabelPath = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class LabelTree:
    """C nodes ordered by level, then by path; a path is the names or ids from the first level down.

    `parent` (C,) holds the index of the node above, -1 at the first level. A flat problem is a tree
    with one level. The columns of every `predict_proba` are these nodes in this order. A leaf may
    end at any level, the first included.

    Raises:
        TaxonomyError: a path is empty, occurs twice, is out of order, or its parent is missing.
    """

    paths: tuple[LabelPath, ...]
    parent: NDArray[np.int32] = field(init=False, repr=False)
    starts: tuple[int, ...] = field(init=False, repr=False)
    _index: dict[LabelPath, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        index = {path: i for i, path in enumerate(self.paths)}
        self._check(index)
        parent = np.array([index.get(path[:-1], -1) for path in self.paths], dtype=np.int32)
        lengths = np.array([len(path) for path in self.paths])
        depth = int(lengths.max()) if len(lengths) else 0
        starts = tuple(int(np.searchsorted(lengths, level)) for level in range(1, depth + 2))
        object.__setattr__(self, "_index", index)
        object.__setattr__(self, "parent", parent)
        object.__setattr__(self, "starts", starts)

    def _check(self, index: dict[LabelPath, int]) -> None:
        previous: tuple[int, LabelPath] = (0, ())
        for path in self.paths:
            key = (len(path), path)
            if not path or key <= previous:
                raise TaxonomyError(
                    f"label path {path!r} is empty, occurs twice or is out of order after {previous[1]!r}; "
                    "build the tree with LabelTree.from_paths"
                )
            if len(path) > 1 and path[:-1] not in index:
                raise TaxonomyError(f"label path {path!r} has no parent {path[:-1]!r} in the tree")
            previous = key

    @classmethod
    def from_paths(cls, paths: Iterable[LabelPath]) -> LabelTree:
        """Build the tree that holds every path and all of its prefixes."""
        nodes = {path[:depth] for path in set(paths) for depth in range(1, len(path) + 1)}
        return cls(tuple(sorted(nodes, key=lambda path: (len(path), path))))

    @classmethod
    def from_taxonomy(cls, taxonomy: Taxonomy) -> LabelTree:
        """Build the tree of a taxonomy, archived nodes left out; a path holds category ids.

        A node below an archived one is left out too.
        """
        paths = (taxonomy.path(category.id) for category in taxonomy)
        kept = [nodes for nodes in paths if not any(node.archived for node in nodes)]
        return cls.from_paths(tuple(node.id for node in nodes) for nodes in kept)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def depth(self) -> int:
        """The number of levels."""
        return len(self.starts) - 1

    def nodes(self, level: int) -> slice:
        """Return the columns of one level (1 = coarsest)."""
        return slice(self.starts[level - 1], self.starts[level])

    def index(self, path: LabelPath) -> int:
        """Return the column of a path, or -1 where the tree does not hold it."""
        return self._index.get(path, -1)

    def encode(self, paths: Sequence[LabelPath]) -> NDArray[np.int32]:
        """Return (N, depth) columns: entry [n, k] is the node of row n at level k + 1, -1 if unknown."""
        codes = np.full((len(paths), self.depth), -1, dtype=np.int32)
        for row, path in enumerate(paths):
            for level in range(1, min(len(path), self.depth) + 1):
                codes[row, level - 1] = self._index.get(path[:level], -1)
        return codes

    @cached_property
    def levels(self) -> NDArray[np.int32]:
        """The level of every node (C,), 1 = coarsest."""
        sizes = np.diff(self.starts)
        return np.repeat(np.arange(1, self.depth + 1, dtype=np.int32), sizes)

    @cached_property
    def leaves(self) -> NDArray[np.int32]:
        """The columns of the nodes that have no child, ascending."""
        inner = np.zeros(len(self.paths), dtype=bool)
        inner[self.parent[self.parent >= 0]] = True
        return np.flatnonzero(~inner).astype(np.int32)

    @cached_property
    def ancestors(self) -> NDArray[np.int32]:
        """(C, depth): entry [c, k] is the node of c's path at level k + 1, -1 below c itself."""
        table = np.full((len(self.paths), self.depth), -1, dtype=np.int32)
        columns = np.arange(len(self.paths), dtype=np.int32)
        for level in range(1, self.depth + 1):
            here = self.nodes(level)
            if level > 1:
                table[here] = table[self.parent[here]]
            table[here, level - 1] = columns[here]
        return table

    @cached_property
    def first_of_name(self) -> NDArray[np.int32]:
        """(C,): the first column of the same level that has the node's name, so mostly the node itself."""
        first: dict[tuple[int, str], int] = {}
        columns = [first.setdefault((len(path), path[-1]), column) for column, path in enumerate(self.paths)]
        return np.array(columns, dtype=np.int32)

    def frontier(self, level: int) -> NDArray[np.int32]:
        """Return the columns that part every product at one level, ascending.

        These are the nodes of the level and the leaves above it: the paper's 688-way third level
        is the third-level id where there is one, else the second-level id.
        """
        above = self.leaves[self.leaves < self.starts[level - 1]]
        return np.concatenate([above, np.arange(*self.nodes(level).indices(len(self)), dtype=np.int32)])

    def targets(self, codes: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return `encode`'s (N, depth) codes with a leaf carried down to the levels below it.

        What stays -1 is a level where the product's label is not known.
        """
        is_leaf = np.zeros(len(self.paths) + 1, dtype=bool)
        is_leaf[self.leaves] = True
        targets = codes.copy()
        for level in range(1, self.depth):
            above = targets[:, level - 1]
            fill = (targets[:, level] < 0) & (above >= 0) & is_leaf[above]
            targets[fill, level] = above[fill]
        return targets

    def names(self, level: int) -> tuple[list[str], NDArray[np.int32]]:
        """Return the distinct names of one level, sorted, and each node's place in that list.

        Two nodes of the level share a place where one name has several parents.
        """
        here = self.paths[self.nodes(level)]
        names = sorted({path[-1] for path in here})
        place = {name: i for i, name in enumerate(names)}
        return names, np.array([place[path[-1]] for path in here], dtype=np.int32)

    def shared_names(self) -> dict[tuple[int, str], tuple[LabelPath, ...]]:
        """Return every (level, name) that stands below more than one parent, with its paths."""
        paths_of: dict[tuple[int, str], list[LabelPath]] = {}
        for path in self.paths:
            paths_of.setdefault((len(path), path[-1]), []).append(path)
        return {key: tuple(paths) for key, paths in paths_of.items() if len(paths) > 1}

    def contradictions(self, paths: Iterable[LabelPath]) -> Counter[tuple[LabelPath, str]]:
        """Count label paths that this tree refuses, by (path up to the first wrong name, reason).

        Such a row keeps the part above the wrong name as a coarser label (`encode` stops there).
        """
        known = {(len(path), path[-1]): path for path in self.paths}
        counts: Counter[tuple[LabelPath, str]] = Counter()
        for path in paths:
            cut = next(
                (path[:depth] for depth in range(1, len(path) + 1) if self.index(path[:depth]) < 0), None
            )
            if cut is None:
                continue
            other = known.get((len(cut), cut[-1]))
            above = f"below '{' > '.join(other[:-1])}'" if other and other[:-1] else "at the first level"
            where = f"stands {above} in the tree" if other else "is not in the tree"
            counts[cut, where] += 1
        return counts

    @cached_property
    def version(self) -> str:
        """A short hash of the paths: two trees have the same columns exactly when this is equal."""
        return hashlib.sha256(orjson.dumps(self.to_json())).hexdigest()[:12]

    def require_same(self, other: LabelTree, what: str) -> None:
        """Refuse a tree that is not this one; `what` says whose tree `other` is.

        Raises:
            ModelError: the trees differ; the message counts and shows the differing nodes.
        """
        ours, theirs = set(self.paths), set(other.paths)
        if ours == theirs:
            return
        parts = [
            f"{len(nodes)} only in {owner} (such as {' > '.join(min(nodes))})"
            for nodes, owner in ((theirs - ours, what), (ours - theirs, "the model"))
            if nodes
        ]
        raise ModelError(
            f"the tree of {what} (version {other.version}) is not the model's (version {self.version}): "
            f"{'; '.join(parts)}. Train again on the new tree, or use the tree the model was trained with"
        )

    def to_json(self) -> list[list[str]]:
        """Return the paths as JSON lists."""
        return [list(path) for path in self.paths]

    @classmethod
    def from_json(cls, value: list[list[Any]]) -> LabelTree:
        """Rebuild the tree that `to_json` wrote."""
        return cls(tuple(tuple(path) for path in value))
