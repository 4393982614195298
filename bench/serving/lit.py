# ruff: noqa: D102 - the names of the methods are those of LitServe
"""The same model behind LitServe with its batching; needs `litserve`."""

import sys
from pathlib import Path
from typing import Any

import litserve as ls
from fastapi import Request

from mep3m.assignment.answer import assign
from mep3m.assignment.run import Run
from mep3m.product import Product, to_table
from mep3m.store.images import GivenImages


class Titles(ls.LitAPI):
    """The model with titles; LitServe asks for a method a step."""

    def setup(self, device: str) -> None:
        self.classifier = Run.open(Path(sys.argv[1])).classifier

    def decode_request(self, request: Request) -> Any:
        return request["products"][0]["title"]

    def batch(self, inputs: list[Any]) -> list[Any]:
        return inputs

    def predict(self, titles: Any) -> Any:
        single = isinstance(titles, str)
        rows = [
            Product(str(n), "request", str(n), title=title)
            for n, title in enumerate([titles] if single else titles)
        ]
        answers = [answer.to_json() for answer in assign(self.classifier, to_table(rows))]
        return answers[0] if single else answers

    def unbatch(self, output: Any) -> Any:
        return output

    def encode_response(self, output: dict[str, Any]) -> list[dict[str, Any]]:
        return [output]


class Pictures(Titles):
    """The same with uploaded pictures, and titles where they come along."""

    def decode_request(self, request: Request) -> Any:
        return request["image"].file.read(), request.get("title")

    def predict(self, given: Any) -> Any:
        several = [given] if isinstance(given, tuple) else given
        rows = [
            Product(str(n), "request", str(n), title=title, image_ref=str(n))
            for n, (_, title) in enumerate(several)
        ]
        images = GivenImages({str(n): content for n, (content, _) in enumerate(several)})
        answers = [answer.to_json() for answer in assign(self.classifier, to_table(rows), images)]
        return answers[0] if isinstance(given, tuple) else answers


if __name__ == "__main__":
    kind, path = (Pictures, "/assign-image") if "image" in sys.argv[3:] else (Titles, "/assign")
    api = kind(max_batch_size=64, batch_timeout=0.002, api_path=path)
    ls.LitServer(api, accelerator="cpu", workers_per_device=1).run(
        port=int(sys.argv[2]), log_level="warning", generate_client_file=False
    )
