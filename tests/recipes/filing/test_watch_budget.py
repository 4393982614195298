"""How the chance of a false alarm is divided, and what branches with a promise of their own are held to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mep3m.assignment.parts import PromisePart
from mep3m.assignment.promise import Promise
from mep3m.label_tree.tree import LabelTree
from mep3m.recipes.filing.watch import NO, WATCHED, YES, Watch
from mep3m.store.append_log import append_line

DEEP = LabelTree.from_paths([("a", "x", "1"), ("a", "x", "2"), ("a", "y"), ("b", "z")])
FLAT = LabelTree.from_paths([("a",), ("b",), ("c",)])
PROMISE = Promise(0.9, 0.95, 0.95, 1, 100, 90, 1, 0.95, "m", "t", "a", "2026-01-01", "2026-12-31", "run")


def watch(folder: Path, tree: LabelTree, promise: Promise = PROMISE) -> Watch:
    return Watch(folder / "p.json", promise, tree)


@pytest.mark.parametrize("tree", [DEEP, FLAT])
def test_all_branches_and_the_whole_together_have_what_the_confidence_leaves(
    tmp_path: Path, tree: LabelTree
) -> None:
    one = watch(tmp_path, tree)
    branches = [path for path in tree.paths if len(path) <= WATCHED]
    assert sum(one._alpha(path) for path in [(), *branches]) == pytest.approx(0.05)
    assert one._alpha(()) == pytest.approx(0.025)
    assert len({one._alpha(path) for path in branches if len(path) == 1}) == 1


def test_a_branch_with_a_promise_of_its_own_is_tested_for_that(tmp_path: Path) -> None:
    part = PromisePart("a", 0.9, 0.99, 0.95, 10, 9, 0, 0.9)
    one = watch(tmp_path, DEEP, replace(PROMISE, parts=(part, replace(part, branch=None, precision=0.95))))
    assert [one._promised(path) for path in ((), ("a",), ("a", "x"), ("b",))] == [0.95, 0.99, 0.99, 0.95]


def record(one: Watch, filings: list[tuple[tuple[str, ...], bool]]) -> dict[str, Any]:
    """Write into the log that these were drawn and audited, and return the state."""
    keys = [{"id": str(number), "platform": None} for number in range(len(filings))]
    drawn = [{**key, "path": list(path)} for key, (path, _) in zip(keys, filings, strict=True)]
    said = [{**key, "right": right} for key, (_, right) in zip(keys, filings, strict=True)]
    for event, mine in (("drawn", drawn), ("audited", said)):
        line = {"event": event, "promise": one.promise.id, "answers": "/a.jsonl", "filings": mine}
        append_line(one.log.file, line)
    return one.status()


def test_each_filing_counts_in_the_whole_and_in_its_branches_down_to_the_second_level(tmp_path: Path) -> None:
    told = record(watch(tmp_path, DEEP), [(("a", "x", "1"), True), (("a",), False), (("b", "z"), True)])
    found = {tuple(one["branch"]): (one["audited"], one["errors"]) for one in told["branches"]}
    assert found == {(): (3, 1), ("a",): (2, 1), ("a", "x"): (1, 0), ("b",): (1, 0), ("b", "z"): (1, 0)}


@pytest.mark.parametrize("wrong", [0, 30])
def test_the_branch_that_is_wrong_loses_and_no_other(tmp_path: Path, wrong: int) -> None:
    one = watch(tmp_path, DEEP)
    good = [(("b", "z"), True)] * 400
    record(one, [*good, *[(("a", "y"), False)] * wrong, *[(("a", "x", "2"), True)] * 400])
    lost = [path for path, _ in one._lost()]
    assert (("a", "y") in lost) == bool(wrong)
    assert ("b", "z") not in lost
    assert ("a", "x") not in lost


def test_words_for_yes_and_no_do_not_meet() -> None:
    assert set() == YES & NO
    assert {"yes", "是"} <= YES
    assert {"no", "否"} <= NO
