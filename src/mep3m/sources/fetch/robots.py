"""robots.txt of every site, fetched once and kept to."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import httpx
from protego import Protego

from mep3m.errors import FormatError
from mep3m.settings.sources import FetchSettings

#: bytes of robots.txt that are read; the rest does not count (RFC 9309, 2.5)
ROBOTS_BYTES = 500 * 1024
#: longest wait between two requests that a site can ask for, in seconds
LONGEST_DELAY = 30.0


@dataclass
class Site:
    """One scheme, host and port: its rules, and when the next request may start."""

    rules: Protego | None = None
    refused: str | None = None
    delay: float = 0.0
    next_start: float = 0.0
    known: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Robots:
    """Asks for permission and keeps the pace that a site wants."""

    def __init__(self, client: httpx.AsyncClient, settings: FetchSettings) -> None:
        self._client = client
        self._settings = settings
        self._sites: dict[str, Site] = {}

    async def permit(self, url: httpx.URL) -> None:
        """Return when the URL may be requested.

        Raises:
            FormatError: the site's robots.txt forbids it.
        """
        if not self._settings.robots:
            return
        origin = f"{url.scheme}://{url.netloc.decode('ascii')}"
        site = self._sites.setdefault(origin, Site())
        async with site.lock:
            if not site.known:
                await self._read(site, origin)
                site.known = True
        if site.refused:
            raise FormatError(site.refused)
        if site.rules is not None and not site.rules.can_fetch(str(url), self._settings.agent):
            raise FormatError("the site's robots.txt forbids this address")
        if site.delay:
            start = max(time.monotonic(), site.next_start)
            site.next_start = start + site.delay
            await asyncio.sleep(max(0.0, start - time.monotonic()))

    async def _read(self, site: Site, origin: str) -> None:
        """Read the rules: none with a 4xx answer, everything forbidden with a 5xx one (RFC 9309)."""
        try:
            async with (
                asyncio.timeout(self._settings.timeout),
                self._client.stream("GET", f"{origin}/robots.txt") as response,
            ):
                if response.status_code >= 500:
                    site.refused = f"the site's robots.txt cannot be read (status {response.status_code})"
                if response.status_code != 200:
                    return
                content = await _beginning(response)
        except (httpx.TransportError, TimeoutError):
            return  # the request for the image itself will say what is wrong
        site.rules = Protego.parse(content.decode("utf-8", "replace"))
        delay = site.rules.crawl_delay(self._settings.agent)
        site.delay = min(float(delay or 0.0), LONGEST_DELAY)


async def _beginning(response: httpx.Response) -> bytes:
    """Return at most `ROBOTS_BYTES` of an answer; the rest is not read."""
    content = b""
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > ROBOTS_BYTES:
            break
    return content[:ROBOTS_BYTES]
