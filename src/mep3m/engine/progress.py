"""Progress that the library reports and the caller shows, or does not."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tqdm import tqdm

#: `with progress(label, total, unit) as advance: advance(n)`
Progress = Callable[[str, int | None, str], AbstractContextManager[Callable[[int], None]]]

#: seconds between two lines where the output is not a terminal
QUIET = 10.0


@contextmanager
def silent(label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda amount: None


@contextmanager
def bar(label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Show count, rate and ETA on standard error: a bar on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        with _lines(label, total, unit) as advance:
            yield advance
        return
    with tqdm(total=total, unit=f" {unit}", desc=label, mininterval=0.2, dynamic_ncols=True) as shown:

        def move(amount: int) -> None:
            shown.update(amount)

        yield move


@contextmanager
def _lines(label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Print one line at the end, and one every `QUIET` seconds before."""
    began = said = time.monotonic()
    done = 0

    def say() -> None:
        meter = tqdm.format_meter(
            done, total or 0, time.monotonic() - began, ncols=0, unit=f" {unit}", prefix=label
        )
        print(meter, file=sys.stderr, flush=True)  # noqa: T201 - progress is printed by nature

    def advance(amount: int) -> None:
        nonlocal done, said
        done += amount
        if time.monotonic() - said >= QUIET:
            said = time.monotonic()
            say()

    yield advance
    say()
