"""Try: how one product would be filed, and why."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from anyio import from_thread
from fastapi import APIRouter, Depends, Form, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from mep3m.desk.accounts.people import Person
from mep3m.desk.desk import Desk
from mep3m.desk.filing.tried import StoredPictures, Tried, shown_again
from mep3m.service.endpoints.filing import upload
from mep3m.service.endpoints.questions import MOST_CHARACTERS
from mep3m.service.service import Service, wrong
from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.taxonomy import names_of

Text = Annotated[str, Form(max_length=MOST_CHARACTERS)]
_NOTHING = "nothing"
#: asks for the part of the page below the form alone, and says that it is that
_PART = "X-Part"


def routes(desk: Desk) -> APIRouter:
    """Return the page to try the classifier, and the part of it that scripts ask for."""
    router = APIRouter(tags=["try"])
    reader = Depends(desk.door.needs("reader"))
    pictures = StoredPictures(desk.folder.store)

    @router.get("/try")
    def empty(request: Request, person: Person = reader) -> HTMLResponse:
        """Show the page."""
        return _page(desk, request, person)

    @router.post("/try")
    def answer(
        request: Request,
        title: Text = "",
        ocr: Text = "",
        image: UploadFile | None = None,
        min_confidence: Annotated[float, Form(ge=0, le=1)] = MIN_CONFIDENCE,
        person: Person = reader,
    ) -> HTMLResponse:
        """Answer one product: the whole page, or with `X-Part: answer` what stands below the form."""
        given: dict[str, Any] = {"title": title.strip(), "ocr": ocr.strip(), "min_confidence": min_confidence}
        try:
            tried, told = _tell(desk.service, image, given)
        except RequestValidationError as error:
            why = "; ".join(one["msg"] for one in error.errors())
            return _page(desk, request, person, HTTPStatus.UNPROCESSABLE_ENTITY, problem=why, **given)
        except HTTPException as error:
            shown = _page(desk, request, person, error.status_code, problem=str(error.detail), **given)
            shown.headers.update(error.headers or {})
            return shown
        if told["why"]:
            told["why"]["nearest"] = pictures.beside(told["why"]["nearest"])
        again = shown_again(tried.picture) if tried.picture else None
        return _page(desk, request, person, answer=told, picture=again, **given)

    return router


def _tell(service: Service | None, image: UploadFile | None, given: dict[str, Any]) -> tuple[Tried, Any]:
    """Return what was tried, and its answer as JSON values.

    Raises:
        RequestValidationError: there is nothing that the model reads, or no picture in what should be one.
        HTTPException: no run is served, the picture is too large, or the model cannot answer now.
    """
    if service is None:
        raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, "no classifier is served here")
    # a browser sends an empty field where no file was chosen
    picture = None
    if image is not None and (image.filename or image.size):
        picture = from_thread.run(upload, service, image, ("body", "image"))
    tried = Tried(picture=picture, **given)
    if not (tried.title or tried.ocr or tried.picture):
        raise wrong(("body", "title"), _NOTHING)
    told = from_thread.run(service.tell, tried.ask, ("body",))
    return tried, {**told.answers[0].to_json(), "version": told.version.id}


def _page(
    desk: Desk, request: Request, person: Person, status: int = HTTPStatus.OK, **values: Any
) -> HTMLResponse:
    shown = {"title": "", "ocr": "", "min_confidence": MIN_CONFIDENCE, "problem": "", "answer": None}
    part = request.headers.get(_PART) == "answer"
    names = desk.service.version.run.taxonomy if desk.service is not None else None
    page = desk.pages.show(
        request,
        person,
        "tried.html" if part else "try.html",
        status,
        **{**shown, "picture": None, **values},
        spell=lambda path: names_of(path, names),
        service=desk.service,
        why_no_service=desk.why_no_service,
    )
    if part:
        page.headers[_PART] = "answer"
    return page
