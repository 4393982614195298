"""What every source is: parts that never depend on the number of workers, and a way to read one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from mep3m.store.rejects import Reject

#: rows that travel together between a source and the store
BATCH_ROWS = 8192


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of one file that can be read alone.

    `start` and `stop` are bytes (rows for Parquet, entries for archives); `line` is the number of
    the first line, record or row in it, counted from 1.
    """

    file: str
    start: int = 0
    stop: int = -1
    line: int = 1


@dataclass(frozen=True)
class Batch:
    """Products as columns (`PRODUCT_SCHEMA`), and what was refused on the way to them.

    `contents` holds the image bytes of every row where the source carries the images itself.
    """

    products: pa.Table
    rejects: list[Reject] = field(default_factory=list)
    contents: Sequence[bytes | None] | None = None


class Source(Protocol):
    """A foreign catalogue."""

    def parts(self) -> list[Part]:
        """Return the pieces, in the order of the catalogue; the same for any number of workers."""
        ...

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of one piece; one bad row is a reject and never stops the rest."""
        ...

    def files(self) -> list[Path]:
        """Return the files whose content decides what `read` yields."""
        ...
