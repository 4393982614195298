"""The door of a desk: who comes in, and whether a form is one of its own pages."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from fastapi import HTTPException, Request, Response

from mep3m.database import Database
from mep3m.desk.accounts.people import People, Person, Role
from mep3m.desk.accounts.sessions import LASTS, Session, Sessions
from mep3m.desk.settings import DeskSettings
from mep3m.errors import Mep3mError
from mep3m.service.keys import ApiKey, KeyFile

COOKIE = "mep3m_session"
#: how this machine is called by itself; where nobody signs in, no other name is answered
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE = frozenset({"GET", "HEAD"})


class Door:
    """Accounts, sessions and keys of one desk, as dependencies of its pages."""

    def __init__(self, settings: DeskSettings, database: Database) -> None:
        self.people = People(database)
        self.sessions = Sessions(database)
        self._local = Person(settings.person, "admin")
        self._keys = KeyFile(settings.keys) if settings.keys is not None else None

    @property
    def open(self) -> bool:
        """Whether whoever sits at this machine is let in."""
        return not self.people and self._keys is None

    def needs(self, role: Role) -> Callable[[Request], Awaitable[Person]]:
        """Return the dependency of a page that people of this role may see; it gives the person.

        Whatever changes something asks for more: that a page of this desk sent it.
        """
        return self._enter(role, changes=True)

    def asks(self, role: Role) -> Callable[[Request], Awaitable[Person]]:
        """Return the same for a question, which changes nothing whatever its method is.

        A program at this machine may ask it, and a page of this desk; a page of another origin may not.
        """
        return self._enter(role, changes=False)

    def _enter(self, role: Role, changes: bool) -> Callable[[Request], Awaitable[Person]]:
        async def enter(request: Request) -> Person:
            person = self._by_key(request) or await self._by_session(request, changes)
            request.state.key = person.name  # stands in the access log
            if not person.may(role):
                raise HTTPException(
                    HTTPStatus.FORBIDDEN, f"this needs the role '{role}'; yours is '{person.role}'"
                )
            return person

        return enter

    def known(self, request: Request) -> Person | None:
        """Return who has come in already, for a page that anybody may see."""
        if self.open:
            return self._local if request.url.hostname in LOCAL else None
        session = self.session(request)
        return None if session is None else self.people.find(session.name)

    def leave_cookie(self, request: Request, response: Response, session: Session | None) -> None:
        """Give the browser its session, or take it away."""
        if session is None:
            response.delete_cookie(COOKIE, httponly=True, samesite="strict")
            return
        response.set_cookie(
            COOKIE, session.cookie, max_age=int(LASTS), httponly=True, samesite="strict",
            secure=request.url.scheme == "https",
        )  # fmt: skip

    def session(self, request: Request) -> Session | None:
        """Return the session of a request, if it has one that holds."""
        return self.sessions.find(request.cookies.get(COOKIE))

    def begin_here(self, person: Person | None) -> Session | None:
        """Begin a session for whoever sits at this machine; `None` where people sign in."""
        return self.sessions.begin(person) if person == self._local and self.open else None

    def same_origin(self, request: Request) -> None:
        """Refuse what a page of another origin sent.

        Raises:
            HTTPException: 403.
        """
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "same-origin")
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
        if foreign or site not in ("same-origin", "none"):
            raise HTTPException(
                HTTPStatus.FORBIDDEN, "this came from a page of another origin; nothing was done"
            )

    def _by_key(self, request: Request) -> Person | None:
        secret = request.headers.get("x-api-key")
        if secret is None or self._keys is None:
            return None
        try:
            key = self._keys.find(secret)
        except Mep3mError as error:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, f"no key can be checked: {error}") from None
        if key is None:
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "this key is not known here")
        return Person(key.name, _role(key))

    async def _by_session(self, request: Request, changes: bool) -> Person:
        session = self.session(request)
        if self.open:
            person = self._of_this_machine(request)
            session = session if session is not None and session.name == person.name else None
        else:
            found = self.people.find(session.name) if session is not None else None
            if found is None:
                raise self._sign_in(request)
            person = found
        request.state.session = session
        if request.method not in _SAFE:
            self.same_origin(request)
        if request.method not in _SAFE and changes:
            await _said_back(request, session)
        return person

    def _of_this_machine(self, request: Request) -> Person:
        """Return who sits here; a page elsewhere that had its name point to this machine is refused."""
        if request.url.hostname not in LOCAL:
            why = f"nobody signs in here, so only {', '.join(sorted(LOCAL))} are answered"
            raise HTTPException(HTTPStatus.FORBIDDEN, why)
        return self._local

    @staticmethod
    def _sign_in(request: Request) -> HTTPException:
        if request.method not in _SAFE or "text/html" not in request.headers.get("accept", ""):
            return HTTPException(HTTPStatus.UNAUTHORIZED, "sign in first")
        to = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return HTTPException(HTTPStatus.SEE_OTHER, "sign in first", {"Location": f"/login?to={quote(to)}"})


async def _said_back(request: Request, session: Session | None) -> None:
    """Refuse a form that does not say what its page was given (or the header, from a script of the page)."""
    said = request.headers.get("x-csrf-token")
    if said is None and request.headers.get("content-type", "").startswith(
        ("application/x-www-form-urlencoded", "multipart/form-data")
    ):
        said = (await request.form()).get("csrf")  # type: ignore[assignment]
    if (
        session is None
        or not isinstance(said, str)
        or not hmac.compare_digest(said.encode(), session.csrf.encode())
    ):
        raise HTTPException(
            HTTPStatus.FORBIDDEN, "this form is not of a page of yours any more; load the page again"
        )


def _role(key: ApiKey) -> Role:
    if key.allows("admin"):
        return "admin"
    return "reviewer" if key.allows("review") else "reader"
