"""Which products are novel, and which pictures of each are learned from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath

#: row numbers -> a number for each picture, the same for the same picture, -1 for one that cannot be read
Look = Callable[[NDArray[np.int64]], NDArray[np.int64]]


@dataclass(frozen=True)
class NovelDraw:
    """The base and the novel classes, and the rows (at most `shots` each) that are learned from."""

    base: tuple[LabelPath, ...]
    novel: tuple[LabelPath, ...]
    rows: dict[LabelPath, NDArray[np.int64]]

    def of(self, classes: Iterable[LabelPath]) -> NDArray[np.int64]:
        """Return the rows of these classes, ascending."""
        return np.sort(np.concatenate([self.rows[path] for path in classes]))

    @cached_property
    def all(self) -> tuple[LabelPath, ...]:
        """The base and the novel classes."""
        return self.base + self.novel


def draw_classes(
    classes: Iterable[LabelPath], per_group: int, seed: int
) -> tuple[tuple[LabelPath, ...], tuple[LabelPath, ...]]:
    """Return (base, novel): "from each of 17 meta classes we select two products as novel class" (§7).

    A group is what the first label names. One without a class to spare (`per_group` + 1 of them) gives none,
    so that no group is new.

    Raises:
        UsageError: no group has so many classes.
    """
    groups: dict[str, list[LabelPath]] = defaultdict(list)
    for path in sorted(set(classes)):
        groups[path[0]].append(path)
    generator = np.random.default_rng(seed)
    novel: list[LabelPath] = []
    for name in sorted(groups):
        inside = groups[name]
        if len(inside) > per_group:
            novel += [inside[n] for n in sorted(generator.choice(len(inside), per_group, replace=False))]
    if not novel:
        largest = max(groups, key=lambda name: len(groups[name]))
        raise UsageError(
            f"no novel class can be drawn: that takes a group of {per_group + 1} classes or more, and the "
            f"largest of {len(groups)}, '{largest}', has {len(groups[largest])}; give fewer "
            "--novel-per-group, or a coarser first label"
        )
    taken = set(novel)
    return tuple(path for name in sorted(groups) for path in groups[name] if path not in taken), tuple(novel)


def draw_rows(
    paths: Sequence[LabelPath], shots: int, seed: int, look: Look
) -> dict[LabelPath, NDArray[np.int64]]:
    """Return the rows of each class that are learned from: `shots` different readable pictures, or all.

    `paths` has the class of every row, `()` for one that has none. A picture is drawn once, whatever
    class it is under.
    """
    own: dict[LabelPath, list[int]] = defaultdict(list)
    for row, path in enumerate(paths):
        if path:
            own[path].append(row)
    generator = np.random.default_rng([seed, shots])
    waiting = {path: generator.permutation(own[path]) for path in sorted(own)}
    chosen: dict[LabelPath, list[int]] = {path: [] for path in waiting}
    seen: set[int] = set()
    while asked := {path: rows[: shots - len(chosen[path])] for path, rows in waiting.items()}:
        every = [(path, row) for path, rows in asked.items() for row in rows.tolist()]
        pictures = look(np.array([row for _, row in every])).tolist()
        for (path, row), picture in zip(every, pictures, strict=True):
            if picture >= 0 and picture not in seen:
                seen.add(picture)
                chosen[path].append(row)
        waiting = {path: waiting[path][len(rows) :] for path, rows in asked.items()}
        waiting = {path: rows for path, rows in waiting.items() if len(rows) and len(chosen[path]) < shots}
    return {path: np.array(rows, np.int64) for path, rows in chosen.items()}
