"""Fetch many image URLs at once: politely, within limits, and never twice."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from mep3m import __version__
from mep3m.errors import FormatError
from mep3m.settings.sources import FetchSettings, ImageLimits
from mep3m.sources.fetch.robots import Robots
from mep3m.sources.fetch.transport import GuardedTransport
from mep3m.store.filesystem import atomic_write
from mep3m.store.images import ContentImages

#: longest wait that a server's Retry-After can ask for, in seconds
LONGEST_WAIT = 60.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECT = frozenset({301, 302, 303, 307, 308})


class TryAgainError(Exception):
    """This attempt failed in a way that the next one may not; `wait` is what the server asked for."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class Partial:
    """What has come of a body so far, and the mark by which the rest can be asked for."""

    content: bytearray = field(default_factory=bytearray)
    mark: str | None = None

    def headers(self) -> dict[str, str]:
        """Return the headers that ask for the rest, provided that the image has not changed."""
        if not self.content or self.mark is None:
            return {}
        return {"Range": f"bytes={len(self.content)}-", "If-Range": self.mark}


def fetch_images(
    urls: Sequence[str], settings: FetchSettings, limits: ImageLimits, store: Path
) -> Iterator[tuple[str, bytes | FormatError]]:
    """Yield (URL, its bytes or why there are none) as they come.

    What was fetched by an earlier, interrupted run is taken from the image folder `store` without
    asking the server again.
    """
    notes = Notes(store)
    missing = []
    for url in dict.fromkeys(urls):
        known = notes.find(url)
        if known is not None:
            yield url, known
        else:
            missing.append(url)
    if not missing:
        return
    with asyncio.Runner() as runner:
        results = _fetch_all(missing, settings, limits)
        try:
            while (result := runner.run(_next(results))) is not None:
                notes.add(*result)
                yield result
        finally:
            runner.run(results.aclose())


@dataclass(frozen=True)
class Notes:
    """Which URL gave which image, one small file each beside the images."""

    store: Path

    def find(self, url: str) -> bytes | None:
        """Return the bytes that the URL gave before, if they are still there."""
        path = self._path(url)
        if not path.exists():
            return None
        key = path.read_text()
        target = ContentImages(self.store).file(key)
        content = target.read_bytes() if target.exists() else b""
        return content if hashlib.sha256(content).hexdigest() == key else None

    def add(self, url: str, content: bytes | FormatError) -> None:
        """Note what a URL gave, where it gave anything."""
        if isinstance(content, FormatError):
            return
        key = ContentImages(self.store).put(content)
        with atomic_write(self._path(url), durable=False) as temporary:
            temporary.write_text(key)

    def _path(self, url: str) -> Path:
        key = hashlib.sha256(url.encode()).hexdigest()
        return self.store / "urls" / key[:3] / f"{key}.txt"


async def _next(
    results: AsyncIterator[tuple[str, bytes | FormatError]],
) -> tuple[str, bytes | FormatError] | None:
    return await anext(results, None)


async def _fetch_all(
    urls: Sequence[str], settings: FetchSettings, limits: ImageLimits
) -> AsyncGenerator[tuple[str, bytes | FormatError], None]:
    """Fetch with at most `concurrency` requests at a time; the number of waiting tasks stays bounded."""
    async with (
        fetching(settings, limits) as fetcher,
        contextlib.aclosing(_in_flight(fetcher, urls, 2 * settings.concurrency)) as results,
    ):
        async for result in results:
            yield result


@contextlib.asynccontextmanager
async def fetching(settings: FetchSettings, limits: ImageLimits) -> AsyncGenerator[Fetcher, None]:
    """Open what fetches, by the rules of ingest."""
    transport = GuardedTransport(settings.allow_private, settings.concurrency + 4)
    headers = {"User-Agent": f"{settings.agent}/{__version__}", "Accept-Encoding": "identity"}
    async with httpx.AsyncClient(
        transport=transport, headers=headers, timeout=settings.timeout, trust_env=False
    ) as client:
        yield Fetcher(client, settings, limits)


