"""Processes on this machine; one worker means this very process."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from mep3m.engine.base import WorkerDied

T = TypeVar("T")
R = TypeVar("R")


class LocalEngine:
    """A process pool that is made for one map and gone after it."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def for_pools(self, processes: int) -> tuple[LocalEngine, int]:
        """Return an engine that takes one item at a time: the work's own processes have the machine."""
        return LocalEngine(1), processes

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R | WorkerDied]]:
        """Yield results as they come; see `Engine.map`."""
        if self.workers == 1:
            for index, item in enumerate(items):
                yield index, work(item)
            return
        # Threads of DuckDB or torch do not survive a plain fork, so workers start from a clean server.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            [getattr(work, "__module__", type(work).__module__)]
        )  # imported once for all
        workers = max(1, min(self.workers, len(items)))
        with ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin, initargs=(Path.cwd(),)
        ) as pool:
            futures: dict[Future[R], int] = {
                pool.submit(work, item): index for index, item in enumerate(items)
            }
            try:
                for future in as_completed(futures):
                    yield futures[future], _result(future)
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Any]) -> Any:
    try:
        return future.result()
    except BrokenProcessPool as error:
        return WorkerDied(str(error))


def _begin(folder: Path) -> None:
    """Stand where the parent stands; leave Ctrl-C to it: one message is printed, not one a worker."""
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
