from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.evaluation.clusters import Agreement, b_cubed, pairwise

GROUPS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
        st.lists(st.integers(0, 4), min_size=n, max_size=n),
    )
)


def test_a_worked_example() -> None:
    found, true = ["a", "a", "a", "b", "b"], [1, 1, 2, 2, 2]
    # pairs found: 3 + 1, true: 1 + 3, both: (0, 1) and (3, 4)
    assert pairwise(found, true) == Agreement(2 / 4, 2 / 4)
    precision = (2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5
    recall = (1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5
    assert b_cubed(found, true).precision == pytest.approx(precision)
    assert b_cubed(found, true).recall == pytest.approx(recall)
    assert b_cubed(found, true).f1 == pytest.approx(2 * precision * recall / (precision + recall))


@settings(deadline=None)
@given(GROUPS)
def test_they_match_the_definitions(groups: tuple[list[int], list[int]]) -> None:
    found, true = groups
    a = {pair for pair in combinations(range(len(found)), 2) if found[pair[0]] == found[pair[1]]}
    b = {pair for pair in combinations(range(len(true)), 2) if true[pair[0]] == true[pair[1]]}
    score = pairwise(found, true)
    assert score.precision == pytest.approx(len(a & b) / len(a) if a else 1.0)
    assert score.recall == pytest.approx(len(a & b) / len(b) if b else 1.0)
    shares = []
    for i in range(len(found)):
        mine = {j for j in range(len(found)) if found[j] == found[i]}
        right = {j for j in range(len(true)) if true[j] == true[i]}
        shares.append((len(mine & right) / len(mine), len(mine & right) / len(right)))
    assert b_cubed(found, true).precision == pytest.approx(sum(p for p, _ in shares) / len(shares))
    assert b_cubed(found, true).recall == pytest.approx(sum(r for _, r in shares) / len(shares))


@settings(deadline=None)
@given(GROUPS)
def test_the_truth_is_perfect_and_names_do_not_matter(groups: tuple[list[int], list[int]]) -> None:
    _, true = groups
    renamed = [f"group {name}" for name in true]
    assert pairwise(renamed, true) == b_cubed(renamed, true) == Agreement(1.0, 1.0)


def test_nothing_at_all_and_uneven_lengths() -> None:
    assert pairwise([], []) == b_cubed([], []) == Agreement(1.0, 1.0)
    assert Agreement(0.0, 0.0).f1 == 0.0
    with pytest.raises(ValueError, match="3 items"):
        pairwise([1, 2, 3], [1, 2])
