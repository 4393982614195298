"""Requests at the same time: one call for many, and nobody suffers for another."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.assignment.answer import Beside, assign
from mep3m.assignment.run import Run
from mep3m.product import Product, to_table
from mep3m.service.batching import Ask, Asks, FailedError, QueueFullError
from mep3m.service.settings import ServiceLimits, ServiceSettings
from mep3m.service.versions import Served, Version

T = TypeVar("T")
TITLES = ["红富士苹果", "海南香蕉", "透明手机壳", "华为手机", "zzz"]


@pytest.fixture(scope="module")
def run(run_folder: Path) -> Run:
    return Run.open(run_folder)


def product(title: Any, own: str = "0") -> Product:
    return Product(own, "request", own, title=title)


def sure(title: Any) -> Ask:
    """Ask for a full path, however probable it is."""
    return Ask([product(title)], {}, 5, 0.0)


def with_queue(run: Run, body: Any, **limits: int) -> Any:
    """Run `body(asks)` in a loop of its own, with a queue that is closed afterwards."""

    async def inside() -> Any:
        given = ServiceSettings(run=run.folder, wait=0.05, limits=ServiceLimits(**limits))
        asks = Asks(Served(given, Version(run, None, "now")), given)
        try:
            return await body(asks)
        finally:
            await asks.close()

    return asyncio.run(inside())


async def gather(*coroutines: Coroutine[Any, Any, T]) -> list[T | BaseException]:
    return await asyncio.gather(*coroutines, return_exceptions=True)


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(TITLES), min_size=1, max_size=4),
            st.sampled_from([1, 3]),
            st.sampled_from([0.0, 0.5]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_each_request_gets_what_it_would_get_alone(
    run: Run, wanted: list[tuple[list[str], int, float]]
) -> None:
    def ask(titles: list[str], top: int, least: float) -> Ask:
        # ids of different requests may be the same
        return Ask([product(title, str(n)) for n, title in enumerate(titles)], {}, top, least)

    async def together(asks: Asks) -> Any:
        return await gather(*(asks.ask(ask(*one)) for one in wanted))

    for (titles, top, least), told in zip(wanted, with_queue(run, together), strict=True):
        products = to_table(product(title, str(n)) for n, title in enumerate(titles))
        assert told.answers == assign(
            run.classifier, products, None, top, least, run.taxonomy, None, Beside.of(run)
        )


def test_requests_that_wait_share_a_call(run: Run) -> None:
    sizes = []

    class Counted(Asks):
        def process_batch(self, batch: list[Ask]) -> Any:
            sizes.append(len(batch))
            return super().process_batch(batch)

    async def inside() -> None:
        given = ServiceSettings(run=run.folder, batch=16)
        asks = Counted(Served(given, Version(run, None, "now")), given)
        await gather(*(asks.ask(Ask([product("苹果")])) for _ in range(64)))
        await asks.close()

    asyncio.run(inside())
    assert sum(sizes) == 64
    assert max(sizes) <= 16
    assert len(sizes) < 12


@pytest.mark.parametrize("place", [0, 3, 7])
def test_a_request_that_fails_touches_no_other(run: Run, place: int) -> None:
    """A title that is no text gets past no endpoint; here it stands for whatever a model cannot bear."""

    async def body(asks: Asks) -> Any:
        titles: list[Any] = ["红富士苹果"] * 8
        titles[place] = 5
        return await gather(*(asks.ask(sure(title)) for title in titles))

    told = with_queue(run, body)
    assert isinstance(told[place], FailedError)
    assert all(one.answers[0].path for n, one in enumerate(told) if n != place)


@pytest.mark.parametrize("gone", [{0}, {2, 5}, set(range(7))])
def test_a_client_that_leaves_touches_no_other(run: Run, gone: set[int]) -> None:
    async def body(asks: Asks) -> Any:
        tasks = [asyncio.create_task(asks.ask(sure("红富士苹果"))) for _ in range(8)]
        await asyncio.sleep(0.01)
        for place in gone:
            tasks[place].cancel()
        told = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
        return told, await asyncio.wait_for(asks.ask(sure("华为手机")), 20)

    told, later = with_queue(run, body)
    assert {n for n, one in enumerate(told) if isinstance(one, asyncio.CancelledError)} == gone
    assert later.answers[0].path == ("数码", "手机")


def test_a_full_queue_refuses_and_goes_on(run: Run) -> None:
    async def body(asks: Asks) -> Any:
        told = await gather(*(asks.ask(Ask([product("苹果")])) for _ in range(50)))
        return told, await asks.ask(Ask([product("苹果")]))

    told, later = with_queue(run, body, waiting=10)
    refused = [one for one in told if isinstance(one, QueueFullError)]
    assert refused
    assert len(refused) < 50
    assert later.answers


def test_closing_answers_what_waits(run: Run) -> None:
    async def inside() -> Any:
        given = ServiceSettings(run=run.folder)
        asks = Asks(Served(given, Version(run, None, "now")), given)
        tasks = [asyncio.create_task(asks.ask(Ask([product("苹果")]))) for _ in range(20)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asks.close()
        return await asyncio.wait_for(asyncio.gather(*tasks), 20)

    assert all(told.answers for told in asyncio.run(inside()))
