"""RPC as it is published: a folder of annotation files beside folders of pictures; and its boxes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mep3m.errors import InputError
from mep3m.settings.sources import SourceEntry
from mep3m.sources.base import Batch
from mep3m.sources.formats.coco_boxes import box_problem
from mep3m.sources.formats.rpc import open_rpc
from mep3m.store import Store
from tests.cli.runner import ran

CATEGORIES = [
    {"id": 1, "name": "1_puffed_food", "supercategory": "puffed_food"},
    {"id": 2, "name": "2_tea", "supercategory": "drink"},
]
SIZE = {"width": 60, "height": 40}


def picture(red: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), (red, 90, 60)).save(buffer, "JPEG")
    return buffer.getvalue()


def write_rpc(folder: Path, **change: Any) -> Path:
    """Write a folder in the shape of RPC's: two exemplars, and a checkout of both products."""
    for part, count in (("train2019", 2), ("val2019", 1)):
        (folder / part).mkdir(parents=True)
        for n in range(1, count + 1):
            (folder / part / f"{n}.jpg").write_bytes(picture(100 * n))
    images = [{"id": n, "file_name": f"{n}.jpg", **SIZE} for n in (1, 2)]
    notes = [{"image_id": n, "category_id": n, "bbox": [5.5, 4, 40, 30]} for n in (1, 2)]
    train = {"images": images, "annotations": notes, "categories": CATEGORIES} | change
    (folder / "instances_train2019.json").write_text(json.dumps(train), encoding="utf-8")
    scene = [{"id": 1, "file_name": "1.jpg", "level": "easy", **SIZE}]
    both = [{"image_id": 1, "category_id": n, "bbox": [0, 0, 20, 20]} for n in (1, 2, 2)]
    val = {"images": scene, "annotations": both, "categories": CATEGORIES}
    (folder / "instances_val2019.json").write_text(json.dumps(val), encoding="utf-8")
    return folder


def ingested(folder: Path, code: int = 0) -> tuple[Store, list[dict[str, Any]]]:
    store = folder.parent / "store"
    found = ran("ingest", folder, "--format", "rpc", "--name", "rpc", "--store", store)
    assert found.code == code, found.err
    ledger = ran("status", store, "--sql", "SELECT line, reason FROM ledger WHERE state = 'failed'")
    return Store.open(store), [json.loads(line) for line in ledger.out.splitlines()]


def read(folder: Path) -> Batch:
    source = open_rpc(SourceEntry(name="rpc", path=str(folder)), folder)
    (batch,) = (batch for part in source.parts() for batch in source.read(part))
    return batch


def test_exemplars_become_products_with_their_pictures(tmp_path: Path) -> None:
    store, _ = ingested(write_rpc(tmp_path / "rpc"))
    products = list(store.products())
    assert [one.id for one in products] == ["rpc:1", "rpc:2"]
    assert [one.source_path for one in products] == [("puffed_food", "1_puffed_food"), ("drink", "2_tea")]
    assert [(one.image_width, one.image_height) for one in products] == [(60, 40), (60, 40)]
    assert store.images.read(products[0].image or "") == picture(100)


def test_such_a_folder_is_known_by_its_files(tmp_path: Path) -> None:
    assert ran("ingest", write_rpc(tmp_path / "rpc"), "--store", tmp_path / "store").code == 0
    assert Store.open(tmp_path / "store").rows == 2


def test_a_missing_picture_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = write_rpc(tmp_path / "rpc")
    (folder / "train2019" / "1.jpg").unlink()
    store, failed = ingested(folder, code=1)
    assert [one.id for one in store.products()] == ["rpc:2"]
    assert failed == [{"line": 1, "reason": "no such image file under train2019/: 1.jpg"}]


