"""What other pairs say about a pair, and the assignment, on small trees by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.learned.structure import FirstPass, Pairs, assign, best_matching, inherited, structure
from mep3m.alignment.names.compare import Tree, trees
from mep3m.alignment.records import Entry, Side


def tree(*paths: str) -> Side:
    return Side("a", tuple(Entry(path, tuple(path.split(">"))) for path in paths))


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def pair_of_trees() -> tuple[Tree, Tree]:
    """Left: 0 食品, 1 食品>茶, 2 食品>茶>绿茶; right: 0 食品, 1 食品>茶."""
    return trees(tree("食品", "食品>茶", "食品>茶>绿茶"), tree("食品", "食品>茶"))


def test_pairs_are_sorted_and_distinct_and_found() -> None:
    pairs = Pairs(ints(1, 0, 1), ints(0, 1, 0), 2)
    assert (pairs.rows.tolist(), pairs.columns.tolist()) == ([0, 1], [1, 0])
    assert pairs.find(ints(1, 1, -1), ints(0, 1, 0)).tolist() == [1, -1, -1]


def test_nothing_is_found_among_no_pairs() -> None:
    assert Pairs(ints(), ints(), 2).find(ints(0, 1), ints(0, 1)).tolist() == [-1, -1]


def test_a_category_inherits_the_match_of_its_nearest_matched_ancestor() -> None:
    left, right = pair_of_trees()
    pairs = Pairs(ints(0, 1, 2), ints(0, 1, 0), 2)
    rows, columns = inherited(left, right, pairs, np.array([0.9, 0.8, 0.1]))
    assert (2, 1) in set(zip(rows.tolist(), columns.tolist(), strict=True))
    rows, columns = inherited(left, right, pairs, np.array([0.9, 0.2, 0.1]))
    assert (2, 0) in set(zip(rows.tolist(), columns.tolist(), strict=True))


def test_features_of_the_neighbourhood() -> None:
    left, right = pair_of_trees()
    pairs = Pairs(ints(0, 1, 1, 2), ints(0, 0, 1, 1), 2)
    first = np.array([0.9, 0.1, 0.8, 0.3])
    found = structure(left, right, pairs, FirstPass(first, first, first), np.array([0.1, 0.5, 0.2, 0.5]))
    assert found["scripted"].tolist() == [0, 1, 0, 1]
    assert found["above"].tolist()[2] == pytest.approx(0.9)
    assert np.isnan(found["above"][0])
    assert found["above_l"].tolist()[3] == pytest.approx(0.8)
    assert found["below"].tolist()[0] == pytest.approx(0.8)
    assert found["rank_l"].tolist() == [0, 1, 0, 0]
    assert found["margin_l"].tolist() == pytest.approx([0.9, -0.7, 0.7, 0.3])
    assert found["margin_r"].tolist() == pytest.approx([0.8, -0.8, 0.5, -0.5])
    assert found["inherit_l"].tolist()[3] == pytest.approx(0.8)
    assert found["assigned"].tolist() == [1, 0, 1, 0]
    assert found["known_l"].tolist() == pytest.approx([2 / 3] * 4)


def test_the_assignment_prefers_the_best_sum_over_the_best_pair() -> None:
    rows, columns = ints(0, 0, 1), ints(0, 1, 0)
    assert assign(rows, columns, np.array([0.9, 0.8, 0.85]), 0.1).tolist() == [False, True, True]
    assert assign(rows, columns, np.array([0.9, 0.05, 0.85]), 0.1).tolist() == [True, False, False]
    assert assign(rows, columns, np.array([0.0, 0.0, 0.0]), 0.1).tolist() == [False] * 3


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 1)), max_size=25))
def test_an_assignment_uses_every_category_once_and_leaves_no_free_pair(
    rows: list[tuple[int, int, float]],
) -> None:
    cells = {(i, j): p for i, j, p in rows}
    i, j, p = ints(*(i for i, _ in cells)), ints(*(j for _, j in cells)), np.array(list(cells.values()))
    taken = assign(i, j, p, 0.5)
    assert len(set(i[taken])) == len(set(j[taken])) == taken.sum()
    assert (p[taken] >= 0.5).all()
    free = ~np.isin(i, i[taken]) & ~np.isin(j, j[taken])
    assert not (p[free] >= 0.5).any()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 2)), max_size=20))
def test_a_matching_takes_each_once_and_is_as_good_as_scipys_dense_one(
    cells: list[tuple[int, int, float]],
) -> None:
    from scipy.optimize import linear_sum_assignment

    table = np.zeros((6, 6))
    for row, column, gain in cells:
        table[row, column] = gain
    rows, columns = np.nonzero(table)
    taken = best_matching(rows, columns, table[rows, columns])
    assert len(set(rows[taken].tolist())) == len(set(columns[taken].tolist())) == taken.sum()
    best = table[linear_sum_assignment(table, maximize=True)].sum()
    assert table[rows[taken], columns[taken]].sum() == pytest.approx(best)
