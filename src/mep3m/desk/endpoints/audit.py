"""Audit: the random sample, decided without seeing the model's answer, and the promise that it proves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse

from mep3m.desk.accounts.people import Person
from mep3m.desk.desk import Desk
from mep3m.desk.endpoints.review import Work
from mep3m.desk.folder import PROMISE
from mep3m.desk.outcome import auditing


def routes(desk: Desk) -> APIRouter:
    """Return the pages of the audit."""
    router = APIRouter(prefix="/audit", tags=["audit"])
    reviewer, admin = Depends(desk.door.needs("reviewer")), Depends(desk.door.needs("admin"))
    work = Work(desk)

    @router.get("")
    def page(request: Request, person: Person = reviewer) -> HTMLResponse:
        """Show the next product of the sample."""
        return work.show(request, person, "audit", "review.html")

    @router.get("/progress")
    def progress(request: Request, person: Person = reviewer) -> HTMLResponse:
        """Say how far the audit is from a promise; asks the model about every audited row."""
        told = auditing.progress(desk.reviewing)
        return desk.pages.show(request, person, "audit_progress.html", told=told, steps=auditing.STEPS)

    @router.post("/promise")
    def promise(
        request: Request, precision: Annotated[float, Form()], person: Person = admin
    ) -> HTMLResponse:
        """Make the promise that the audit proves: the one of the folder, or beside it where there is one."""
        first = desk.folder.promise is None
        out = desk.folder.path / PROMISE if first else desk.folder.own / f"promise-{precision:g}.json"
        told = auditing.promise(desk.reviewing, precision, out)
        return desk.pages.show(request, person, "audit_promise.html", told=told, folder=desk.folder)

    return router
