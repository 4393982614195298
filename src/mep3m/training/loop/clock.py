"""The minutes of a run: how many rows fit into what is left of them, and what the machine gave it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from mep3m.errors import UsageError
from mep3m.training.loop.tracking import duration
from mep3m.training.task import Say

#: share of the minutes that a run plans for: the rest is for what it cannot foresee
AIM = 0.96
#: a run whose main thread got less of the time than this was starved by others (it computes all the time)
STARVED = 0.7
#: a network from scratch that has seen its rows less often than this has learned little
LITTLE = 3.0


@dataclass(frozen=True)
class Pace:
    """Seconds that one row takes: to be learned from, and to be made ready before that (decoded)."""

    learn: float
    prepare: float = 0.0

    def after(self, held: int) -> float:
        """Return what is needed after the last step: two predictions of held-out rows, decoded anew."""
        return held * (self.learn + self.prepare)


def epochs_within(minutes: float, spent: float, pace: Pace, rows: int, held: int) -> float:
    """Return how often `rows` can be learned from in `minutes`, of which `spent` seconds are gone.

    Raises:
        UsageError: not even once.
    """
    fixed = spent + pace.prepare * (rows + held) + pace.after(held)
    epochs = (AIM * 60 * minutes - fixed) / (pace.learn * rows)
    if epochs >= 1:
        return epochs
    least = (fixed + pace.learn * rows) / AIM / 60
    least = math.ceil(least * 10) / 10 if least < 1 else math.ceil(least)
    raise UsageError(
        f"minutes = {minutes:g} is too short: one pass over {rows:,} rows takes about "
        f"{duration(pace.learn * rows)} here ({1 / pace.learn:,.0f} rows/s), and what goes with it "
        f"{duration(fixed)}. Give minutes = {least:g} at least, fewer rows, smaller images or another model"
    )


@dataclass(frozen=True)
class Effort:
    """What a run got: seconds of the clock and of the processor, on so many threads, and what came of it.

    `share` is how much of the time the main thread ran, `None` where it waits for others (a GPU, readers).
    """

    seconds: float
    cpu_seconds: float
    threads: int
    share: float | None
    epochs: float
    epochs_wanted: float

    @property
    def starved(self) -> bool:
        """Whether others took the processor from the run."""
        return self.share is not None and self.share < STARVED

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values, and whether it was starved."""
        return {**asdict(self), "starved": self.starved}

    def remarks(self, from_scratch: bool, bounded: bool) -> list[str]:
        """Return what a reader of the scores has to know; `bounded`: the minutes decided when it ended."""
        done = f"{self.epochs:.1f} of {self.epochs_wanted:.1f} epochs"
        lines = []
        if self.starved:
            lines.append(
                f"the machine was busy: the training got {self.cpu_seconds:,.0f} CPU seconds in "
                f"{self.seconds:,.0f} seconds on {self.threads} threads, and came to {done}; "
                "alone on the machine it learns more in the same time"
            )
        if bounded and from_scratch and self.epochs < LITTLE:
            lines.append(
                f"{self.epochs:.1f} epochs are too few for a network from scratch: its answers are worth "
                "little; give it more minutes"
            )
        return lines


@dataclass
class RunClock:
    """When a run began, what it needs after its last step (seconds), and in the end what it got.

    `say` takes lines of progress. `spent`: seconds that count as gone when it begins, of a part before it or
    of a process that was killed.
    """

    spent: float = 0.0
    after: float = 0.0
    effort: Effort | None = None
    say: Say = lambda line: None
    _began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since the run began, what was spent before included."""
        return time.monotonic() - self._began + self.spent

    def left(self, minutes: float) -> float:
        """Return the seconds that are left to learn in."""
        return AIM * 60 * minutes - self.seconds - self.after


class Stopwatch:
    """Counts the seconds of the clock, of the process and of its main thread from now on."""

    def __init__(self) -> None:
        self._began = self._now()

    @staticmethod
    def _now() -> tuple[float, float, float]:
        return time.monotonic(), time.process_time(), time.thread_time()

    def effort(self, waits: bool, epochs: float, wanted: float) -> Effort:
        """Return what there was; `waits`: the main thread waits for others, so its share says nothing."""
        wall, process, thread = (now - then for now, then in zip(self._now(), self._began, strict=True))
        share = None if waits or wall <= 0 else round(thread / wall, 3)
        return Effort(
            round(wall, 1), round(process, 1), torch.get_num_threads(), share, round(epochs, 2), wanted
        )
