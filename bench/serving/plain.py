"""What one would write first: FastAPI and a call of the model for each request, one after the other."""

import sys
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import Body, FastAPI, UploadFile

from mep3m.assignment.answer import assign
from mep3m.assignment.run import Run
from mep3m.product import Product, to_table
from mep3m.store.images import GivenImages

RUN = Run.open(Path(sys.argv[1]))
app = FastAPI()


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.post("/assign")
async def titles(question: Annotated[dict[str, Any], Body()]) -> list[dict[str, Any]]:
    rows = [
        Product(str(n), "request", str(n), title=one["title"]) for n, one in enumerate(question["products"])
    ]
    return [answer.to_json() for answer in assign(RUN.classifier, to_table(rows))]


@app.post("/assign-image")
async def picture(image: UploadFile, title: str = "") -> dict[str, Any]:
    images = GivenImages({"upload": await image.read()})
    row = Product("0", "request", "0", title=title or None, image_ref="upload")
    return assign(RUN.classifier, to_table([row]), images)[0].to_json()


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
