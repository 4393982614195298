"""Levels, subsets and sides of a dataset beside plain loops over its rows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mep3m.dataset.dataset import Dataset
from mep3m.dataset.splits import Split
from mep3m.errors import NotFoundError, UsageError

Path = tuple[str, ...]
#: two places of 茶, a leaf at the first level, rows without any label
PATHS: list[Path] = [
    ("食品", "茶", "绿茶"),
    ("食品", "茶", "红茶"),
    ("食品", "米"),
    ("家居", "茶"),
    ("家居",),
    ("书",),
    (),
]
paths = st.lists(st.sampled_from(PATHS), min_size=1, max_size=14)


def data(rows: list[Path]) -> Dataset:
    return Dataset(pa.table({"id": [str(n) for n in range(len(rows))]}), tuple(rows))


@given(rows=paths, level=st.integers(1, 3))
def test_a_level_holds_the_rows_that_have_it(rows: list[Path], level: int) -> None:
    wanted = [(str(n), path[level - 1]) for n, path in enumerate(rows) if len(path) >= level]
    assume(level <= max(map(len, rows)))
    task = data(rows).at_level(level)
    assert list(zip(task.ids, [row[0] for row in task.cells], strict=True)) == wanted
    assert task.depth == 1


@given(rows=paths, level=st.integers(1, 3))
def test_with_leaves_every_labelled_row_has_a_class(rows: list[Path], level: int) -> None:
    assume(level <= max(map(len, rows)))
    task = data(rows).at_level(level, leaf=True)
    wanted = [(str(n), path[:level][-1]) for n, path in enumerate(rows) if path]
    kept = dict(zip(task.ids, [row[0] for row in task.cells], strict=True))
    for key, deepest in wanted:
        longer = len(rows[int(key)]) >= level
        assert kept[key] == (rows[int(key)][level - 1] if longer else deepest)
    assert len(kept) == len(wanted)


@given(rows=paths, chosen=st.sampled_from([("食品",), ("食品", "茶"), ("家居",), ("米",)]))
def test_a_subset_holds_the_rows_below_it_without_the_names_above(rows: list[Path], chosen: Path) -> None:
    whole = ("食品", "米") if chosen == ("米",) else chosen
    inside = [(n, path) for n, path in enumerate(rows) if path[: len(whole)] == whole]
    finer = [(str(n), path[len(whole) :]) for n, path in inside if len(path) > len(whole)]
    if not inside:
        with pytest.raises(NotFoundError, match="no category"):
            data(rows).subset(chosen)
    elif not finer:
        with pytest.raises(UsageError, match="no finer level"):
            data(rows).subset(chosen)
    else:
        found = data(rows).subset(chosen)
        assert list(zip(found.ids, found.paths, strict=True)) == finer


@given(rows=paths)
def test_a_name_with_two_places_has_to_be_written_out(rows: list[Path]) -> None:
    places = {path[:2] for path in rows if len(path) > 1 and path[1] == "茶"}
    assume(len(places) == 2)
    with pytest.raises(NotFoundError, match="家居 > 茶; 食品 > 茶"):
        data(rows).subset(("茶",))


@given(rows=paths, cut=st.integers(0, 14), order=st.randoms(use_true_random=False))
def test_the_sides_of_a_split_are_the_rows_that_it_lists(rows: list[Path], cut: int, order: object) -> None:
    dataset = data(rows)
    ids = list(dataset.ids)
    order.shuffle(ids)  # type: ignore[attr-defined]
    cut = min(cut, len(ids))
    train, test = dataset.sides(Split("random", 0, 0.5, tuple(ids[:cut]), tuple(ids[cut:])))
    assert (sorted(train.ids), sorted(test.ids)) == (sorted(ids[:cut]), sorted(ids[cut:]))
    for side in (train, test):
        assert [rows[int(key)] for key in side.ids] == list(side.cells)


@given(rows=paths, picked=st.lists(st.integers(0, 13), max_size=9))
def test_rows_are_taken_in_the_order_asked_for(rows: list[Path], picked: list[int]) -> None:
    numbers = [n % len(rows) for n in picked]
    taken = data(rows).take(np.array(numbers, np.int64))
    assert taken.ids == [str(n) for n in numbers]
    assert list(taken.cells) == [rows[n] for n in numbers]


@given(rows=paths)
def test_labelled_rows_are_those_with_a_path(rows: list[Path]) -> None:
    wanted = [str(n) for n, path in enumerate(rows) if path]
    if not wanted:
        with pytest.raises(UsageError, match="has a label"):
            data(rows).labelled()
    else:
        assert data(rows).labelled().ids == wanted
