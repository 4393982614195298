"""Pictures that a request brings, or names in a folder or by an address: checked before any decoding."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from mep3m.errors import FormatError
from mep3m.imaging.examine import examine
from mep3m.service.settings import ServiceSettings
from mep3m.settings.sources import ImageLimits
from mep3m.sources.fetch.client import fetching
from mep3m.store.filesystem import inside


class Pictures:
    """Where the pictures of requests come from: uploads always, a folder and the web only where allowed."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._folder = settings.images
        self._limits: ImageLimits = settings.limits.image
        self._fetch = settings.fetch

    async def get(self, name: str) -> bytes:
        """Return the bytes of a picture that a request names.

        Raises:
            FormatError: it may not be named so, is not there, or is no picture that may be taken in.
        """
        if urlsplit(name).scheme in ("http", "https"):
            return await self.check(await self._from_the_web(name))
        if self._folder is None:
            raise FormatError(
                "pictures are read from a folder only where the service is started with --images"
            )
        return await self.check(await asyncio.to_thread(self._from_the_folder, self._folder, name))

    async def check(self, content: bytes) -> bytes:
        """Return the bytes if they are a picture that may be taken in.

        Raises:
            FormatError: they are not.
        """
        await asyncio.to_thread(examine, content, self._limits)
        return content

    async def _from_the_web(self, url: str) -> bytes:
        if not self._fetch.enabled:
            raise FormatError("pictures are fetched only where the service is started with --urls")
        async with fetching(self._fetch, self._limits) as fetcher:
            _, content = await fetcher.fetch(url)
        if isinstance(content, FormatError):
            raise content
        return content

    def _from_the_folder(self, folder: Path, name: str) -> bytes:
        path = inside(folder, name)
        try:
            if path.stat().st_size > self._limits.max_bytes:
                raise FormatError(f"'{name}' has more than {self._limits.max_bytes:,} bytes")
            return path.read_bytes()
        except (OSError, ValueError):
            raise FormatError(f"'{name}' is not a file in the folder of pictures") from None