async def _in_flight(
    fetcher: Fetcher, urls: Sequence[str], room: int
) -> AsyncGenerator[tuple[str, bytes | FormatError], None]:
    """Yield results as they come, with at most `room` tasks at a time; none is left behind."""
    waiting = iter(urls)
    running = {asyncio.create_task(fetcher.fetch(url)) for url in itertools.islice(waiting, room)}
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            following = itertools.islice(waiting, room - len(running))
            running |= {asyncio.create_task(fetcher.fetch(url)) for url in following}
            for task in done:
                yield task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Fetcher:
    """Fetches one URL at a time; many of its calls run side by side."""

    def __init__(self, client: httpx.AsyncClient, settings: FetchSettings, limits: ImageLimits) -> None:
        self._client = client
        self._settings = settings
        self._limits = limits
        self._robots = Robots(client, settings)
        self._all = asyncio.Semaphore(settings.concurrency)
        self._hosts: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(settings.per_host))

    async def fetch(self, url: str) -> tuple[str, bytes | FormatError]:
        """Return the URL and its bytes, or the reason why there are none after all attempts."""
        partial = Partial()
        for attempt in range(1, self._settings.attempts + 1):
            try:
                return url, await self._attempt(url, partial)
            except FormatError as error:
                return url, error
            except TryAgainError as error:
                if attempt == self._settings.attempts:
                    return url, FormatError(f"{error} (after {attempt} attempts)")
                backoff = self._settings.backoff * 2 ** (attempt - 1)
                await asyncio.sleep(min(max(backoff, error.wait or 0.0), LONGEST_WAIT))
        raise AssertionError("at least one attempt is made")

    async def _attempt(self, url: str, partial: Partial) -> bytes:
        address = self._checked(url)
        for _ in range(self._settings.redirects + 1):
            await self._robots.permit(address)
            async with self._hosts[address.host], self._all:
                following = await self._request(address, partial)
            if following is None:
                return bytes(partial.content)
            address = self._checked(following)
        raise FormatError(f"more than {self._settings.redirects} redirects")

    def _checked(self, url: str | httpx.URL) -> httpx.URL:
        """Return the URL if it is one that may be asked for."""
        try:
            address = httpx.URL(url)
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise FormatError(f"not a valid address: {error}") from None
        if address.scheme not in ("http", "https") or not address.host:
            raise FormatError(f"'{address.scheme}:' addresses are not fetched, only http and https")
        if self._settings.hosts and address.host not in self._settings.hosts:
            raise FormatError(f"the host '{address.host}' is not among the allowed ones")
        return address

    async def _request(self, address: httpx.URL, partial: Partial) -> httpx.URL | None:
        """Read the body into `partial`, or return the address that the server sends us to."""
        try:
            async with (
                asyncio.timeout(self._settings.timeout),
                self._client.stream("GET", address, headers=partial.headers()) as response,
            ):
                if response.status_code in _REDIRECT and "location" in response.headers:
                    return address.join(response.headers["location"])
                self._look(response, partial)
                await self._read(response, partial)
        except TimeoutError:
            raise TryAgainError(f"no complete answer within {self._settings.timeout:g} seconds") from None
        except httpx.TransportError as error:
            raise TryAgainError(f"the connection failed: {error}") from None
        except (httpx.InvalidURL, ValueError) as error:
            raise FormatError(f"the answer cannot be read: {error}") from None
        return None

    def _look(self, response: httpx.Response, partial: Partial) -> None:
        """Decide by the head of the answer whether its body is wanted at all."""
        status = response.status_code
        if status in _AGAIN:
            raise TryAgainError(f"HTTP status {status} ({response.reason_phrase})", _retry_after(response))
        if status == 206 and response.headers.get("content-range", "").startswith(
            f"bytes {len(partial.content)}-"
        ):
            return
        partial.content.clear()
        if status == 416 or status == 206:
            raise TryAgainError("the server lost its place in the image")
        if status != 200:
            raise FormatError(f"HTTP status {status} ({response.reason_phrase})")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("text/"):
            raise FormatError(f"the answer is {kind}, not an image")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise FormatError("the answer is packed, although unpacked was asked for")
        tag = response.headers.get("etag", "")
        strong = tag if tag and not tag.startswith("W/") else None
        partial.mark = strong or response.headers.get("last-modified")
        self._check_size(int(response.headers.get("content-length") or 0))

    async def _read(self, response: httpx.Response, partial: Partial) -> None:
        async for piece in response.aiter_raw():
            partial.content += piece
            self._check_size(len(partial.content))

    def _check_size(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise FormatError(f"the image has more than {self._limits.max_bytes:,} bytes")


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that the server asks to wait; it may name seconds or a date."""
    value = response.headers.get("retry-after", "")
    if value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, TypeError):
        return None
