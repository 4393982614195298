"""Where paths end: the rule of a promise and of a plain threshold, beside a loop that follows the words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.assignment.edited_promise import MovedTree
from mep3m.assignment.ends import by_confidence, under_promise
from mep3m.assignment.parts import PromisePart
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.promise import Promise
from mep3m.evaluation.promises.sets import SetThresholds
from mep3m.label_tree.probabilities import top_paths
from tests.label_tree.test_likely_path import TREE, some

PROMISE = Promise(
    threshold=0.7,
    precision=0.9,
    confidence=0.95,
    min_level=1,
    n=100,
    filed=60,
    errors=1,
    bound=0.92,
    model="m",
    taxonomy=TREE.version,
    audit="a",
    made="2026-01-01",
    expires="2999-01-01",
    run="run",
)


def policy(**changes: object) -> FilingPolicy:
    return FilingPolicy(replace(PROMISE, **changes), Path("p.json"))  # type: ignore[arg-type]


def loop(proba: np.ndarray, least: dict[str, float | None], others: float, min_level: int) -> list[int]:
    """Return the node that each row is filed at, -1 for review, one row and one level after the other."""
    found = []
    for row in proba:
        path: tuple[str, ...] = ()
        filed = -1
        threshold: float | None = others
        while True:
            below = [node for node in TREE.paths if len(node) == len(path) + 1 and node[: len(path)] == path]
            if not below:
                break
            path = max(below, key=lambda one: row[TREE.index(one)])
            if len(path) == 1:
                threshold = least.get(path[0], others)
            if threshold is None or row[TREE.index(path)] < threshold:
                break
            filed = TREE.index(path) if len(path) >= min_level else filed
        found.append(filed)
    return found


@given(st.integers(0, 10_000), st.floats(0.3, 0.99), st.integers(1, 3))
def test_a_promise_files_what_the_words_say(seed: int, threshold: float, min_level: int) -> None:
    proba = some(30, seed).astype(np.float64)
    ends = under_promise(TREE, proba, None, policy(threshold=threshold, min_level=min_level))
    filed = [node if why is None else -1 for node, why in zip(ends.nodes.tolist(), ends.reasons, strict=True)]
    assert filed == loop(proba, {}, threshold, min_level)


@given(st.integers(0, 10_000), st.floats(0.3, 0.99), st.floats(0.3, 0.99))
def test_each_branch_is_filed_by_its_own_threshold(seed: int, own: float, others: float) -> None:
    parts = (
        PromisePart("a", own, 0.9, 0.99, 10, 5, 0, 0.9),
        PromisePart("b", None, 0.9, 0.99, 10, 0, 0, 0.0),
        PromisePart(None, others, 0.9, 0.99, 10, 5, 0, 0.9),
    )
    proba = some(30, seed).astype(np.float64)
    ends = under_promise(TREE, proba, None, policy(threshold=others, parts=parts))
    filed = [node if why is None else -1 for node, why in zip(ends.nodes.tolist(), ends.reasons, strict=True)]
    assert filed == loop(proba, {"a": own, "b": None}, others, 1)


@given(st.integers(0, 10_000), st.floats(0.0, 0.4))
def test_only_what_is_not_filed_has_a_set_and_it_holds_all_probable_leaves(seed: int, least: float) -> None:
    proba = some(30, seed)
    ends = under_promise(TREE, proba, None, policy(sets=SetThresholds(0.9, 100, least, {})))
    for row, (why, chosen) in enumerate(zip(ends.reasons, ends.sets, strict=True)):
        assert (chosen is None) == (why is None)
        if chosen is None or chosen == [-1]:
            continue
        held = {leaf for leaf in TREE.leaves for one in chosen if one in TREE.ancestors[leaf]}
        assert held >= {leaf for leaf in TREE.leaves if proba[row, leaf] >= least}
        assert len(chosen) <= 5


@given(st.integers(0, 10_000), st.floats(0.05, 0.99))
def test_a_plain_threshold_files_leaves_only_and_has_no_sets(seed: int, threshold: float) -> None:
    proba = some(30, seed)
    ends = by_confidence(TREE, proba, top_paths(TREE, proba, 1)[0][:, 0], threshold)
    assert ends.sets == [None] * 30
    for node, why in zip(ends.nodes.tolist(), ends.reasons, strict=True):
        assert (why is None) == (node in TREE.leaves)
        if why is not None:
            where = f"below '{TREE.paths[node][-1]}'" if node >= 0 else "at the first level"
            assert why == f"no category {where} has a probability of {threshold:g}"


@pytest.mark.parametrize("rows", [0, 3])
def test_no_rows_and_a_tree_that_has_not_moved(rows: int) -> None:
    proba = some(rows, 1)
    same = MovedTree.of(TREE, TREE, np.arange(len(TREE), dtype=np.int32))
    assert same.lost == {}
    plain, moved = policy(), replace(policy(), moved=same)
    before, after = (under_promise(TREE, proba, proba, one) for one in (plain, moved))
    assert before.nodes.tolist() == after.nodes.tolist()
    assert before.reasons == after.reasons
    assert before.sets == after.sets == [None] * rows
