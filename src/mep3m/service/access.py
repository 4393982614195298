"""Who may ask: the key of a request, its scope and its quota, as dependencies of the endpoints."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBasicCredentials

from mep3m.errors import Mep3mError
from mep3m.service.keys import ApiKey, KeyFile, Scope
from mep3m.service.quota import Quota

HEADER = APIKeyHeader(name="X-API-Key", auto_error=False)
_BASIC = HTTPBasic(auto_error=False)


class Admits(Protocol):
    """Who may ask, as dependencies of the endpoints."""

    def needs(self, scope: Scope) -> Callable[..., Any]:
        """Return the dependency of an endpoint that is for this scope."""
        ...

    def reads(self, scope: Scope) -> Callable[..., Any]:
        """Return the dependency of a page that changes nothing, for a browser."""
        ...


class Access:
    """The keys that open a service; without a key file everything is open."""

    def __init__(self, keys: Path | None, counts: Path) -> None:
        self._keys = KeyFile(keys) if keys is not None else None
        self._quota = Quota(counts) if keys is not None else None

    @property
    def open(self) -> bool:
        """Whether no key is needed."""
        return self._keys is None

    def needs(self, scope: Scope) -> Callable[..., Any]:
        """Return the dependency of an endpoint that a key with this scope opens."""
        if self.open:
            return _everybody

        def check(request: Request, given: Annotated[str | None, Security(HEADER)] = None) -> None:
            self.admit(request, given, scope)

        return check

    def reads(self, scope: Scope) -> Callable[..., Any]:
        """Return the dependency of a page: a browser, which sets no header, asks for the key as a password.

        Only for what changes nothing: a browser sends a password with requests that other pages make.
        """
        if self.open:
            return _everybody

        def check(
            request: Request,
            given: Annotated[str | None, Security(HEADER)] = None,
            basic: Annotated[HTTPBasicCredentials | None, Depends(_BASIC)] = None,
        ) -> None:
            self.admit(request, given or (basic.password if basic else None), scope)

        return check

    def admit(self, request: Request, secret: str | None, scope: Scope) -> None:
        """Let a request in by the secret of a key.

        Raises:
            HTTPException: no key has it (401), it does not open this (403), its minute is used up (429), or
                the keys cannot be read (503).
        """
        if self._keys is None or self._quota is None:
            return
        key = self._find(self._keys, secret)
        request.state.key = key.name
        if not key.allows(scope):
            raise HTTPException(HTTPStatus.FORBIDDEN, f"this key does not open what '{scope}' is for")
        wait = self._quota.wait(key)
        if wait:
            why = f"this key has {key.per_minute} requests a minute; ask again in {wait} seconds"
            raise HTTPException(HTTPStatus.TOO_MANY_REQUESTS, why, {"Retry-After": str(wait)})

    @staticmethod
    def _find(keys: KeyFile, secret: str | None) -> ApiKey:
        try:
            key = keys.find(secret) if secret is not None else None
        except Mep3mError as error:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, f"no key can be checked: {error}") from None
        if key is None:
            why = "give a key that is known here in the header X-API-Key"
            raise HTTPException(HTTPStatus.UNAUTHORIZED, why, {"WWW-Authenticate": 'Basic realm="mep3m"'})
        return key

    def close(self) -> None:
        """Close the file of the quotas."""
        if self._quota is not None:
            self._quota.close()


async def _everybody() -> None:
    """Let everybody in; the description of the service then speaks of no key.

    It waits for nothing: were it no coroutine, every request would go through another thread for it.
    """


NEEDS_KEY: dict[int | str, dict[str, Any]] = {
    401: {"description": "No key, or one that is not known here."},
    403: {"description": "The key does not open this."},
}
