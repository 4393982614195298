"""Processes on this machine: bounded, in the caller's folder, and gone when nobody waits for them."""

import os
import time
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.engine import ENGINES, Engine, WorkerDied, make_engine
from mep3m.engine.local import LocalEngine
from mep3m.errors import FormatError, SettingsError


def double(value: int) -> int:
    return 2 * value


def number(_: int) -> int:
    return os.getpid()


def slow(item: tuple[Path, int]) -> int:
    folder, place = item
    (folder / str(place)).touch()
    time.sleep(0.2)
    return place


def refuse_two(value: int) -> int:
    if value == 2:
        raise FormatError("two is not allowed")
    return value


@given(st.lists(st.integers(), max_size=30))
def test_one_worker_is_this_very_process_and_keeps_the_order(items: list[int]) -> None:
    assert list(LocalEngine(1).map(double, items)) == [(n, 2 * item) for n, item in enumerate(items)]


def test_one_worker_works_when_it_is_asked() -> None:
    done: list[int] = []
    results = LocalEngine(1).map(lambda item: done.append(item) or item, [1, 2, 3])  # type: ignore[func-returns-value]
    assert done == []
    next(results)
    assert done == [1]


def test_the_work_of_one_worker_need_not_pickle_and_its_errors_are_its_own() -> None:
    results = LocalEngine(1).map(lambda item: refuse_two(item), [1, 2, 3])
    assert next(results) == (0, 1)
    with pytest.raises(FormatError, match="two is not allowed"):
        next(results)


def test_several_workers_are_other_processes_and_no_more_than_asked_for() -> None:
    found = [result for _, result in LocalEngine(2).map(number, list(range(12)))]
    assert os.getpid() not in found
    assert 1 <= len(set(found)) <= 2


def test_no_more_processes_than_items() -> None:
    assert len({result for _, result in LocalEngine(16).map(number, [1])}) == 1


def test_an_error_ends_the_map_and_leaves_no_process_behind() -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    with pytest.raises(FormatError, match="two is not allowed"):
        list(LocalEngine(2).map(refuse_two, list(range(20))))
    after = {process.pid: process for process in psutil.Process().children(recursive=True)}
    # the server that workers start from stays for the next map; the workers do not
    started = [process for pid, process in after.items() if pid not in before]
    assert len(started) <= 2


def test_a_map_that_is_given_up_does_not_do_the_rest(tmp_path: Path) -> None:
    results = LocalEngine(2).map(slow, [(tmp_path, place) for place in range(40)])
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(list(tmp_path.iterdir())) < 20


def test_every_engine_is_made_by_its_name_and_carries_its_workers() -> None:
    engine: Engine = make_engine("local", 3)
    assert isinstance(engine, LocalEngine)
    assert engine.workers == 3
    assert make_engine().workers == 1
    assert all(":" in place for place in ENGINES.values())


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_refused(workers: int) -> None:
    with pytest.raises(SettingsError, match=f"workers = {workers} is not allowed: at least 1"):
        make_engine("local", workers)


def test_a_dead_worker_is_no_result_of_any_type() -> None:
    died = WorkerDied("killed")
    assert (died.detail, died == WorkerDied("killed"), died == "killed") == ("killed", True, False)
