"""Progress that the library reports and the caller shows, or does not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tqdm import tqdm

#: `with progress(label, total, unit) as advance: advance(n)`
Progress = Callable[[str, int | None, str], AbstractContextManager[Callable[[int], None]]]


@contextmanager
def silent(label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Show nothing."""
    yield lambda amount: None


@contextmanager
def bar(label: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    """Show count, rate and ETA on standard error: a bar on a terminal, elsewhere a line every 10 s."""
    terminal = sys.stderr.isatty()
    with tqdm(
        total=total,
        unit=f" {unit}",
        desc=label,
        file=sys.stderr,
        mininterval=0.2 if terminal else 10.0,
        ascii=not terminal,
        dynamic_ncols=terminal,
    ) as shown:

        def advance(amount: int) -> None:
            shown.update(amount)

        yield advance
