"""A trained classifier over HTTP: the application, put together from its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from mep3m import __version__
from mep3m.service.access import Access
from mep3m.service.batching import Asks
from mep3m.service.endpoints import about, description, filing
from mep3m.service.guard import Guard
from mep3m.service.pictures import Pictures
from mep3m.service.service import Service
from mep3m.service.settings import ServiceSettings
from mep3m.service.versions import Served, Version

_STATIC = Path(__file__).parent / "static"


def create_app(
    settings: ServiceSettings, version: Version | None = None, shared: Path | None = None
) -> FastAPI:
    """Return the application of a service.

    `version` is what was loaded for it already, if it was; `shared` the folder where workers of one service
    count together (default: one of its own).

    Raises:
        Mep3mError: run, promise, edits or keys are not there, are damaged or do not fit each other.
    """
    own = TemporaryDirectory(prefix="mep3m-service-") if shared is None else None
    counts = (Path(own.name) if own is not None else shared or Path()) / "quota.sqlite"
    served = Served(settings, version)
    service = Service(
        settings, served, Asks(served, settings), Access(settings.keys, counts), Pictures(settings)
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(served.watch())
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await service.asks.close()
        service.access.close()
        if own is not None:
            own.cleanup()

    app = FastAPI(
        docs_url=None,  # its page would fetch scripts from elsewhere, and ask for no key
        redoc_url=None,
        openapi_url=None,
        title="mep3m",
        version=__version__,
        summary="Files products under a trained classifier, with a promise where one was given.",
        lifespan=lifespan,
    )
    app.include_router(filing.routes(service))
    app.include_router(about.routes(service))
    app.include_router(description.routes(service, app))
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.mount(description.FILES, StaticFiles(packages=[("fastapi_offline", "static")]), name="docs-files")
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_middleware(Guard, limits=settings.limits, paths=app.openapi()["paths"])
    return app


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Return what is wrong with a request, as JSON."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": _sayable(jsonable_encoder(error.errors()))}, status_code=422)


def _sayable(value: Any) -> Any:
    """Return a JSON value without half characters, which a wrong request can hold and no answer can."""
    if isinstance(value, dict):
        return {_sayable(key): _sayable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(inner) for inner in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
