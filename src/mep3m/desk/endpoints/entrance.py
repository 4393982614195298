"""The entrance: the first page, signing in and out, and whether the desk answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from mep3m.desk.accounts.people import Person
from mep3m.desk.desk import Desk
from mep3m.errors import UsageError

_FIRST = "/"


def routes(desk: Desk) -> APIRouter:
    """Return the pages of the entrance."""
    router = APIRouter(tags=["entrance"])
    door, pages = desk.door, desk.pages
    reader = Depends(door.needs("reader"))

    @router.get("/health")
    def health() -> dict[str, str]:
        """Say that the desk answers; open to everybody."""
        return {"desk": desk.folder.path.name}

    @router.get("/")
    def first(request: Request, person: Person = reader) -> HTMLResponse:
        """Show what lies in the folder, and where to go."""
        store = desk.folder.store
        rows = store.manifest["rows"] - store.manifest["dropped"] if store is not None else None
        waiting = {name: desk.reviewing.line.left(name) for name in ("review", "audit")}
        return pages.show(request, person, "start.html", rows=rows, folder=desk.folder, **waiting)

    @router.get("/login")
    def ask(request: Request, to: str = _FIRST) -> HTMLResponse:
        """Ask who comes."""
        return pages.show(request, None, "login.html", to=_inside(to), given="", problem="")

    @router.post("/login")
    def sign_in(
        request: Request,
        name: Annotated[str, Form()],
        password: Annotated[str, Form()],
        to: Annotated[str, Form()] = _FIRST,
    ) -> Response:
        """Let a person in who gives the right password."""
        door.same_origin(request)
        try:
            person = door.people.sign_in(name, password)
            problem = "" if person is not None else "This name and this password do not go together."
        except UsageError as error:
            raise HTTPException(429, str(error), {"Retry-After": "60"}) from None
        if person is None:
            return pages.show(
                request, None, "login.html", 401, to=_inside(to), given=name[:100], problem=problem
            )
        response = RedirectResponse(_inside(to), 303)
        door.leave_cookie(request, response, door.sessions.begin(person))
        return response

    @router.post("/logout")
    def sign_out(request: Request, person: Person = reader) -> Response:
        """End the session; its cookie opens nothing any more."""
        session = request.state.session
        if session is not None:
            door.sessions.end(session)
        response = RedirectResponse("/login", 303)
        door.leave_cookie(request, response, None)
        return response

    return router


def _inside(to: str) -> str:
    """Return an address of this desk: where a link of elsewhere would lead away, the first page.

    Browsers leave out tabs and line ends, so that `/`, a tab and `/x.example` lead to x.example.
    """
    stays = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable()
    return to if stays else _FIRST
