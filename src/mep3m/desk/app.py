"""The desk as an application: its parts put together, with the guard of the service before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from mep3m import __version__
from mep3m.desk.description import REFUSALS, described
from mep3m.desk.desk import Desk
from mep3m.desk.endpoints import (
    align,
    align_all,
    audit,
    entrance,
    explore,
    pictures,
    report,
    review,
    trying,
    watching,
)
from mep3m.errors import Mep3mError, UsageError
from mep3m.service.app import refuse
from mep3m.service.endpoints import about, description, filing
from mep3m.service.guard import Guard
from mep3m.service.service import sayable

_STATIC = Path(__file__).parent / "static"


def create_desk(desk: Desk) -> FastAPI:
    """Return the application of an opened desk, which closes it when it ends."""
    service = desk.service

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk.begin()
        async with service.running() if service is not None else nullcontext():
            yield
        desk.close()

    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        title="mep3m desk",
        version=__version__,
        lifespan=lifespan,
    )
    for page in (entrance, pictures, explore, report, align, align_all, review, audit, trying, watching):
        app.include_router(described(page.routes(desk)), responses=REFUSALS)
    programs = [] if service is None else [filing.routes(service), about.routes(service)]
    for router in programs:
        app.include_router(router)
    description.include(app, desk.access)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    problems = _Problems(desk, {getattr(route, "path", "") for router in programs for route in router.routes})
    app.add_exception_handler(HTTPException, problems.of_http)
    app.add_exception_handler(Mep3mError, problems.of_mep3m)
    app.add_exception_handler(RequestValidationError, problems.of_validation)
    app.add_middleware(Guard, limits=desk.settings.limits, paths=app.openapi()["paths"])
    return app


class _Problems:
    """What cannot be done, as a page for a person and as JSON for a program.

    `programs` are the addresses that only programs ask, whatever they say that they accept.
    """

    def __init__(self, desk: Desk, programs: set[str]) -> None:
        self._desk = desk
        self._programs = programs

    async def of_http(self, request: Request, error: Exception) -> Response:
        found = cast(HTTPException, error)
        if found.headers and "Location" in found.headers:
            return Response(status_code=found.status_code, headers=dict(found.headers))
        said = self._say(request, found.status_code, str(found.detail))
        said.headers.update(found.headers or {})
        if found.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # the router names those of one function alone
            methods = request.app.openapi()["paths"].get(request.url.path, {})
            said.headers["Allow"] = ", ".join(sorted(map(str.upper, methods))) or said.headers["Allow"]
        return said

    async def of_mep3m(self, request: Request, error: Exception) -> Response:
        return self._say(request, 422 if isinstance(error, UsageError) else 503, str(error))

    async def of_validation(self, request: Request, error: Exception) -> Response:
        if self._by_program(request):
            return await refuse(request, error)
        wrong = cast(RequestValidationError, error).errors()
        _ = self._desk.pages.translator(request, self._desk.door.known(request))
        said = (f"{'.'.join(map(str, one['loc'][1:]))}: {_.told(one['msg'])}" for one in wrong)
        return self._say(request, 422, "; ".join(said))

    def _by_program(self, request: Request) -> bool:
        return request.url.path in self._programs or "text/html" not in request.headers.get("accept", "")

    def _say(self, request: Request, status: int, why: str) -> Response:
        if request.url.path in self._programs:
            return JSONResponse({"detail": sayable(why)}, status)
        person = self._desk.door.known(request)
        if self._by_program(request):  # a script of a page shows it as it comes
            said = self._desk.pages.translator(request, person).told(why)
            return JSONResponse({"detail": sayable(said)}, status)
        sign_in = f"/login?to={quote(_came_from(request))}" if status == HTTPStatus.UNAUTHORIZED else None
        return self._desk.pages.show(request, person, "problem.html", status, why=why, sign_in=sign_in)


def _came_from(request: Request) -> str:
    """Return the address of the page of this desk that a form was sent from, or else the first page."""
    page = urlsplit(request.headers.get("referer", ""))
    if page.netloc != request.headers.get("host"):
        return "/"
    return page.path + (f"?{page.query}" if page.query else "")
