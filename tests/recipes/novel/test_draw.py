"""Who is novel and what is learned from: by seed alone, never a whole group, never a picture twice."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mep3m.errors import UsageError
from mep3m.recipes.novel.draw import NovelDraw, draw_classes, draw_rows

Classes = list[tuple[str, str]]
classes = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("123456")), min_size=1)


def shelf(*sizes: int) -> Classes:
    return [(f"g{group}", f"c{n}") for group, size in enumerate(sizes) for n in range(size)]


def each_its_own(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows


def test_two_of_each_of_rpcs_17_groups_leave_166_base_classes() -> None:
    sizes = (12, 9, 9, 11, 12, 17, 15, 11, 11, 14, 12, 8, 10, 12, 10, 20, 7)
    base, novel = draw_classes(shelf(*sizes), 2, seed=0)
    assert (len(base), len(novel)) == (166, 34)
    assert set(Counter(path[0] for path in novel).values()) == {2}


@given(classes, st.integers(1, 3), st.integers(0, 5))
def test_novel_and_base_are_all_classes_and_no_group_is_novel_whole(
    paths: Classes, per_group: int, seed: int
) -> None:
    sizes = Counter(path[0] for path in set(paths))
    if max(sizes.values()) <= per_group:
        with pytest.raises(UsageError, match="no novel class can be drawn"):
            draw_classes(paths, per_group, seed)
        return
    base, novel = draw_classes(paths, per_group, seed)
    assert sorted([*base, *novel]) == sorted(set(paths))
    assert {path[0] for path in base} == set(sizes)
    drawn = Counter(path[0] for path in novel)
    assert all(drawn[name] == (per_group if size > per_group else 0) for name, size in sizes.items())
    assert draw_classes(paths[::-1], per_group, seed) == (base, novel)


def test_seeds_draw_differently() -> None:
    assert len({draw_classes(shelf(6, 6, 6), 2, seed)[1] for seed in range(10)}) > 5


def test_a_small_table_says_what_it_lacks() -> None:
    with pytest.raises(UsageError, match=r"a group of 6 classes or more, and the largest of 2, 'g1', has 4"):
        draw_classes(shelf(2, 4), 5, 0)


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", ""]), st.integers(-1, 12)), min_size=1),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_what_is_learned_from_is_readable_and_different(
    given_rows: list[tuple[str, int]], shots: int, seed: int
) -> None:
    paths = [("g", name) if name else () for name, _ in given_rows]
    pictures = np.array([number for _, number in given_rows])
    rows = draw_rows(paths, shots, seed, lambda asked: pictures[asked])
    assert set(rows) == set(paths) - {()}
    drawn = np.concatenate([*rows.values(), np.zeros(0, np.int64)])
    assert len(set(pictures[drawn].tolist())) == len(drawn)
    assert (pictures[drawn] >= 0).all()
    for path, own in rows.items():
        assert all(paths[row] == path for row in own)
        others = set(pictures[drawn].tolist()) - set(pictures[own].tolist())
        possible = {int(p) for p, one in zip(pictures, paths, strict=True) if one == path and p >= 0} - others
        assert len(own) == min(shots, len(possible))


def test_no_more_pictures_are_looked_at_than_needed() -> None:
    asked: list[int] = []

    def look(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        asked.extend(rows.tolist())
        return rows

    draw_rows([("g", "a")] * 1000, 10, 0, look)
    assert len(asked) == 10


def test_rows_of_some_classes_are_ascending() -> None:
    paths = [("g", "a"), ("g", "b"), ("g", "a"), ("h", "c")]
    rows = draw_rows(paths, 5, 0, each_its_own)
    draw = NovelDraw((("g", "a"), ("h", "c")), (("g", "b"),), rows)
    assert draw.of(draw.base).tolist() == [0, 2, 3]
    assert draw.of(draw.all).tolist() == [0, 1, 2, 3]
