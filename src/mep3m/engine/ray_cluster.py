"""Tasks on a Ray cluster: the one at RAY_ADDRESS if it is set, else one started on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mep3m.engine.base import WorkerDied
from mep3m.errors import require

T = TypeVar("T")
R = TypeVar("R")


def _call(work: Callable[[T], R], folder: str, item: T) -> R:
    """Do the work as it would be done here: Ray takes only functions, and has its own folder."""
    os.chdir(folder)
    return work(item)


class RayEngine:
    """One Ray task an item; shards and images must lie on storage that every node sees.

    A task reserves a CPU for each of its `processes`.
    """

    def __init__(self, workers: int, processes: int = 1) -> None:
        self.workers = workers
        self.processes = processes
        self.ray: Any = require("ray", "ray")

    def for_pools(self, processes: int) -> tuple[RayEngine, int]:
        """Return an engine whose items and their processes fill as many CPUs; without a number, one each."""
        each = processes or 1
        return RayEngine(max(1, self.workers // each), each), each

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R | WorkerDied]]:
        """Yield results as they come; see `Engine.map`."""
        ray = self.ray
        self._connect()
        task = ray.remote(num_cpus=self._reserved(), max_retries=0)(_call)
        shared, here = ray.put(work), str(Path.cwd())
        waiting = list(enumerate(items))[::-1]
        running: dict[Any, int] = {}
        while waiting or running:
            while waiting and len(running) < self.workers:
                index, item = waiting.pop()
                running[task.remote(shared, here, item)] = index
            done, _ = ray.wait(list(running), num_returns=1)
            for reference in done:
                yield running.pop(reference), self._result(reference)

    def _reserved(self) -> int:
        """Return the CPUs of one task: no more than the largest node has, or it would wait for ever."""
        largest = max(int(node["Resources"].get("CPU", 1)) for node in self.ray.nodes() if node["Alive"])
        return max(1, min(self.processes, largest))

    def _connect(self) -> None:
        if self.ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing phones home
        address = os.environ.get("RAY_ADDRESS")
        local: dict[str, Any] = {}
        if not address:  # workers on this machine import from where this process does
            paths = os.pathsep.join(path for path in sys.path if path)
            local = {"num_cpus": self.workers * self.processes, "include_dashboard": False}
            local["runtime_env"] = {"env_vars": {"PYTHONPATH": paths}}
        self.ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)

    def _result(self, reference: Any) -> Any:
        exceptions = self.ray.exceptions
        try:
            return self.ray.get(reference)
        except exceptions.RayTaskError as error:
            raise error.cause from error
        except (
            exceptions.WorkerCrashedError,
            exceptions.OutOfMemoryError,
            exceptions.NodeDiedError,
        ) as error:
            return WorkerDied(str(error).splitlines()[0])
