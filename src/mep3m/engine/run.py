"""Run work over items until all are done: retries after a worker's death, and progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from mep3m.engine.base import Engine, WorkerDied
from mep3m.engine.local import LocalEngine
from mep3m.engine.progress import Progress, silent
from mep3m.errors import StoreError

T = TypeVar("T")

#: how often an item may lose its worker before the run stops and names it
ATTEMPTS = 3


def run(
    engine: Engine,
    work: Callable[[T], int],
    items: Sequence[T],
    label: str,
    progress: Progress = silent,
    total: int | None = None,
) -> int:
    """Do `work` for every item and return the sum of what it returned (rows, usually).

    When a worker dies, everything that was in flight is suspect: those items run again one at a
    time, so that the one that kills its worker is found and the others are done.

    Raises:
        StoreError: an item lost its worker `ATTEMPTS` times.
    """
    amount = 0
    with progress(label, total, "rows") as advance:
        suspects: list[T] = []
        for index, result in engine.map(work, items):
            if isinstance(result, WorkerDied):
                suspects.append(items[index])
                continue
            amount += result
            advance(result)
        for item in suspects:
            result = _run_alone(engine, work, item, label)
            amount += result
            advance(result)
    return amount


def _run_alone(engine: Engine, work: Callable[[T], int], item: T, label: str) -> int:
    # A pool of two with one item is one separate process: its death does not take us along.
    alone = LocalEngine(2) if isinstance(engine, LocalEngine) else engine
    for _ in range(ATTEMPTS - 1):
        for _index, result in alone.map(work, [item]):
            if not isinstance(result, WorkerDied):
                return result
            detail = result.detail
    raise StoreError(
        f"{label}: the worker died {ATTEMPTS} times on {item!r} ({detail}). "
        "It ran out of memory or hit a bug in a native library; try fewer workers, "
        "then run the same command again: what is done stays done"
    )
