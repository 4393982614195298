"""One conformance suite for every engine."""

import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from mep3m.engine import ENGINES, Engine, WorkerDied, make_engine, run
from mep3m.errors import FormatError, SettingsError, StoreError


@pytest.fixture(
    params=[("local", 1), ("local", 2), ("ray", 2)], ids=lambda p: f"{p[0]}-{p[1]}", scope="module"
)
def engine(request: pytest.FixtureRequest) -> Engine:
    name, workers = request.param
    if name == "ray":
        pytest.importorskip("ray", reason="the ray extra is not installed")
    return make_engine(name, workers)


def square(value: int) -> int:
    return value * value


@dataclass(frozen=True)
class Times:
    """Work that is an object, as a part reader is."""

    factor: int

    def __call__(self, value: int) -> int:
        return self.factor * value


def add(left: int, right: int) -> int:
    return left + right


def note(name: str) -> int:
    return Path(name).write_text("here")


def refuse(value: int) -> int:
    raise FormatError(f"value {value} is odd")


def die_once(marker: Path) -> int:
    if not marker.exists():
        marker.write_text("seen")
        os.kill(os.getpid(), signal.SIGKILL)
    return 5


def die_always(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_every_item_is_mapped_once(engine: Engine) -> None:
    results = dict(engine.map(square, range(7)))
    assert results == {i: i * i for i in range(7)}


def test_work_may_be_an_object_or_a_partial_function(engine: Engine) -> None:
    """Found when the ingest first ran on Ray, which takes functions only."""
    assert dict(engine.map(Times(3), [1, 2])) == {0: 3, 1: 6}
    assert dict(engine.map(partial(add, 5), [1, 2])) == {0: 6, 1: 7}


def test_relative_paths_mean_the_same_there(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert dict(engine.map(note, ["a", "b"])) == {0: 4, 1: 4}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_an_error_of_the_work_arrives_as_itself(engine: Engine) -> None:
    with pytest.raises(FormatError, match="value 3 is odd"):
        list(engine.map(refuse, [3]))


def test_no_items_give_no_results(engine: Engine) -> None:
    assert list(engine.map(square, [])) == []


def test_run_sums_what_the_work_returns(engine: Engine) -> None:
    assert run(engine, square, [1, 2, 3], "squares") == 14


def test_a_dead_worker_is_told_apart_from_a_result() -> None:
    results = dict(make_engine("local", 2).map(die_always, [1]))
    assert isinstance(results[0], WorkerDied)


def test_work_that_lost_its_worker_is_done_again(tmp_path: Path) -> None:
    markers = [tmp_path / str(i) for i in range(3)]
    assert run(make_engine("local", 2), die_once, markers, "fragile") == 15


def test_an_item_that_always_kills_its_worker_is_named() -> None:
    with pytest.raises(StoreError, match=r"the worker died 3 times on 41"):
        run(make_engine("local", 2), die_always, [41], "deadly")


@pytest.mark.parametrize(("asked", "each"), [(0, 1), (1, 1), (2, 2), (9, 9)])
def test_work_with_processes_of_its_own_gets_room_for_them_on_the_cluster(asked: int, each: int) -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    engine, processes = make_engine("ray", 4).for_pools(asked)
    assert processes == each
    assert engine.workers == max(1, 4 // each)


@pytest.mark.parametrize("asked", [0, 1, 3])
def test_work_with_processes_of_its_own_has_this_machine_to_itself(asked: int) -> None:
    engine, processes = make_engine("local", 4).for_pools(asked)
    assert (engine.workers, processes) == (1, asked)


def test_more_processes_than_a_node_has_cpus_do_not_wait_for_ever(engine: Engine) -> None:
    room, _ = engine.for_pools(1000)
    assert dict(room.map(square, [2, 3])) == {0: 4, 1: 9}


def test_an_unknown_engine_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'local'"):
        make_engine("lokal")
    assert set(ENGINES) == {"local", "ray"}


def where(_: int) -> str:
    return str(Path.cwd())


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_stand_where_the_caller_stands(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # after multiprocessing was imported, as in a notebook
    assert set(dict(make_engine("local", workers).map(where, [1, 2])).values()) == {str(tmp_path)}
