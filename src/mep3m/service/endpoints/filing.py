"""The endpoints that file products: `/assign`, `/assign-image` and `/assign-images`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, HTTPException, Request, Response, UploadFile

from mep3m.assignment.answer import Assignment
from mep3m.errors import FormatError
from mep3m.product import Product
from mep3m.service.access import NEEDS_KEY
from mep3m.service.batching import Ask
from mep3m.service.endpoints.questions import (
    MOST_PRODUCTS,
    Confidence,
    NewProduct,
    OptionalTitle,
    Question,
    Top,
    refusals,
)
from mep3m.service.service import Service, answered, sayable, wrong
from mep3m.settings.run import MIN_CONFIDENCE

_REFUSALS = NEEDS_KEY | refusals(
    s400="The body cannot be taken apart.",
    s408="The body did not arrive in time.",
    s413="The request, or an image in it, is too large.",
    s429="Too many requests wait, or the key has used up its minute; see Retry-After.",
    s500="The model failed on this request.",
)
# a request line that is too long is refused before the application sees it, in plain text
_REFUSALS[400]["content"] = {"text/plain": {"schema": {"type": "string"}}}
_TOP = 5


def routes(service: Service) -> APIRouter:
    """Return the endpoints that file products."""
    router = APIRouter(dependencies=[Depends(service.access.needs("assign"))], tags=["file products"])

    @router.post("/assign", responses=_REFUSALS, response_model=list[Assignment])
    async def assign(question: Question) -> Response:
        """File up to 1,000 products by titles, OCR text and pictures that they name."""
        service.one_threshold(question.model_fields_set, ("body", "min_confidence"))
        images = await _named_pictures(service, question)
        products = [_product(new, place) for place, new in enumerate(question.products)]
        ask = Ask(products, images, question.top, question.min_confidence, question.why)
        return answered(await service.tell(ask, ("body", "products")))

    @router.post("/assign-image", responses=_REFUSALS, response_model=Assignment)
    async def assign_image(
        request: Request,
        image: UploadFile,
        title: OptionalTitle = "",
        top: Top = _TOP,
        min_confidence: Confidence = MIN_CONFIDENCE,
    ) -> Response:
        """File one product by a picture that is sent along, with its title if there is one."""
        service.one_threshold(request.query_params.keys(), ("query", "min_confidence"))
        content = await upload(service, image, ("body", "image"))
        product = Product("0", "request", "0", title=title or None, image_ref="upload")
        ask = Ask([product], {0: content}, top, min_confidence)
        return answered(await service.tell(ask, ("body", "image")), single=True)

    @router.post("/assign-images", responses=_REFUSALS, response_model=list[Assignment])
    async def assign_images(
        request: Request,
        images: Annotated[list[UploadFile], File(min_length=1, max_length=MOST_PRODUCTS)],
        top: Top = _TOP,
        min_confidence: Confidence = MIN_CONFIDENCE,
    ) -> Response:
        """File a product for each picture that is sent along; an answer's id is the name of the file."""
        service.one_threshold(request.query_params.keys(), ("query", "min_confidence"))
        contents = {
            place: await upload(service, image, ("body", "images", place))
            for place, image in enumerate(images)
        }
        products = [
            Product(str(place), "request", sayable(image.filename) or str(place), image_ref="upload")
            for place, image in enumerate(images)
        ]
        ask = Ask(products, contents, top, min_confidence)
        return answered(await service.tell(ask, ("body", "images")))

    return router


def _product(new: NewProduct, place: int) -> Product:
    own = new.id or str(place)
    return Product(
        own, "request", own, title=new.title or None, ocr=new.ocr or None, image_ref=new.image or None
    )


async def _named_pictures(service: Service, question: Question) -> dict[int, bytes]:
    """Return the pictures that products name, by place."""
    named = {place: new.image for place, new in enumerate(question.products) if new.image}

    async def get(place: int, name: str) -> bytes:
        try:
            return await service.pictures.get(name)
        except FormatError as error:
            raise wrong(("body", "products", place, "image"), str(error)) from None

    found = await asyncio.gather(*(get(place, name) for place, name in named.items()))
    return dict(zip(named, found, strict=True))


async def upload(service: Service, image: UploadFile, where: tuple[Any, ...]) -> bytes:
    """Return the bytes of an upload, if they are a picture that may be taken in.

    Raises:
        HTTPException: it is too large (413).
        RequestValidationError: it is no such picture; `where` is its place in the request.
    """
    most = service.settings.limits.image.max_bytes
    content = await image.read(most + 1)
    if len(content) > most:
        raise HTTPException(413, f"an image has more than {most:,} bytes")
    try:
        return await service.pictures.check(content)
    except FormatError as error:
        raise wrong(where, str(error)) from None
