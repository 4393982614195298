"""What is drawn and looked at before anything is trained, and what of the data was not as asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.reading import Opened
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath
from mep3m.recipes.novel.draw import NovelDraw, draw_classes, draw_rows
from mep3m.recipes.novel.photographed import Photographed, numbering
from mep3m.store.rejects import Reject
from mep3m.taxonomy import PATH_SEPARATOR

#: names that a message lists
_SHOWN = 5


@dataclass(frozen=True)
class NovelProtocol:
    """How many classes of a group are novel, how many pictures of a class are learned from, which seeds."""

    novel_per_group: int = 2
    shots: int = 10
    seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class NovelPlan:
    """The draw of every seed, and the test rows of each."""

    protocol: NovelProtocol
    table: Photographed
    test: Photographed
    draws: tuple[NovelDraw, ...]
    tests: tuple[NDArray[np.int64], ...]

    @property
    def fewer(self) -> dict[str, int]:
        """Class -> its pictures, where there are fewer than asked for."""
        rows = self.draws[0].rows
        return {_name(path): len(own) for path, own in rows.items() if len(own) < self.protocol.shots}

    @property
    def small_groups(self) -> list[str]:
        """The groups that are too small to give a novel class."""
        draw = self.draws[0]
        return sorted({path[0] for path in draw.all} - {path[0] for path in draw.novel})

    @property
    def unlabelled(self) -> int:
        """Rows without a class."""
        sides = {id(side): side for side in (self.table, self.test)}.values()
        return sum(len(side.paths) - len(side.labelled) for side in sides)

    @property
    def rejects(self) -> list[Reject]:
        """The pictures that could not be read, each once."""
        return list(dict.fromkeys([*self.table.rejects, *self.test.rejects]))

    @property
    def same_picture(self) -> int:
        """Rows of a test of its own that no seed is tested on, since their picture is learned from."""
        if self.test is self.table:
            return 0
        readable = int((self.test.look(self.test.labelled) >= 0).sum())
        return max(readable - len(rows) for rows in self.tests)

    def remarks(self) -> list[str]:
        """Return what a reader of the scores has to know of the data."""
        protocol, lines = self.protocol, []
        if self.fewer:
            pictures = _listed(f"{name} ({count})" for name, count in self.fewer.items())
            lines.append(
                f"{len(self.fewer)} classes have fewer than {protocol.shots} pictures, and all they have are "
                f"learned from: {pictures}"
            )
        if self.small_groups:
            lines.append(
                f"{len(self.small_groups)} groups have {protocol.novel_per_group} classes or fewer, and none "
                f"of them is novel: {_listed(self.small_groups)}"
            )
        if self.unlabelled:
            lines.append(f"{self.unlabelled:,} rows have no label of the last level and are left out")
        if self.same_picture:
            lines.append(
                f"{self.same_picture:,} test rows are left out: their picture is one of those learned from"
            )
        unseen = {self.test.paths[row] for rows in self.tests for row in rows.tolist()} - {*self.draws[0].all}
        if unseen:
            lines.append(
                f"the test has {len(unseen)} classes that the table has not, and their rows count as wrong: "
                f"{_listed(map(_name, sorted(unseen)))}"
            )
        if self.rejects:
            lines.append(
                f"{len(self.rejects):,} pictures cannot be read and are left out "
                f"(first: {self.rejects[0].reason})"
            )
        return lines


def make_plan(opened: Opened, tested: Opened | None, protocol: NovelProtocol, folder: Path) -> NovelPlan:
    """Draw classes and pictures for every seed, and look at every picture that takes part.

    Without `tested`, the pictures of the table that are not learned from are the test. `folder` keeps small
    copies of the pictures.

    Raises:
        UsageError: no novel class can be drawn, a class has no readable picture, or nothing is left to test.
    """
    reader = numbering(folder)
    table = Photographed(opened, reader)
    test = Photographed(tested, reader, table.tree) if tested is not None else table
    draws = tuple(_draw(table, protocol, seed) for seed in protocol.seeds)
    return NovelPlan(protocol, table, test, draws, tuple(_to_test(table, test, draw) for draw in draws))


def _draw(table: Photographed, protocol: NovelProtocol, seed: int) -> NovelDraw:
    classes = {path for path in table.paths if path}
    base, novel = draw_classes(classes, protocol.novel_per_group, seed)
    rows = draw_rows(table.paths, protocol.shots, seed, table.look)
    empty = [_name(path) for path, own in rows.items() if not len(own)]
    if empty:
        first = f" (first: {table.rejects[0].reason})" if table.rejects else ""
        raise UsageError(
            f"{len(empty)} classes have no picture of their own that can be read: {_listed(empty)}{first}; "
            "mend their pictures, or leave their rows out"
        )
    return NovelDraw(base, novel, rows)


def _to_test(table: Photographed, test: Photographed, draw: NovelDraw) -> NDArray[np.int64]:
    """Return the test rows that can be read and whose picture is none of those learned from.

    Raises:
        UsageError: there is none.
    """
    learned = draw.of(draw.all)
    pictures = test.look(test.labelled)
    kept = test.labelled[(pictures >= 0) & ~np.isin(pictures, table.look(learned))]
    if test is table:
        groups = table.products["group"].to_pylist()
        known = {groups[row] for row in learned.tolist()} - {None}
        kept = np.array([row for row in kept.tolist() if groups[row] not in known], np.int64)
    if not len(kept):
        raise UsageError(
            "no picture is left to test on: name a table of others with --test, or give fewer --shots"
        )
    return kept


def _name(path: LabelPath) -> str:
    return PATH_SEPARATOR.join(path)


def _listed(names: Iterable[str]) -> str:
    every: Sequence[str] = list(names)
    return ", ".join(every[:_SHOWN]) + (", ..." if len(every) > _SHOWN else "")
