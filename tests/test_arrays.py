"""Groups of what is linked, against a search by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mep3m.arrays import components

COUNT = 9
PAIRS = st.lists(st.tuples(st.integers(0, COUNT - 1), st.integers(0, COUNT - 1)), max_size=12)


def reached(start: int, pairs: list[tuple[int, int]]) -> set[int]:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        near = {b for a, b in pairs if a == here} | {a for a, b in pairs if b == here}
        waiting += near - seen
        seen |= near
    return seen


@given(PAIRS)
def test_a_group_is_all_that_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    groups = components(np.array(pairs, np.int64).reshape(-1, 2), COUNT)
    for thing in range(COUNT):
        assert set(np.flatnonzero(groups == groups[thing]).tolist()) == reached(thing, pairs)
    first = [int(np.flatnonzero(groups == group)[0]) for group in range(int(groups.max()) + 1)]
    assert first == sorted(first)


def test_nothing_is_in_no_group() -> None:
    assert components(np.zeros((0, 2), np.int64), 0).tolist() == []
