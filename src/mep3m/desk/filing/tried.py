"""One product that a person tries: what was asked, and the answer as its page shows it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mep3m.imaging.jpeg import small_jpeg
from mep3m.product import Product
from mep3m.service.batching import Ask
from mep3m.store.store import Store

#: pixels of the longer side of a picture that is shown again beside its answer
SHOWN = 320


@dataclass(frozen=True)
class Tried:
    """A product as a person gave it; `min_confidence` counts where there is no promise."""

    title: str
    ocr: str
    picture: bytes | None
    min_confidence: float

    @property
    def ask(self) -> Ask:
        """The question to the service."""
        product = Product(
            "0", "desk", "0", title=self.title or None, ocr=self.ocr or None,
            image_ref="upload" if self.picture else None,
        )  # fmt: skip
        return Ask([product], {0: self.picture} if self.picture else {}, 5, self.min_confidence, why=True)


def shown_again(picture: bytes) -> str:
    """Return a picture that was looked at already, made small, as the address of an `img`."""
    return f"data:image/jpeg;base64,{base64.b64encode(small_jpeg(picture, SHOWN)).decode()}"


class StoredPictures:
    """The pictures of products in a store by what a run keeps of them: the shop's id and the title."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._found = lru_cache(4096)(self._look_up)

    def beside(self, nearest: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return training products with `picture` (hash of an image) and `row` (id) of those in the store."""
        keys = tuple((one["id"], one["title"]) for one in nearest)
        stored = self._found(keys) if self._store is not None and keys else {}
        return [{**one, **stored.get(key, NOT_STORED)} for one, key in zip(nearest, keys, strict=True)]

    def _look_up(self, keys: tuple[tuple[str, str], ...]) -> dict[tuple[str, str], dict[str, str | None]]:
        assert self._store is not None
        with self._store.connect() as connection:
            rows = connection.execute(
                "SELECT source_id, title, image, id FROM products"
                " WHERE list_contains(?, source_id) AND list_contains(?, title)",
                ([key[0] for key in keys], [key[1] for key in keys]),
            ).fetchall()
        return {(own, title): {"picture": image, "row": row} for own, title, image, row in rows}


NOT_STORED: dict[str, str | None] = {"picture": None, "row": None}
