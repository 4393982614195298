"""The report of a build, beside the desk: its scripts run, and reach nothing of the desk."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import FileResponse, RedirectResponse, Response

from mep3m.desk.accounts.people import Person
from mep3m.desk.desk import Desk

#: its charts are scripts within the page; the sandbox gives it an origin of its own, without our cookies
_POLICY = (
    "sandbox allow-scripts allow-downloads allow-popups; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_FILES = {"report.html": "text/html; charset=utf-8", "statistics.json": "application/json"}


def routes(desk: Desk) -> APIRouter:
    """Return the addresses of the report."""
    router = APIRouter(tags=["report"])
    reader = Depends(desk.door.needs("reader"))

    @router.get("/report/")
    def first(person: Person = reader) -> Response:
        """Lead to the page."""
        return RedirectResponse("/report/report.html", 303)

    @router.get("/report/{name}")
    def file(name: str, person: Person = reader) -> Response:
        """Send a file of the report."""
        folder = desk.folder.report
        if folder is None or name not in _FILES or not (folder / name).is_file():
            raise HTTPException(404, "there is no such report here")
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return FileResponse(folder / name, media_type=_FILES[name], headers=headers)

    return router
