"""What the OpenAPI description says of the pages of a desk, beside what their code does."""

from __future__ import annotations

import inspect
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

#: a count or a place: what SQLite and scripts of pages hold
WHOLE = Field(ge=0, le=2**53)


class PageRefusal(BaseModel):
    """Why a page was not shown: in a sentence, or what is wrong with each value."""

    detail: str | list[dict[str, Any]]


_WHY: dict[int, str] = {
    400: "The request cannot be taken apart.",
    401: "Nobody has signed in, or the key is not known here.",
    403: "The role does not allow it, or the form is not of a page of this desk.",
    404: "There is no such thing here.",
    408: "The body did not arrive in time.",
    409: "It has changed since the page was shown.",
    413: "The request, or a picture in it, is too large.",
    422: "The request is not as described.",
    429: "Too much waits; see Retry-After.",
    503: "The file that would have to be read is damaged or busy.",
}
#: what every page may refuse: as a page for a person, as JSON for a program
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": why,
        "content": {
            "application/json": {"schema": PageRefusal.model_json_schema()},
            "text/html": {},
            "text/plain": {},
        },
    }
    for status, why in _WHY.items()
}
REFUSALS[303] = {"description": "Look there instead: after a form, or to sign in."}


def described(router: APIRouter) -> APIRouter:
    """Describe each endpoint that gives a page as one: what its signature says, not JSON."""
    for route in router.routes:
        if isinstance(route, APIRoute) and _gives_a_page(route):
            route.response_class = HTMLResponse
    return router


def _gives_a_page(route: APIRoute) -> bool:
    return inspect.signature(route.endpoint).return_annotation in ("HTMLResponse", HTMLResponse)
