"""A trained classifier over HTTP: the application, put together from its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from mep3m import __version__
from mep3m.service.access import Access
from mep3m.service.endpoints import about, description, entrance, filing
from mep3m.service.guard import Guard
from mep3m.service.service import Service, sayable
from mep3m.service.settings import ServiceSettings
from mep3m.service.versions import Version

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
    access = Access(settings.keys, counts)
    service = Service.assemble(settings, access, version)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield
        access.close()
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
    app.include_router(entrance.routes(service, needs_key=not access.open))
    description.include(app, access)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_middleware(Guard, limits=settings.limits, paths=app.openapi()["paths"])
    return app


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """Return what is wrong with a request, as JSON."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": sayable(jsonable_encoder(error.errors()))}, status_code=422)
