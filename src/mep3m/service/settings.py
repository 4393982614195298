"""What a service is started with; the command line gives it, and each worker process reads it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mep3m.settings.base import Settings
from mep3m.settings.sources import FetchSettings, ImageLimits


class ServiceLimits(Settings):
    """What one request, and all of them together, may take.

    `body` and `waiting_bytes` are bytes, of one request and of all that are being read or wait; `waiting`
    counts requests in the queue. `seconds` is the time in which a body has to arrive.
    """

    body: Annotated[int, Field(ge=1)] = 32 * 2**20
    waiting_bytes: Annotated[int, Field(ge=1)] = 512 * 2**20
    waiting: Annotated[int, Field(ge=1)] = 1_024
    seconds: Annotated[float, Field(gt=0)] = 60.0
    image: ImageLimits = ImageLimits()


class ServiceSettings(Settings):
    """Which run is served, under which promise, to whom.

    Where no `promise` is named, it is the first of the `awaited` files that is there, or comes later.
    `run`, `promise` and `edits` are looked at again every `refresh` seconds, and what has changed is served
    from then on. `images` is the folder in which a request may name pictures, `fetch` whether and how it may
    name addresses. At most `batch` requests are answered by one call of the model; the first waits at most
    `wait` seconds for others.
    """

    run: Path
    promise: Path | None = None
    awaited: tuple[Path, ...] = ()
    shadow: bool = False
    edits: Path | None = None
    keys: Path | None = None
    images: Path | None = None
    fetch: FetchSettings = FetchSettings()
    batch: Annotated[int, Field(ge=2, le=4096)] = 64
    wait: Annotated[float, Field(ge=0, le=1)] = 0.002
    refresh: Annotated[float, Field(gt=0)] = 1.0
    limits: ServiceLimits = ServiceLimits()

    def with_promise(self) -> ServiceSettings:
        """Return the same with the promise that is there now: from then on it is missed where it goes."""
        found = self.promise or next((path for path in self.awaited if path.exists()), None)
        return self.model_copy(update={"promise": found})
