"""The contract of an engine, and engines by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from mep3m.errors import SettingsError, did_you_mean

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """Stands for the result of an item whose worker vanished (killed, out of memory)."""

    detail: str


class Engine(Protocol):
    """Maps a function over items somewhere. Retry, progress and resume live above, in `run`."""

    workers: int

    def map(self, work: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R | WorkerDied]]:
        """Yield (index of the item, its result) as results come, each index once.

        `work` and the items must pickle. An exception of `work` propagates and stops the map; a
        worker that vanishes yields `WorkerDied` for the items that it and its siblings held.
        """
        ...

    def for_pools(self, processes: int) -> tuple[Engine, int]:
        """Return the engine for work that starts processes of its own, and how many each item is to start.

        `processes` is what was asked for; 0 leaves it to the engine (0 returned: to the work itself).
        The two kinds of processes together are no more than there is room for.
        """
        ...


#: engine name -> "module:class"; each class takes the number of workers
ENGINES: dict[str, str] = {
    "local": "mep3m.engine.local:LocalEngine",
    "ray": "mep3m.engine.ray_cluster:RayEngine",
}


def make_engine(name: str = "local", workers: int = 1) -> Engine:
    """Return an engine by name.

    Raises:
        SettingsError: no engine has this name, or `workers` is less than 1.
        MissingExtraError: its package is not installed.
    """
    if name not in ENGINES:
        raise SettingsError(f"no engine '{name}'{did_you_mean(name, ENGINES)}")
    if workers < 1:
        raise SettingsError(f"workers = {workers} is not allowed: at least 1")
    module, _, attribute = ENGINES[name].partition(":")
    engine: Engine = getattr(importlib.import_module(module), attribute)(workers)
    return engine
