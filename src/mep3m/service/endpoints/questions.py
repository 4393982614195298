"""What a request may say, and what stands in the description of the answers."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from mep3m.settings.run import MIN_CONFIDENCE

#: products of one request, characters of one text
MOST_PRODUCTS = 1_000
MOST_CHARACTERS = 10_000


class NewProduct(BaseModel):
    """One product to file; give a title, OCR text, a picture, or several of them.

    `image` is a path in the folder that the service was started with (`--images`), or an address, where the
    service may fetch (`--urls`).
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    id: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    title: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    ocr: str | None = Field(default=None, max_length=MOST_CHARACTERS)
    image: str | None = Field(default=None, max_length=MOST_CHARACTERS)


class Question(BaseModel):
    """A request: products, how many full paths to rank, and the least probability of an answer.

    With `why`, each answer says what carried it; that costs several calls of the model a product.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    products: list[NewProduct] = Field(min_length=1, max_length=MOST_PRODUCTS)
    top: int = Field(default=5, ge=1, le=100)
    min_confidence: float = Field(default=MIN_CONFIDENCE, ge=0, le=1)
    why: bool = False


class Health(BaseModel):
    """The process answers, and how long it has."""

    status: str = "ok"
    mep3m: str
    classes: int
    promise: str | None = None


class Ready(BaseModel):
    """The version that answers, since when, and why a later one does not yet."""

    status: str = "ready"
    version: str
    loaded: str
    trouble: str | None = None


class Refusal(BaseModel):
    """Why a request was not answered."""

    detail: str


def refusals(**known: str) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of refusals by status, `s404="..."`, for the description of an endpoint."""
    return {int(status[1:]): {"model": Refusal, "description": text} for status, text in known.items()}


OptionalTitle = Annotated[str, Query(max_length=MOST_CHARACTERS)]
Confidence = Annotated[float, Query(ge=0, le=1)]
Top = Annotated[int, Query(ge=1, le=100)]
