"""Running work: progress adds up, the order of results does not matter, wrong numbers are refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.engine import make_engine, run
from mep3m.engine.base import WorkerDied
from mep3m.errors import SettingsError


def same(value: int) -> int:
    return value


@given(items=st.lists(st.integers(0, 50), max_size=20))
def test_progress_adds_up_to_what_run_returns(items: list[int]) -> None:
    seen: list[tuple[str, int | None, str]] = []
    steps: list[int] = []

    @contextmanager
    def counted(label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
        seen.append((label, total, unit))
        yield steps.append

    assert run(make_engine(), same, items, "label", counted, sum(items)) == sum(items)
    assert seen == [("label", sum(items), "rows")]
    assert steps == items


class Flaky:
    """An engine whose first map loses the items with these numbers, and answers backwards."""

    def __init__(self, lost: set[int]) -> None:
        self.workers, self.lost, self.asked = 1, lost, []  # type: ignore[var-annotated]

    def map(self, work: Callable[[int], int], items: list[int]) -> Iterator[tuple[int, object]]:
        self.asked.append(list(items))
        lost, self.lost = self.lost, set()
        for index in reversed(range(len(items))):
            yield index, WorkerDied("killed") if index in lost else work(items[index])


@given(items=st.lists(st.integers(0, 50), min_size=1, max_size=12), lost=st.sets(st.integers(0, 11)))
def test_what_lost_its_worker_is_done_again_alone(items: list[int], lost: set[int]) -> None:
    engine = Flaky(lost)
    assert run(engine, same, items, "label") == sum(items)  # type: ignore[arg-type]
    again = [part for asked in engine.asked[1:] for part in asked]
    assert sorted(again) == sorted(items[index] for index in lost if index < len(items))
    assert all(len(asked) == 1 for asked in engine.asked[1:])


@pytest.mark.parametrize("workers", [0, -1])
def test_too_few_workers_are_refused(workers: int) -> None:
    with pytest.raises(SettingsError, match=f"workers = {workers} is not allowed: at least 1"):
        make_engine("local", workers)
