from collections.abc import Iterator
from typing import Any

import pytest

from mep3m.errors import UsageError
from mep3m.stages.ocr.pool import Failure, Limits, Pool
from tests.processes import has_ended
from tests.stages.ocr.workers import build_nothing, build_upper


def run(
    groups: list[list[str]],
    workers: int = 2,
    seconds: float = 20.0,
    items: int = 1000,
    memory_mb: int = 4000,
    build: Any = build_upper,
) -> dict[str, Any]:
    pool = Pool(build, workers, Limits(seconds, items, memory_mb))
    try:
        return dict(pool.map(groups))
    finally:
        pool.close()


def test_every_item_has_one_result() -> None:
    groups = [[f"{a}{b}" for b in range(3)] for a in "abcde"]
    results = run(groups)
    assert sorted(results) == sorted(item for group in groups for item in group)
    assert all(results[item].split()[0] == item.upper() for item in results)


def test_an_item_that_hangs_is_given_up_and_its_group_is_done() -> None:
    results = run([["a", "hang", "b"], ["c"]], workers=1, seconds=0.5)
    assert results["hang"] == Failure("took longer than 0.5 s and was stopped")
    assert [results[item][0] for item in "abc"] == ["A", "B", "C"]


def test_an_item_that_kills_its_process_is_given_up() -> None:
    results = run([["a", "die"], ["b"]])
    assert results["die"] == Failure("the reader's process ended with code 3")
    assert results["a"].startswith("A")
    assert results["b"].startswith("B")


def test_a_refused_item_keeps_its_reason() -> None:
    assert run([["bad", "a"]])["bad"] == Failure("refused")


def test_a_process_is_replaced_after_its_items() -> None:
    results = run([["a"], ["b"], ["c"], ["d"]], workers=1, items=2)
    processes = [results[item].split()[1] for item in "abcd"]
    assert processes[0] == processes[1] != processes[2] == processes[3]


def test_a_process_that_grows_is_replaced() -> None:
    results = run([["a"], ["grow"], ["b"]], workers=1, memory_mb=150)
    processes = [results[item].split()[1] for item in ("a", "grow", "b")]
    assert processes[0] == processes[1] != processes[2]


def test_a_process_that_cannot_start_says_why() -> None:
    with pytest.raises(UsageError, match="pip install thing"):
        run([["a"]], build=build_nothing)


def test_a_process_that_was_waited_for_is_not_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number may be another process's by then, and that one may lead a group of the same number."""
    pool = Pool(build_upper, 1, Limits(20, 1000, 4000))
    assert len(dict(pool.map([["a"]]))) == 1
    (worker,) = pool._alive
    worker.process.kill()
    worker.process.join()  # the number is free now
    monkeypatch.setattr("os.killpg", lambda pid, sent: pytest.fail(f"{sent!r} went to whoever has {pid} now"))
    pool.close()
    monkeypatch.undo()
    assert dict(pool.map([["b"]]))["b"].startswith("B")  # and the pool goes on with a new process
    pool.close()


def test_what_a_process_started_ends_with_it() -> None:
    pool = Pool(build_upper, 1, Limits(20, 1000, 4000))
    child = int(dict(pool.map([["start"]]))["start"].split()[2])
    assert not has_ended(child, 0.1)
    pool.close()
    assert has_ended(child)


def test_what_a_dying_process_started_ends_with_it() -> None:
    pool = Pool(build_upper, 1, Limits(20, 1000, 4000))
    child = int(dict(pool.map([["start"]]))["start"].split()[2])
    assert dict(pool.map([["die"]]))["die"] == Failure("the reader's process ended with code 3")
    assert has_ended(child)
    pool.close()


def test_groups_are_taken_only_as_needed() -> None:
    taken = []

    def groups() -> Iterator[list[str]]:
        for name in "abcdef":
            taken.append(name)
            yield [name]

    pool = Pool(build_upper, 1, Limits(20, 1000, 4000))
    results = pool.map(groups())
    next(results)
    assert len(taken) <= 2
    results.close()
    assert not pool._alive
