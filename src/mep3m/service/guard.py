"""What stands before every request: how large and how slow it may be, and a line of the log for each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from http import HTTPStatus

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mep3m.service.metrics import READING, REQUESTS, SECONDS
from mep3m.service.settings import ServiceLimits

ACCESS = logging.getLogger("mep3m.access")
#: said with every answer: a browser takes it for what it says it is, shows it in no frame of another page,
#: and loads and runs nothing that this server did not send as a file
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),  # with none, browsers say of a form that it came from nowhere
)
_POLICY = b"content-security-policy"
_CSP = (
    "default-src 'self'; script-src 'self'{inline}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; frame-ancestors 'none'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'"
)
STRICT = _CSP.format(inline="").encode()
#: the page of the OpenAPI description starts itself by a script within it
OF_DOCS = _CSP.format(inline=" 'unsafe-inline'").encode()


class RefusedError(Exception):
    """A request that is not read to its end: status, why, and when to come again (seconds)."""

    def __init__(self, status: HTTPStatus, why: str, wait: int | None = None) -> None:
        super().__init__(why)
        self.status, self.why, self.wait = status, why, wait


class Guard:
    """An ASGI layer around the application; it sees the bytes before anything looks into them."""

    def __init__(self, app: ASGIApp, limits: ServiceLimits, paths: Iterable[str]) -> None:
        self._app = app
        self._limits = limits
        #: what is counted by its own name; anything else that clients ask for is one name
        self._paths = frozenset(paths)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it is too large or too slow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, self._limits)
        try:
            body = await self._body(request, receive)
            await self._app(scope, _once(body, receive), request.answering(send))
        except RefusedError as refused:
            await _refuse(request.answering(send), refused)
        finally:
            self._release(request)
            self._log(request)

    async def _body(self, request: _Request, receive: Receive) -> bytes:
        """Return the whole body; what is read and waits is counted for all requests together."""
        self._fits(request.promised)
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._read(request, receive)
        except TimeoutError:
            why = f"the body did not arrive within {self._limits.seconds:g} seconds"
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, why) from None

    async def _read(self, request: _Request, receive: Receive) -> bytes:
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RefusedError(HTTPStatus.BAD_REQUEST, "the client has gone")
            piece, more = message.get("body", b""), message.get("more_body", False)
            self._take(request, len(piece))
            body += piece
        return bytes(body)

    def _fits(self, size: int) -> None:
        if size > self._limits.body:
            why = f"the request has more than {self._limits.body:,} bytes"
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, why)

    def _take(self, request: _Request, more: int) -> None:
        self._fits(request.taken + more)
        if self._waiting + more > self._limits.waiting_bytes:
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "too much is waiting; ask again later", 1)
        request.taken += more
        self._waiting += more
        READING.inc(more)

    def _release(self, request: _Request) -> None:
        self._waiting -= request.taken
        READING.dec(request.taken)

    def _log(self, request: _Request) -> None:
        path = request.scope["path"]
        name = path if path in self._paths else "other"
        seconds = time.perf_counter() - request.began
        REQUESTS.labels(name, request.status).inc()
        SECONDS.labels(name).observe(seconds)
        client = request.scope.get("client")
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": client[0] if client else None,
            "key": request.scope.get("state", {}).get("key"),
            "method": request.scope["method"],
            "path": path,
            "status": request.status,
            "bytes": request.taken,
            "ms": round(1000 * seconds, 1),
        }
        ACCESS.info("%s", orjson.dumps(line).decode())


class _Request:
    """One request on its way: when it began, what it holds, and how it was answered (0: it was not)."""

    def __init__(self, scope: Scope, limits: ServiceLimits) -> None:
        self.scope = scope
        self.began = time.perf_counter()
        self.taken = 0
        self.status = 0
        given = dict(scope["headers"]).get(b"content-length", b"0")
        self.promised = int(given) if given.isdigit() else 0

    def answering(self, send: Send) -> Send:
        """Return `send`, which notes the status and adds the headers of every answer."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                headers = [*message["headers"], *HEADERS]
                if all(name != _POLICY for name, _ in headers):  # a page may have a policy of its own
                    headers.append((_POLICY, OF_DOCS if self.scope["path"] == "/docs" else STRICT))
                message = {**message, "headers": headers}
            await send(message)

        return noting


def _once(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body, then waits for the client to go."""
    given = False

    async def next_message() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


async def _refuse(send: Send, refused: RefusedError) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    if refused.wait is not None:
        headers.append((b"retry-after", str(refused.wait).encode()))
    await send({"type": "http.response.start", "status": refused.status.value, "headers": headers})
    await send({"type": "http.response.body", "body": orjson.dumps({"detail": refused.why})})
