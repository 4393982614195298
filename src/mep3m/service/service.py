"""The parts of one service, and the one way from a request to its answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import HTTPException, Response
from fastapi.exceptions import RequestValidationError

from mep3m.assignment.readable import refuse_unread
from mep3m.errors import UsageError
from mep3m.product import Product
from mep3m.service.access import Admits
from mep3m.service.batching import Ask, Asks, FailedError, QueueFullError, Told
from mep3m.service.metrics import PRODUCTS, Throughput
from mep3m.service.pictures import Pictures
from mep3m.service.settings import ServiceSettings
from mep3m.service.versions import Served, Version

#: names the version that gave an answer
VERSION_HEADER = "X-Mep3m-Version"


@dataclass(frozen=True)
class Service:
    """What the endpoints share."""

    settings: ServiceSettings
    served: Served
    asks: Asks
    access: Admits
    pictures: Pictures
    pace: Throughput = field(default_factory=Throughput)

    @classmethod
    def assemble(cls, settings: ServiceSettings, access: Admits, version: Version | None = None) -> Service:
        """Put a service together; `version` is what was loaded for it already, if it was.

        Raises:
            Mep3mError: run, promise or edits are not there, are damaged or do not fit each other.
        """
        served = Served(settings, version)
        return cls(settings, served, Asks(served, settings), access, Pictures(settings))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the files of what is served; at the end answer what waits, then stop."""
        watching = asyncio.create_task(self.served.watch())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await self.asks.close()

    @property
    def version(self) -> Version:
        """The version that answers now."""
        return self.served.version

    def one_threshold(self, given: Collection[str], where: Sequence[str]) -> None:
        """Refuse a threshold beside that of a promise."""
        if self.version.policy is not None and "min_confidence" in given:
            raise wrong(
                where, "this service files under a promise, which has its own threshold; leave it out"
            )

    async def tell(self, ask: Ask, where: Sequence[str]) -> Told:
        """Return the answers to what was asked; `where` is the part of the request with the products.

        Raises:
            RequestValidationError: nothing in it is what the model reads.
            HTTPException: too much waits (429), or the model failed (500).
        """
        try:
            refuse_unread(self.version.run.classifier, map(_texts_and_image, ask.products))
        except UsageError as error:
            raise wrong(where, str(error)) from None
        try:
            told = await self.asks.ask(ask)
        except QueueFullError:
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS, "too many requests wait; ask again later", {"Retry-After": "1"}
            ) from None
        except FailedError:
            raise HTTPException(
                HTTPStatus.INTERNAL_SERVER_ERROR, "the model failed; the log says why"
            ) from None
        decisions: Counter[str] = Counter(answer.decision for answer in told.answers)
        self.pace.count(decisions)
        for decision, count in decisions.items():
            PRODUCTS.labels(decision).inc(count)
        return told


def _texts_and_image(product: Product) -> dict[str, str | None]:
    # no table for it: a request of one title would wait longer for that than for the model
    return {name: getattr(product, name) for name in ("title", "ocr", "image", "image_ref")}


def answered(told: Told, single: bool = False) -> Response:
    """Return the response with all answers, or with the only one."""
    content = orjson.dumps(told.answers[0] if single else told.answers)
    return Response(content, media_type="application/json", headers={VERSION_HEADER: told.version.id})


def wrong(where: Sequence[str | int], message: str) -> RequestValidationError:
    """Return the refusal of a value, in the form of all others."""
    return RequestValidationError([{"type": "value_error", "loc": tuple(where), "msg": message}])


def sayable(value: Any) -> Any:
    """Return a JSON value without half characters, which a wrong request can hold and no answer can."""
    if isinstance(value, dict):
        return {sayable(key): sayable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [sayable(inner) for inner in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