@pytest.mark.parametrize(
    ("image", "note", "reason"),
    [
        ({"file_name": "../val2019/1.jpg"}, {}, "leaves its folder"),
        ({}, {"category_id": 7}, "category '7' is not among the categories"),
        (
            {},
            {"bbox": [30, 4, 40, 30]},
            "annotation 1: the box [30, 4, 40, 30] reaches out of its image of 60 x",
        ),
        ({}, {"bbox": [1, 2, 0, 9]}, "annotation 1: the box [1, 2, 0, 9] is none"),
        ({}, {"bbox": None}, "annotation 1: the box None is none"),
    ],
)
def test_a_wrong_exemplar_is_refused_alone(
    tmp_path: Path, image: dict[str, Any], note: dict[str, Any], reason: str
) -> None:
    images = [{"id": 1, "file_name": "1.jpg", **SIZE} | image, {"id": 2, "file_name": "2.jpg", **SIZE}]
    notes = [{"image_id": 1, "category_id": 1} | note, {"image_id": 2, "category_id": 2}]
    batch = read(write_rpc(tmp_path / "rpc", images=images, annotations=notes))
    assert batch.products["id"].to_pylist() == ["rpc:2"]
    assert batch.contents == [picture(200)]
    (refused,) = batch.rejects
    assert refused.line == 1
    assert reason in refused.reason


def test_a_folder_of_checkouts_alone_says_who_reads_it(tmp_path: Path) -> None:
    folder = write_rpc(tmp_path / "rpc")
    (folder / "instances_train2019.json").unlink()
    with pytest.raises(InputError, match=r"instances_val2019.json shows several.*mep3m checkout"):
        open_rpc(SourceEntry(name="rpc", path=str(folder)), folder)


def test_a_damaged_file_stops_before_anything_is_written(tmp_path: Path) -> None:
    folder = write_rpc(tmp_path / "rpc")
    (folder / "instances_train2019.json").write_text('{"images": [')
    found = ran("ingest", folder, "--store", tmp_path / "store")
    assert (found.code, "is not JSON" in found.err) == (1, True)


def test_pictures_beside_the_file_are_found_too(tmp_path: Path) -> None:
    folder = write_rpc(tmp_path / "rpc")
    for file in (folder / "train2019").iterdir():
        file.rename(folder / file.name)
    (folder / "train2019").rmdir()
    assert read(folder).contents == [picture(100), picture(200)]


@pytest.mark.parametrize(
    ("box", "fits"),
    [
        ([0, 0, 60, 40], True),
        ([-1, -0.5, 61, 41], True),  # drawn to the edge, and rounded
        ([-2, 0, 10, 10], False),
        ([55, 0, 10, 10], False),
        ([0, 35, 10, 10], False),
        ([0, 0, -4, 10], False),
        ([0, 0, float("nan"), 10], False),
        ([0, 0, "9", 10], False),
        ([True, 0, 9, 10], False),
        ([0, 0, 9], False),
        ("0,0,9,9", False),
    ],
)
def test_a_box_lies_in_its_image(box: object, fits: bool) -> None:
    assert (box_problem(box, SIZE) is None) == fits


@pytest.mark.parametrize("image", [None, {}, {"width": 60}, {"width": "60", "height": "40"}])
def test_an_image_of_no_known_size_holds_any_box(image: object) -> None:
    assert box_problem([500, 500, 5, 5], image) is None


def test_the_published_names_make_a_tree_of_17_and_200(real_data: Path, tmp_path: Path) -> None:
    lines = (real_data / "rpc" / "rpc_200_sku_catalogue.tsv").read_text(encoding="utf-8").splitlines()
    header, *rows = [line.split("\t") for line in lines]
    named = [dict(zip(header, row, strict=True)) for row in rows]
    photos = sorted((real_data / "rpc" / "samples").glob("*.jpg"))
    (tmp_path / "rpc" / "train2019").mkdir(parents=True)
    images = []
    for n in range(len(named)):
        photo = photos[n % len(photos)]
        images.append({"id": n, "file_name": photo.name})
        (tmp_path / "rpc" / "train2019" / photo.name).write_bytes(photo.read_bytes())
    content = {
        "images": images,
        "annotations": [
            {"image_id": n, "category_id": int(row["category_id"])} for n, row in enumerate(named)
        ],
        "categories": [
            {"id": int(row["category_id"]), "name": row["name_en"], "supercategory": row["meta_en"]}
            for row in named
        ],
    }
    (tmp_path / "rpc" / "instances_train2019.json").write_text(json.dumps(content), encoding="utf-8")
    batch = read(tmp_path / "rpc")
    paths = {tuple(path) for path in batch.products["source_path"].to_pylist()}
    assert (len({path[0] for path in paths}), len(paths)) == (17, 200)
    assert batch.contents is not None
    assert all(batch.contents)
