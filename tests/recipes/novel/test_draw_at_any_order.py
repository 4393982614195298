"""The draw of Table 9 on any table: base and novel never mix, shots are exact, order decides nothing."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath
from mep3m.recipes.novel.draw import NovelDraw, draw_classes, draw_rows
from mep3m.recipes.novel.plan import NovelProtocol, make_plan
from tests.recipes.novel.conftest import opened, write_table
from tests.recipes.novel.test_plan import rows_of

#: rows of (group, class) in any order, each a picture of its own; and how they may be turned
tables = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("1234")), min_size=4, max_size=60)


def drawn(
    paths: list[LabelPath], per_group: int, shots: int, seed: int, pictures: NDArray[np.int64] | None = None
) -> NovelDraw:
    numbers = np.arange(len(paths)) if pictures is None else pictures
    base, novel = draw_classes(paths, per_group, seed)
    return NovelDraw(base, novel, draw_rows(paths, shots, seed, lambda asked: numbers[asked]))


@settings(max_examples=60)
@given(tables, st.integers(1, 3), st.integers(1, 6), st.integers(0, 4))
def test_base_and_novel_never_mix_and_shots_are_exact(
    paths: list[LabelPath], per_group: int, shots: int, seed: int
) -> None:
    try:
        draw = drawn(paths, per_group, shots, seed)
    except UsageError:
        assert max(Counter(path[0] for path in set(paths)).values()) <= per_group
        return
    assert not set(draw.base) & set(draw.novel)
    assert set(draw.all) == set(paths)
    base, novel = draw.of(draw.base), draw.of(draw.novel)
    assert not set(base.tolist()) & set(novel.tolist())
    assert {paths[row] for row in base.tolist()} == set(draw.base)
    assert {paths[row] for row in novel.tolist()} == set(draw.novel)
    have = Counter(paths)
    assert {path: len(rows) for path, rows in draw.rows.items()} == {
        path: min(shots, count) for path, count in have.items()
    }
    assert draw.of(draw.all).tolist() == sorted([*base.tolist(), *novel.tolist()])


@settings(max_examples=40)
@given(tables, st.integers(1, 3), st.integers(0, 4))
def test_the_same_seed_is_the_same_draw_and_another_table_of_the_same_classes_too(
    paths: list[LabelPath], shots: int, seed: int
) -> None:
    if max(Counter(path[0] for path in set(paths)).values()) < 2:
        return
    one, again = drawn(paths, 1, shots, seed), drawn(paths, 1, shots, seed)
    assert one.novel == again.novel
    assert all(one.rows[path].tolist() == again.rows[path].tolist() for path in one.all)
    # who is novel hangs on the classes, not on their rows, their number or their order
    assert draw_classes(sorted(set(paths)) * 3, 1, seed) == (one.base, one.novel)
    assert draw_classes(paths[::-1], 1, seed) == (one.base, one.novel)


@settings(max_examples=40)
@given(tables, st.integers(0, 4))
def test_rows_of_a_class_do_not_hang_on_how_others_lie_between_them(
    paths: list[LabelPath], seed: int
) -> None:
    """Classes may be mixed in any way: as long as a class keeps the order of its rows, it has the same."""
    order = sorted(range(len(paths)), key=lambda row: (paths[row], row))
    turned = [paths[row] for row in order]
    one = draw_rows(paths, 2, seed, lambda asked: asked)
    other = draw_rows(turned, 2, seed, lambda asked: asked)
    for path, rows in other.items():
        assert [order[row] for row in rows.tolist()] == one[path].tolist()


def test_a_table_turned_round_has_the_same_novel_classes_in_the_same_numbers(
    shelf: Path, tmp_path: Path
) -> None:
    protocol = NovelProtocol(novel_per_group=1, shots=2, seeds=(0, 1, 2))
    turned = write_table(shelf / "mixed.tsv", sorted(rows_of(shelf), key=lambda row: row[0][::-1]))
    plans = [
        make_plan(opened(table), opened(shelf / "test.tsv"), protocol, tmp_path / table.stem)
        for table in (shelf / "shelf.tsv", turned, shelf / "shelf.tsv")
    ]
    for one, other, again in zip(*(plan.draws for plan in plans), strict=True):
        assert one.base == other.base == again.base
        assert one.novel == other.novel
        assert [rows.tolist() for rows in one.rows.values()] == [
            rows.tolist() for rows in again.rows.values()
        ]
        assert {len(rows) for draw in (one, other) for rows in draw.rows.values()} == {2}
    assert len({draw.novel for draw in plans[0].draws}) > 1
    assert [rows.tolist() for rows in plans[0].tests] == [rows.tolist() for rows in plans[1].tests]


@pytest.mark.parametrize("shots", [1, 4])
def test_no_test_row_is_learned_from_and_none_of_the_rest_is_lost(
    shots: int, shelf: Path, tmp_path: Path
) -> None:
    protocol = NovelProtocol(novel_per_group=2, shots=shots, seeds=(5,))
    plan = make_plan(opened(shelf / "shelf.tsv"), None, protocol, tmp_path)
    learned, tested = plan.draws[0].of(plan.draws[0].all).tolist(), plan.tests[0].tolist()
    assert not set(learned) & set(tested)
    assert len(learned) == shots * len(plan.draws[0].all)
    assert len(learned) + len(tested) == len(plan.table.paths)
    with pytest.raises(UsageError, match="no picture is left to test on"):
        make_plan(opened(shelf / "shelf.tsv"), None, replace(protocol, shots=99), tmp_path)
