"""Boxes of products on pictures as RPC keeps them: `instances_NAME.json` (COCO) beside the folder NAME."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mep3m.errors import FormatError, InputError, NotFoundError
from mep3m.evaluation.checkout.boxes import Boxes
from mep3m.imaging.decode import image_size
from mep3m.sources.cells import PATH_MARK
from mep3m.sources.formats.coco_boxes import box_problem
from mep3m.sources.formats.rpc import INSTANCES, RpcSource, coco_id
from mep3m.store.filesystem import inside
from mep3m.store.json_files import write_json

#: the level of a picture that does not say one
NO_LEVEL = "unknown"


class ScenePicture(NamedTuple):
    """A picture with boxes: its file, its name in the annotations, and its clutter level."""

    path: Path
    name: str
    level: str


class ProductName(NamedTuple):
    """What a product is called, and the group that it belongs to (COCO's supercategory)."""

    name: str
    group: str


@dataclass(frozen=True)
class AnnotatedPictures:
    """Pictures and the boxes on them; `boxes` has numbers into `pictures` and `products`."""

    pictures: tuple[ScenePicture, ...]
    products: tuple[ProductName, ...]
    boxes: Boxes


def annotation_file(path: Path, parts: Sequence[str]) -> Path | None:
    """Return the annotation file that a path is or that a folder holds, `None` where there is none.

    Of several, the first whose name has one of `parts` in it: 'test' finds instances_test2019.json.
    """
    if path.is_file():
        return path if path.suffix.lower() == ".json" else None
    files = sorted(path.glob(f"{INSTANCES}*.json"))
    wanted = [file for part in parts for file in files if part in file.name]
    return next(iter([*wanted, *files]), None)


def read_annotated(path: Path, parts: Sequence[str] = ("test", "val")) -> AnnotatedPictures:
    """Read the annotation file that `path` is or holds (see `annotation_file`).

    Pictures lie in the folder that the file is named after, or beside the file.

    Raises:
        NotFoundError: there is no annotation file, or a picture is missing.
        FormatError: the file is damaged, or an annotation is about an unknown picture or product.
    """
    if not path.exists():
        raise NotFoundError(f"{path} does not exist; give a folder with {INSTANCES}NAME.json and pictures")
    file = annotation_file(path, parts)
    if file is None:
        raise NotFoundError(
            f"{path} has no ground truth: no file {INSTANCES}NAME.json lies in it. 'mep3m checkout draw' "
            "writes one; to count without ground truth, use 'mep3m checkout count'"
        )
    source = RpcSource(file, file.stem)
    content, categories = source.content, source.categories
    damaged = next((name.problem for name in categories.values() if name.problem), None)
    if damaged or not categories:
        raise FormatError(f"{file}: {damaged or 'it names no category'}")
    ids = Tally(coco_id(one.get("id")) for one in content["categories"] if isinstance(one, dict))
    twice = next((key for key, times in ids.items() if times > 1 and key is not None), None)
    if twice is not None:
        raise FormatError(f"{file}: two categories have the id {twice}")
    pictures = _pictures(file, content["images"])
    numbers = {key: number for number, key in enumerate(pictures)}
    kinds = {key: number for number, key in enumerate(categories)}
    boxes = _boxes(file, content, numbers, kinds)
    return AnnotatedPictures(tuple(pictures.values()), _names(categories), boxes)


def write_annotated(file: Path, given: AnnotatedPictures, info: dict[str, Any]) -> None:
    """Write an annotation file; `info` says how the pictures were made. The pictures exist already.

    Number n has id n + 1, as in RPC.
    """
    images = []
    for number, one in enumerate(given.pictures, start=1):
        width, height = image_size(one.path.read_bytes())
        size = {"width": width, "height": height}
        images.append({"id": number, "file_name": one.name, "level": one.level} | size)
    categories = [
        {"id": number, "name": product.name, "supercategory": product.group}
        for number, product in enumerate(given.products, start=1)
    ]
    notes = []
    rows = zip(given.boxes.image, given.boxes.product, given.boxes.place.tolist(), strict=True)
    for number, (image, product, place) in enumerate(rows, start=1):
        left, top, width, height = place
        numbers = {"id": number, "image_id": int(image) + 1, "category_id": int(product) + 1, "iscrowd": 0}
        middle = [left + width / 2, top + height / 2]
        notes.append(numbers | {"bbox": place, "area": width * height, "point_xy": middle})
    lists = {"images": images, "categories": categories, "annotations": notes}
    write_json(file, {"info": info, **lists})


def _pictures(file: Path, images: list[Any]) -> dict[str, ScenePicture]:
    """Return the pictures by their ids."""
    root = file.parent / file.stem.removeprefix(INSTANCES)
    root = root if root.is_dir() else file.parent
    found: dict[str, ScenePicture] = {}
    for number, image in enumerate(images, start=1):
        key = coco_id(image.get("id")) if isinstance(image, dict) else None
        name = image.get("file_name") if isinstance(image, dict) else None
        if key is None or not isinstance(name, str) or not name:
            raise FormatError(f"{file}: image {number} has no 'id' or no 'file_name'")
        if key in found:
            raise FormatError(f"{file}: two images have the id {key}")
        path = inside(root, name)
        if not _is_file(path):
            raise NotFoundError(f"{file} names the picture {name[:200]}, which is not in {root}")
        found[key] = ScenePicture(path, name, str(image.get("level") or NO_LEVEL))
    if not found:
        raise InputError(f"{file} holds no image: its list 'images' is empty")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file's
        return False


def _names(categories: dict[str, Any]) -> tuple[ProductName, ...]:
    """Return the names of all categories; of those that share one, with the id behind it."""
    shared = Tally(name.title for name in categories.values())
    return tuple(
        ProductName(
            name.title if shared[name.title] == 1 else f"{name.title} ({key})",
            name.path.split(PATH_MARK)[0] if PATH_MARK in name.path else "",
        )
        for key, name in categories.items()
    )


def _boxes(file: Path, content: dict[str, Any], images: dict[str, int], products: dict[str, int]) -> Boxes:
    rows: list[tuple[int, int, list[float]]] = []
    sizes = {coco_id(one["id"]): one for one in content["images"]}
    for number, note in enumerate(content["annotations"], start=1):
        if not isinstance(note, dict):
            raise FormatError(f"{file}: annotation {number} is not an object: {str(note)[:80]}")
        image, product = coco_id(note.get("image_id")), coco_id(note.get("category_id"))
        if image not in images:
            raise FormatError(f"{file}: annotation {number} is about the image '{image}', which is not there")
        if product not in products:
            raise FormatError(
                f"{file}: annotation {number} is about the product '{product}', which is not among its "
                "categories; add it there, or take the annotation out"
            )
        problem = box_problem(note.get("bbox"), sizes.get(image))
        if problem:
            raise FormatError(f"{file}: annotation {number}: {problem}")
        rows.append((images[image], products[product], [float(value) for value in note["bbox"]]))
    return Boxes(
        np.array([image for image, _, _ in rows], np.int64),
        np.array([product for _, product, _ in rows], np.int64),
        np.array([place for _, _, place in rows], np.float64).reshape(-1, 4),
        np.ones(len(rows)),
    )
