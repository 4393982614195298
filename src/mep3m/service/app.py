"""A trained classifier over HTTP: `POST /assign`, `GET /card`, `GET /health`, and a page to try it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, UploadFile
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from mep3m import __version__
from mep3m.assignment.answer import assign
from mep3m.assignment.run import Run
from mep3m.errors import FormatError
from mep3m.imaging.examine import examine
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

    model_config = ConfigDict(extra="forbid")
    id: str | None = None
    title: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    ocr: str | None = Field(default=None, max_length=MOST_CHARACTERS)


class Question(BaseModel):
    """A request: products, how many full paths to rank, and the least probability of an answer."""

    model_config = ConfigDict(extra="forbid")
    products: list[NewProduct] = Field(min_length=1, max_length=MOST_PRODUCTS)
    top: int = Field(default=5, ge=1, le=100)
    min_confidence: float = Field(default=MIN_CONFIDENCE, ge=0, le=1)


def create_app(run: Run) -> FastAPI:
    """Return the application that serves a trained run."""
    classifier, names = run.classifier, run.taxonomy
    app = FastAPI(title="mep3m", version=__version__, docs_url=None, redoc_url=None)

    @app.get("/health")
    def health() -> dict[str, Any]:
        return {"status": "ok", "mep3m": __version__, "classes": len(classifier.tree.leaves)}

    @app.get("/card")
    def card() -> Any:
        path = run.folder / "card.json"
        if not path.exists():
            raise HTTPException(404, "this run has no metric card; make one with 'mep3m evaluate'")
        return read_json(path)

    @app.post("/assign")
    def assign_products(question: Question) -> list[dict[str, Any]]:
        rows = [
            Product(
                new.id or str(i), "request", new.id or str(i), title=new.title or None, ocr=new.ocr or None
            )
            for i, new in enumerate(question.products)
        ]
        answers = assign(classifier, to_table(rows), None, question.top, question.min_confidence, names)
        return [answer.to_json() for answer in answers]

    @app.post("/assign-image")
    def assign_image(
        image: UploadFile,
        title: Annotated[str, Query(max_length=MOST_CHARACTERS)] = "",
        min_confidence: Annotated[float, Query(ge=0, le=1)] = MIN_CONFIDENCE,
    ) -> dict[str, Any]:
        content = image.file.read(LIMITS.max_bytes + 1)
        if len(content) > LIMITS.max_bytes:
            raise HTTPException(413, f"the image is larger than {LIMITS.max_bytes // 2**20} MB")
        try:
            examine(content, LIMITS)
        except FormatError as error:
            raise HTTPException(422, str(error)) from None
        product = Product("0", "request", "0", title=title or None, image_ref="upload")
        images = GivenImages({"upload": content})
        answers = assign(classifier, to_table([product]), images, 5, min_confidence, names)
        return answers[0].to_json()

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return render(
            "assign.html",
            classes=len(classifier.tree.leaves),
            depth=classifier.tree.depth,
            min_confidence=MIN_CONFIDENCE,
        )

    return app
