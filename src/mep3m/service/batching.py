"""Requests that come at the same time are answered by one call of the model."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numba
from async_batcher.batcher import AsyncBatcher
from async_batcher.exceptions import QueueFullException

from mep3m.assignment.answer import Assignment, assign
from mep3m.product import Product, to_table
from mep3m.service.metrics import BATCHED
from mep3m.service.settings import ServiceSettings
from mep3m.service.versions import Served, Version
from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.store.images import GivenImages

LOG = logging.getLogger("mep3m.service")


class QueueFullError(Exception):
    """More requests wait than may; this one is to come again later."""


class FailedError(Exception):
    """The model could not answer this request; the log says why."""


@dataclass(frozen=True)
class Ask:
    """The products of one request, the bytes of pictures by the place of their product, and how to answer."""

    products: Sequence[Product]
    images: Mapping[int, bytes] = field(default_factory=dict)
    top: int = 5
    min_confidence: float = MIN_CONFIDENCE
    why: bool = False


@dataclass(frozen=True)
class Told:
    """The answers to one request, in its order, and the version that gave them."""

    answers: list[Assignment]
    version: Version


class Asks(AsyncBatcher[Ask, Told]):  # type: ignore[misc]
    """The queue before the model: one call at a time, and whatever has come meanwhile goes into the next.

    A request alone in the queue waits `settings.wait` seconds for others. One that cannot be answered, or
    whose client has gone, changes nothing for those beside it.
    """

    def __init__(self, served: Served, settings: ServiceSettings) -> None:
        self._served = served
        # one thread a call: a second one costs more than it brings to a batch, and other workers want it
        self._thread = ThreadPoolExecutor(1, "model", numba.set_num_threads, (1,))
        super().__init__(
            max_batch_size=settings.batch,
            max_queue_time=settings.wait,
            max_queue_size=settings.limits.waiting,
            executor=self._thread,
        )

    async def ask(self, ask: Ask) -> Told:
        """Return the answers to one request.

        Raises:
            QueueFullError: too many wait.
            FailedError: the model failed on this request.
        """
        # a client that leaves cancels this call; its batch must not notice
        task = asyncio.create_task(self.process(ask))
        task.add_done_callback(_looked_at)
        try:
            return await asyncio.shield(task)
        except QueueFullException:
            raise QueueFullError from None

    def process_batch(self, batch: list[Ask]) -> list[Told | Exception]:
        """Answer some requests with as few calls of the model as they allow."""
        version = self._served.version
        told: list[Told | Exception] = [FailedError()] * len(batch)
        alike: dict[tuple[int, float, bool], list[int]] = defaultdict(list)
        for place, ask in enumerate(batch):
            alike[ask.top, ask.min_confidence, ask.why].append(place)
        for places in alike.values():
            BATCHED.observe(len(places))
            found = _answer_each(version, [batch[place] for place in places])
            for place, one in zip(places, found, strict=True):
                told[place] = one
        return told

    async def close(self) -> None:
        """Answer what waits, then stop."""
        await self.stop(force=False)
        self._thread.shutdown()


def _answer_each(version: Version, asks: Sequence[Ask]) -> list[Told | Exception]:
    """Answer requests of one kind together; where that fails, each by itself."""
    try:
        return [*_answer(version, asks)]
    except Exception:
        LOG.exception("a call for %d requests failed", len(asks))
        if len(asks) == 1:
            return [FailedError()]
    return [one for ask in asks for one in _answer_each(version, [ask])]


def _answer(version: Version, asks: Sequence[Ask]) -> list[Told]:
    """Answer requests that want the same of the model with one call."""
    rows, images = [], {}
    for number, ask in enumerate(asks):
        for place, product in enumerate(ask.products):
            # ids of two requests may be the same; within a call they must not be
            key = f"{number}.{place}"
            content = ask.images.get(place)
            if content is not None:
                images[key] = content
            rows.append(replace(product, id=key, image_ref=key if content is not None else None))
    run, policy = version.run, version.policy
    first = asks[0]
    answers = assign(
        run.classifier,
        to_table(rows),
        GivenImages(images) if images else None,
        first.top,
        first.min_confidence,
        run.taxonomy,
        policy,
        version.beside_with_reasons if first.why else version.beside,
    )
    ended = iter([replace(answer, platform=None) for answer in answers])
    return [Told([next(ended) for _ in ask.products], version) for ask in asks]


def _looked_at(task: asyncio.Task[Told]) -> None:
    """Take the error of a request whose client has gone, which nobody else will."""
    if not task.cancelled():
        task.exception()
