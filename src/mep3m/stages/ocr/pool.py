"""Worker processes that may hang, leak or die without taking the run with them.

The parent hands each process one group of items and watches the clock. A process that takes too
long is killed, one that died is replaced, one that grew too large or too old is retired. A group
that failed as a whole is tried again item by item, so only the item at fault is given up.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Generic, TypeVar

import psutil

from mep3m.errors import Mep3mError

Item = TypeVar("Item")
Result = TypeVar("Result")

#: seconds that a process may take to load its models
_START_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item has no result."""

    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """When a process is killed or replaced: seconds an item, items and MiB a process."""

    seconds: float
    items: int
    memory_mb: int


@dataclass(slots=True)
class _Worker(Generic[Item]):
    """One process, the pipe to it and the group it works on."""

    process: BaseProcess
    pipe: Connection
    deadline: float
    group: list[Item] | None = None
    ready: bool = False
    done: int = 0
    retiring: bool = False


@dataclass
class Pool(Generic[Item, Result]):
    """Maps groups of items through processes; see the module's text.

    `build` runs once in each process and returns the function that does the work: it takes a group
    and returns one result or `Failure` for each item. Both travel to a fresh interpreter, so
    `build` must be importable (a module function or a `functools.partial` of one).
    """

    build: Callable[[], Callable[[Sequence[Item]], Sequence[Result | Failure]]]
    workers: int
    limits: Limits
    _alive: list[_Worker[Item]] = field(default_factory=list)
    _again: deque[list[Item]] = field(default_factory=deque)

    def map(self, groups: Iterable[Sequence[Item]]) -> Iterator[tuple[Item, Result | Failure]]:
        """Yield (item, result) as they come, each item once; `groups` is read only as needed.

        Raises:
            Mep3mError: `build` failed in the process, with its own message.
        """
        source = iter(groups)
        try:
            while True:
                self._feed(source)
                if not any(worker.group for worker in self._alive):
                    return
                yield from self._collect()
        except BaseException:  # stopped half-way: what the processes work on belongs to nobody
            self.close()
            raise

    def close(self) -> None:
        """Kill all processes; a later `map` starts new ones."""
        for worker in self._alive:
            _kill(worker)
        self._alive.clear()

    def _feed(self, source: Iterator[Sequence[Item]]) -> None:
        """Give every idle process a group; start processes while there is work for them."""
        while True:
            idle = next((w for w in self._alive if w.group is None and not w.retiring), None)
            if idle is None and len(self._alive) >= self.workers:
                return
            group = self._again.popleft() if self._again else list(next(source, ()))
            if not group:
                return
            if idle is None:
                idle = self._start()
            idle.group = group
            if idle.ready:
                self._send(idle)

    def _start(self) -> _Worker[Item]:
        """Start a process; it says so when its models are loaded."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, self.build, self.limits.seconds, Path.cwd()), daemon=True
        )
        process.start()
        theirs.close()
        worker: _Worker[Item] = _Worker(process, ours, time.monotonic() + _START_SECONDS)
        self._alive.append(worker)
        return worker

    def _send(self, worker: _Worker[Item]) -> None:
        """Send the worker its group and start its clock."""
        assert worker.group is not None
        worker.deadline = time.monotonic() + self.limits.seconds * len(worker.group)
        try:
            worker.pipe.send(worker.group)
        except OSError:  # it died while idle; the pipe reports that as end of file
            worker.deadline = time.monotonic()

    def _collect(self) -> Iterator[tuple[Item, Result | Failure]]:
        """Wait for a message, a death or a deadline, and yield what came of it."""
        busy = [worker for worker in self._alive if worker.group is not None]
        nearest = min(worker.deadline for worker in busy)
        ready = wait([worker.pipe for worker in busy], timeout=max(0.0, nearest - time.monotonic()))
        for worker in busy:
            if worker.pipe in ready:
                yield from self._receive(worker)
            elif time.monotonic() >= worker.deadline:
                limit = f"took longer than {self.limits.seconds:g} s and was stopped"
                yield from self._lost(worker, limit)

    def _receive(self, worker: _Worker[Item]) -> Iterator[tuple[Item, Result | Failure]]:
        """Take one message from a worker."""
        try:
            kind, value, memory = worker.pipe.recv()
        except (EOFError, OSError):
            wait([worker.process.sentinel], timeout=5)
            _kill_group(worker)  # what it left behind goes while its number is still its own
            worker.process.join(5)
            yield from self._lost(worker, _cause(worker.process.exitcode))
            return
        if kind == "error":
            raise value if isinstance(value, Mep3mError) else Mep3mError(str(value))
        if kind == "ready":
            worker.ready = True
            self._send(worker)
            return
        group, worker.group = worker.group or [], None
        worker.done += len(group)
        if worker.done >= self.limits.items or memory > self.limits.memory_mb:
            self._remove(worker)
        yield from zip(group, value, strict=True)

    def _lost(self, worker: _Worker[Item], reason: str) -> Iterator[tuple[Item, Result | Failure]]:
        """Replace a worker that hung or died; a group goes back item by item, a single item fails."""
        if not worker.ready:
            raise Mep3mError(f"a worker process could not start: it {reason}")
        group = worker.group or []
        self._remove(worker)
        if len(group) > 1:
            self._again.extend([item] for item in group)
        else:
            yield from ((item, Failure(reason)) for item in group)

    def _remove(self, worker: _Worker[Item]) -> None:
        """Take a worker out of service."""
        _kill(worker)
        self._alive.remove(worker)


def _kill(worker: _Worker[Any]) -> None:
    """Kill a process and wait for it."""
    worker.pipe.close()
    _kill_group(worker)
    worker.process.kill()
    worker.process.join()


def _kill_group(worker: _Worker[Any]) -> None:
    """Kill the group that a process leads: what it started goes with it.

    The number of a process that has been waited for may be another's by now; such a group is left alone.
    """
    pid = worker.process.pid
    if not worker.ready or pid is None:
        return
    with suppress(ChildProcessError, ProcessLookupError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        os.killpg(pid, signal.SIGKILL)


def _cause(exitcode: int | None) -> str:
    """Say how a process ended."""
    if exitcode is not None and exitcode < 0:
        return f"the reader's process was killed by {signal.Signals(-exitcode).name}"
    return f"the reader's process ended with code {exitcode}"


def _serve(pipe: Connection, build: Callable[[], Any], seconds: float, folder: Path) -> None:
    """Run in the worker process: load once, then answer groups until the parent closes the pipe."""
    os.chdir(folder)  # a spawned process stands where the program was started
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    try:
        work = build()
    except Exception as error:
        shown = error if isinstance(error, Mep3mError) else Mep3mError(f"{type(error).__name__}: {error}")
        pipe.send(("error", shown, 0))
        return
    process = psutil.Process()
    pipe.send(("ready", None, 0))
    while True:
        try:
            group = pipe.recv()
        except EOFError:
            return
        # a second clock, in the kernel: it ends this process even when code that never returns to
        # Python hangs and the parent is already gone
        signal.setitimer(signal.ITIMER_REAL, seconds * len(group) * 2 + 5)
        results = work(group)
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            pipe.send(("done", list(results), process.memory_info().rss / 2**20))
        except OSError:  # the parent is gone; so is this process in a moment
            return


def _end_with_parent(parent: int) -> None:
    """End this process when its parent is gone, however the parent went."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)
