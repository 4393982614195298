"""A trained classifier over HTTP: `POST /assign`, `GET /card`, `GET /health`, and a page to try it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

import pyarrow as pa
from fastapi import FastAPI, HTTPException, Query, Request, UploadFile
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from mep3m import __version__
from mep3m.assignment.answer import Beside, assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.readable import refuse_unread
from mep3m.assignment.run import Run
from mep3m.errors import FormatError, UsageError
from mep3m.imaging.examine import examine
from mep3m.models.classifier import Classifier
from mep3m.product import Product, to_table
from mep3m.report.page import render
from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.settings.sources import ImageLimits
from mep3m.store.images import GivenImages
from mep3m.store.json_files import read_json

#: products of one request, characters of one text, and what an uploaded image may be
MOST_PRODUCTS = 1_000
MOST_CHARACTERS = 10_000
LIMITS = ImageLimits()


class NewProduct(BaseModel):
    """One product to file; give a title, OCR text, or both."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    title: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    ocr: str | None = Field(default=None, max_length=MOST_CHARACTERS)


class Question(BaseModel):
    """A request: products, how many full paths to rank, and the least probability of an answer."""

    model_config = ConfigDict(extra="forbid", strict=True)
    products: list[NewProduct] = Field(min_length=1, max_length=MOST_PRODUCTS)
    top: int = Field(default=5, ge=1, le=100)
    min_confidence: float = Field(default=MIN_CONFIDENCE, ge=0, le=1)


class Refusal(BaseModel):
    """Why a request was not answered."""

    detail: str


NO_FORM: dict[str, Any] = {"model": Refusal, "description": "The body cannot be taken apart."}
TOO_LARGE: dict[str, Any] = {"model": Refusal, "description": "The image is too large."}
NO_CARD: dict[str, Any] = {"model": Refusal, "description": "The run has no metric card."}


def create_app(run: Run, policy: FilingPolicy | None = None) -> FastAPI:
    """Return the application that serves a trained run; with a `policy`, it files under its promise."""
    classifier, names, beside = run.classifier, run.taxonomy, Beside.of(run)
    app = FastAPI(title="mep3m", version=__version__, docs_url=None, redoc_url=None)

    @app.exception_handler(RequestValidationError)
    def refuse(request: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"detail": _sayable(jsonable_encoder(error.errors()))}, status_code=422)

    @app.get("/health")
    def health() -> dict[str, Any]:
        promised = {} if policy is None else {"promise": policy.promise.id}
        return {"status": "ok", "mep3m": __version__, "classes": len(classifier.tree.leaves), **promised}

    @app.get("/card", responses={404: NO_CARD})
    def card() -> Any:
        path = run.folder / "card.json"
        if not path.exists():
            raise HTTPException(404, "this run has no metric card; make one with 'mep3m evaluate'")
        return read_json(path)

    @app.post("/assign", responses={400: NO_FORM})
    def assign_products(question: Question) -> list[dict[str, Any]]:
        _one_threshold(policy, question.model_fields_set, ("body", "min_confidence"))
        rows = [
            Product(
                new.id or str(i), "request", new.id or str(i), title=new.title or None, ocr=new.ocr or None
            )
            for i, new in enumerate(question.products)
        ]
        products = to_table(rows)
        _readable(classifier, products, ("body", "products"))
        least = question.min_confidence
        answers = assign(classifier, products, None, question.top, least, names, policy, beside)
        return [answer.to_json() for answer in answers]

    @app.post("/assign-image", responses={400: NO_FORM, 413: TOO_LARGE})
    def assign_image(
        request: Request,
        image: UploadFile,
        title: Annotated[str, Query(max_length=MOST_CHARACTERS)] = "",
        min_confidence: Annotated[float, Query(ge=0, le=1)] = MIN_CONFIDENCE,
    ) -> dict[str, Any]:
        _one_threshold(policy, request.query_params.keys(), ("query", "min_confidence"))
        content = image.file.read(LIMITS.max_bytes + 1)
        if len(content) > LIMITS.max_bytes:
            raise HTTPException(413, f"the image is larger than {LIMITS.max_bytes // 2**20} MB")
        try:
            examine(content, LIMITS)
        except FormatError as error:
            raise _wrong(("body", "image"), str(error)) from None
        products = to_table([Product("0", "0", "0", title=title or None, image_ref="upload")])
        _readable(classifier, products, ("body", "image"))
        images = GivenImages({"upload": content})
        answers = assign(classifier, products, images, 5, min_confidence, names, policy, beside)
        return answers[0].to_json()

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return render(
            "assign.html",
            classes=len(classifier.tree.leaves),
            depth=classifier.tree.depth,
            min_confidence=MIN_CONFIDENCE,
            precision=policy.promise.precision if policy is not None else None,
        )

    return app


def _one_threshold(policy: FilingPolicy | None, given: Collection[str], where: tuple[str, ...]) -> None:
    """Refuse a threshold beside that of a promise."""
    if policy is not None and "min_confidence" in given:
        raise _wrong(where, "this service files under a promise, which has its own threshold; leave it out")


def _readable(classifier: Classifier, products: pa.Table, where: tuple[str, ...]) -> None:
    """Refuse a request with nothing but what the model does not read."""
    try:
        refuse_unread(classifier, products)
    except UsageError as error:
        raise _wrong(where, str(error)) from None


def _wrong(where: tuple[str, ...], message: str) -> RequestValidationError:
    """Return the refusal of a value, in the form of all others."""
    return RequestValidationError([{"type": "value_error", "loc": where, "msg": message}])


def _sayable(value: Any) -> Any:
    """Return a JSON value without half characters, which a wrong request can hold and no answer can."""
    if isinstance(value, dict):
        return {_sayable(key): _sayable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_sayable(inner) for inner in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
