"""The desk as an application: its parts put together, with the guard of the service before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from mep3m import __version__
from mep3m.desk.accounts.door import Door
from mep3m.desk.accounts.registry import accounts, opened
from mep3m.desk.desk import Desk
from mep3m.desk.endpoints import align, align_all, audit, entrance, explore, pictures, report, review
from mep3m.desk.folder import DeskFolder
from mep3m.desk.index.keeper import IndexKeeper
from mep3m.desk.index.readings import Readings
from mep3m.desk.linking.desk_links import DeskLinks
from mep3m.desk.pages import Pages
from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.desk.settings import DeskSettings
from mep3m.errors import Mep3mError, UsageError
from mep3m.service.app import refuse
from mep3m.service.guard import Guard

_STATIC = Path(__file__).parent / "static"


def create_desk(settings: DeskSettings) -> FastAPI:
    """Return the application of a desk.

    Raises:
        Mep3mError: the folder holds nothing that can be shown, or what the desk keeps there is damaged.
    """
    folder = DeskFolder.open(settings.folder)
    known = accounts(folder)
    door = Door(settings, known)
    links = DeskLinks(folder, settings.project)
    pages = Pages(folder.path.name, door)
    reviewing = Reviewing.of(folder)
    desk = Desk(settings, folder, door, pages, IndexKeeper(folder), Readings(folder), links, reviewing)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        links.begin()
        yield
        desk.index.close()
        desk.readings.close()
        links.close()
        known.close()
        reviewing.database.close()

    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        title="mep3m desk",
        version=__version__,
        lifespan=lifespan,
    )
    for page in (entrance, pictures, explore, report, align, align_all, review, audit):
        app.include_router(page.routes(desk))
    app.state.index = desk.index
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    app.add_exception_handler(HTTPException, _Problems(desk).of_http)
    app.add_exception_handler(Mep3mError, _Problems(desk).of_mep3m)
    app.add_exception_handler(RequestValidationError, refuse)
    app.add_middleware(Guard, limits=settings.limits, paths=app.openapi()["paths"])
    return app


def guarded(settings: DeskSettings) -> bool:
    """Whether nobody is let in who has neither an account nor a key."""
    if settings.keys is not None:
        return True
    with opened(settings.folder) as people:
        return bool(people)


class _Problems:
    """What cannot be done, as a page for a person and as JSON for a program."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def of_http(self, request: Request, error: Exception) -> Response:
        found = cast(HTTPException, error)
        if found.headers and "Location" in found.headers:
            return Response(status_code=found.status_code, headers=dict(found.headers))
        said = self._say(request, found.status_code, str(found.detail))
        said.headers.update(found.headers or {})
        return said

    async def of_mep3m(self, request: Request, error: Exception) -> Response:
        return self._say(request, 422 if isinstance(error, UsageError) else 503, str(error))

    def _say(self, request: Request, status: int, why: str) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return JSONResponse({"detail": why}, status)
        return self._desk.pages.show(request, None, "problem.html", status, why=why)
