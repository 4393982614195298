"""The parts of one service, and the one way from a request to its answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import orjson
from fastapi import HTTPException, Response
from fastapi.exceptions import RequestValidationError

from mep3m.assignment.readable import refuse_unread
from mep3m.errors import UsageError
from mep3m.product import to_table
from mep3m.service.access import Access
from mep3m.service.batching import Ask, Asks, FailedError, QueueFullError, Told
from mep3m.service.metrics import PRODUCTS
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
    access: Access
    pictures: Pictures

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
            refuse_unread(self.version.run.classifier, to_table(ask.products))
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
        for decision, count in Counter(answer.decision for answer in told.answers).items():
            PRODUCTS.labels(decision).inc(count)
        return told


def answered(told: Told, single: bool = False) -> Response:
    """Return the response with all answers, or with the only one."""
    content = orjson.dumps(told.answers[0] if single else told.answers)
    return Response(content, media_type="application/json", headers={VERSION_HEADER: told.version.id})


def wrong(where: Sequence[str | int], message: str) -> RequestValidationError:
    """Return the refusal of a value, in the form of all others."""
    return RequestValidationError([{"type": "value_error", "loc": tuple(where), "msg": message}])
