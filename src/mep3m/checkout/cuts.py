"""All products of a checkout cut out of their pictures, and what could not be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mep3m.checkout.coco import ProductName
from mep3m.checkout.cut_out import CutOut, cut_out
from mep3m.checkout.exemplars import Exemplar, Photo
from mep3m.engine.progress import Progress, silent
from mep3m.errors import InputError
from mep3m.store.filesystem import as_text


@dataclass(frozen=True)
class CutProducts:
    """Products and the cut-outs of each, in one order.

    `refused` has a line for each picture that could not be read, `whole` one for each whose background stays.
    """

    products: tuple[ProductName, ...]
    cuts: tuple[tuple[CutOut, ...], ...]
    refused: tuple[str, ...]
    whole: tuple[str, ...]


def cut_products(exemplars: Sequence[Exemplar], progress: Progress = silent) -> CutProducts:
    """Cut every product out of each of its pictures.

    Raises:
        InputError: of some product no picture can be read.
    """
    cuts: list[tuple[CutOut, ...]] = []
    refused: list[str] = []
    whole: list[str] = []
    with progress("cut out", len(exemplars), "products") as advance:
        for exemplar in exemplars:
            made = [(photo, _cut(photo, refused)) for photo in exemplar.photos]
            cuts.append(tuple(cut for _, cut in made if cut is not None))
            if not cuts[-1]:
                raise InputError(
                    f"no picture of the product '{exemplar.product.name}' can be read ({refused[-1]}); "
                    "replace it, or take the product out"
                )
            uncut = [(photo, cut) for photo, cut in made if cut and cut.quality == "whole"]
            whole += [as_text(f"{photo.path}: {cut.why}") for photo, cut in uncut]
            advance(1)
    names = tuple(exemplar.product for exemplar in exemplars)
    return CutProducts(names, tuple(cuts), tuple(refused), tuple(whole))


def _cut(photo: Photo, refused: list[str]) -> CutOut | None:
    try:
        return cut_out(photo.path, photo.place)
    except (InputError, OSError) as error:
        refused.append(as_text(f"{photo.path}: {error}"))
        return None
