"""Watch: whether the promise still holds, what was filed, and taking back what should not have been."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from mep3m.assignment.policy import STOP
from mep3m.desk.accounts.people import Person
from mep3m.desk.desk import Desk
from mep3m.desk.filing.watched import WatchBoard
from mep3m.errors import Mep3mError, UsageError
from mep3m.evaluation.promises.drift import KINDS
from mep3m.recipes.filing.watch import Watch
from mep3m.taxonomy import names_of

#: filings that a preview shows; the table has all
SHOWN = 100
#: minutes of which the answers are counted
MINUTES = (1, 10, 60)


def routes(desk: Desk) -> APIRouter:
    """Return the pages of the watch."""
    router = APIRouter(tags=["watch"])
    reader, admin = Depends(desk.door.needs("reader")), Depends(desk.door.needs("admin"))
    settings = desk.settings
    board = WatchBoard(desk.folder, settings.promise, settings.answers, desk.service)

    @router.get("/watch")
    def state(request: Request, undone: int | None = None, person: Person = reader) -> HTMLResponse:
        """Show what the promise says, what audits say of it, and what was filed."""
        try:
            watch = board.watch()
            batches, lacking = board.batches()
            told, trouble = _told(desk, watch), ""
        except Mep3mError as error:
            told, trouble, batches, lacking = None, str(error), [], []
        return desk.pages.show(
            request, person, "watch.html", board=board, told=told, trouble=trouble, batches=batches,
            lacking=lacking, paces=_paces(desk), undone=undone, kinds=KINDS, service=desk.service,
            why_no_service=desk.why_no_service,
        )  # fmt: skip

    @router.get("/watch/undo")
    def preview(request: Request, person: Person = admin) -> HTMLResponse:
        """Show what is taken back, before it is."""
        found, mark = board.to_undo()
        return desk.pages.show(
            request, person, "undo.html", found=found[:SHOWN], count=len(found), mark=mark, table=board.table
        )

    @router.post("/watch/undo", status_code=HTTPStatus.SEE_OTHER, response_class=RedirectResponse)
    def undo(mark: Annotated[str, Form()], person: Person = admin) -> Response:
        """Write the table that 'mep3m watch undo' writes, of what was shown."""
        try:
            count = board.undo(mark)
        except UsageError as error:
            raise HTTPException(HTTPStatus.CONFLICT, str(error)) from None
        return RedirectResponse(f"/watch?undone={count}", HTTPStatus.SEE_OTHER)

    @router.get("/watch/undo.csv", response_class=FileResponse)
    def table(person: Person = admin) -> Response:
        """Send the table that was written last."""
        if not board.table.exists():
            raise HTTPException(HTTPStatus.NOT_FOUND, "nothing was undone yet")
        return FileResponse(board.table, media_type="text/csv", filename=board.table.name)

    return router


def _told(desk: Desk, watch: Watch | None) -> dict[str, Any] | None:
    """Return the state of a watch with the names of its branches, and what stops filing at this moment."""
    if watch is None:
        return None
    names = desk.service.version.run.taxonomy if desk.service is not None else None
    state = watch.state()
    branches = [{**one, "names": names_of(one["branch"], names)} for one in state["branches"]]
    return {
        **state,
        "promised": watch.promise,
        "branches": branches,
        "fallen": [names_of(path, names) for path in state["fallen"]],
        "stopped": watch.file.with_name(watch.file.name + STOP).exists(),
    }


def _paces(desk: Desk) -> list[tuple[int | None, dict[str, int]]]:
    """Return what this server answered in the last minutes and in all, by decision."""
    if desk.service is None:
        return []
    pace = desk.service.pace
    return [*((minutes, dict(pace.last(minutes))) for minutes in MINUTES), (None, dict(pace.all))]
