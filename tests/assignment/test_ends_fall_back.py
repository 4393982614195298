"""What a promise does not cover at a category is filed above it, and is never more often wrong for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.assignment.edited_promise import MovedTree
from mep3m.assignment.ends import closed_nodes, fall_back, under_promise
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.watching.fallen import FallenBranches, write_fallen
from mep3m.label_tree.tree import LabelPath, LabelTree
from tests.assignment.test_ends import PROMISE
from tests.label_tree.test_likely_path import TREE as DEEP
from tests.label_tree.test_likely_path import some

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z")])
ASKED: list[LabelPath] = [("a", "x"), ("a",), ("b", "z"), ()]
#: z and all of b lie in a now
LATER = LabelTree.from_paths([("a", "x"), ("a", "y"), ("a", "b", "z")])
PLACES: list[LabelPath] = [("a",), ("a", "b"), ("a", "x"), ("a", "y"), ("a", "b", "z")]
MOVED = MovedTree.of(TREE, LATER, np.array([LATER.index(path) for path in PLACES]))


def ended(closed: dict[int, str]) -> tuple[list[LabelPath], list[str | None]]:
    found, why = fall_back(TREE, np.array([TREE.index(path) for path in ASKED], dtype=np.int32), closed)
    return [TREE.paths[node] if node >= 0 else () for node in found.tolist()], why


@pytest.mark.parametrize(
    ("fallen", "expected", "told"),
    [
        ([], [("a", "x"), ("a",), ("b", "z"), ()], [None] * 4),
        ([("a", "x")], [("a",), ("a",), ("b", "z"), ()], ["x", None, None, None]),
        ([("a",)], [(), (), ("b", "z"), ()], ["a", "a", None, None]),
        ([("a",), ("a", "x")], [(), (), ("b", "z"), ()], ["x", "a", None, None]),
        ([("gone",)], [("a", "x"), ("a",), ("b", "z"), ()], [None] * 4),
        ([()], [("a", "x"), ("a",), ("b", "z"), ()], [None] * 4),  # the policy stops everything
    ],
)
def test_filings_fall_back_to_what_lies_above_the_branch(
    fallen: list[LabelPath], expected: list[LabelPath], told: list[str | None]
) -> None:
    paths, why = ended(closed_nodes(TREE, fallen))
    assert paths == expected
    for one, branch in zip(why, told, strict=True):
        assert one is None if branch is None else str(one).startswith(f"'{branch}' fell back")


def test_only_the_category_itself_is_lost_where_something_left_it() -> None:
    paths, why = ended({TREE.index(("a",)): "y left it"})
    assert paths == [("a", "x"), (), ("b", "z"), ()]
    assert why == [None, "y left it", None, None]


def test_several_levels_of_closed_categories_are_passed() -> None:
    paths, _ = ended({TREE.index(("a",)): "one", TREE.index(("a", "x")): "two"})
    assert paths == [(), (), ("b", "z"), ()]


@pytest.mark.parametrize("branch", [("a", "b"), ("a", "b", "z"), ("b", "z")])
def test_a_branch_falls_by_its_place_of_before_and_of_after_edits(branch: LabelPath) -> None:
    """What is filed after edits is watched by the paths of today, which the promise's tree does not have."""
    paths, why = ended(closed_nodes(TREE, [branch], MOVED))
    assert paths == [("a", "x"), ("a",), () if branch == ("a", "b") else ("b",), ()]
    assert [one is None for one in why] == [True, True, False, True]


def test_a_branch_of_today_takes_what_edits_brought_into_it() -> None:
    paths, _ = ended(closed_nodes(TREE, [("a",)], MOVED))
    assert paths == [(), (), (), ()]


@given(
    st.integers(0, 10_000),
    st.floats(0.2, 0.95),
    st.sets(st.integers(0, len(DEEP) - 1), max_size=4),
    st.sets(st.integers(0, len(DEEP) - 1), max_size=4),
    st.integers(1, 3),
)
def test_no_row_becomes_wrong_and_none_is_filed_that_was_not(
    tmp_path_factory: pytest.TempPathFactory, seed: int, threshold: float, fallen: set[int], lost: set[int],
    min_level: int,
) -> None:  # fmt: skip
    """The proof covers it: each filing is at or above the tested one, as probable, and open."""
    proba = some(40, seed).astype(np.float64)
    place = np.arange(len(DEEP), dtype=np.int32)
    promise = replace(PROMISE, threshold=threshold, min_level=min_level)
    file = tmp_path_factory.mktemp("p") / "p.json"
    policy = FilingPolicy(promise, file)
    before = under_promise(DEEP, proba, None, policy)
    write_fallen(file, promise.id, FallenBranches(tuple(DEEP.paths[node] for node in fallen)))
    moved = replace(MovedTree.of(DEEP, DEEP, place), lost=dict.fromkeys(lost, "left"))
    after = under_promise(DEEP, proba, proba, replace(policy, moved=moved))
    for row in range(len(proba)):
        if after.reasons[row] is not None:
            continue
        assert before.reasons[row] is None
        old, new = DEEP.paths[before.nodes[row]], DEEP.paths[after.nodes[row]]
        assert old[: len(new)] == new  # right wherever the tested node is right
        assert proba[row, after.nodes[row]] >= threshold
        assert len(new) >= min_level
        assert after.nodes[row] not in lost
        assert not any(new[: len(DEEP.paths[node])] == DEEP.paths[node] for node in fallen)
        # no deeper category on the way would have done
        between = [DEEP.index(old[:depth]) for depth in range(len(new) + 1, len(old) + 1)]
        assert all(node in closed_nodes(DEEP, [DEEP.paths[f] for f in fallen], moved) for node in between)


def test_a_lost_category_is_filed_above_where_that_is_covered(tmp_path: Path) -> None:
    tree = LabelTree.from_paths([("a", "b", "x"), ("a", "b", "y"), ("a", "c", "z")])
    later = LabelTree.from_paths([("a", "b", "x"), ("a", "c", "y"), ("a", "c", "z")])
    where = [("a",), ("a", "b"), ("a", "c"), ("a", "b", "x"), ("a", "c", "y"), ("a", "c", "z")]
    moved = MovedTree.of(tree, later, np.array([later.index(path) for path in where], dtype=np.int32))
    assert {tree.paths[node] for node in moved.lost} == {("a", "b")}
    proba = np.array([[0.99, 0.98, 0.01, 0.5, 0.48, 0.01], [0.99, 0.98, 0.01, 0.97, 0.01, 0.01]])
    policy = FilingPolicy(replace(PROMISE, threshold=0.9), tmp_path / "p.json", moved=moved)
    ends = under_promise(later, proba, proba, policy)
    assert [later.paths[node] for node in ends.nodes] == [("a",), ("a", "b", "x")]
    assert ends.reasons == [None, None]
    deep = replace(policy, promise=replace(policy.promise, min_level=2))
    ends = under_promise(later, proba, proba, deep)
    assert [why is None for why in ends.reasons] == [False, True]
    assert "no longer covers 'b': 'y' no longer lies in it" in str(ends.reasons[0])
