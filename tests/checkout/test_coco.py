"""Annotated pictures in RPC's form: read, written, and what is wrong with them said before any work."""

import json
from pathlib import Path
from typing import Any

import pytest

from mep3m.checkout.coco import NO_LEVEL, annotation_file, read_annotated, write_annotated
from mep3m.errors import FormatError, InputError, Mep3mError, NotFoundError
from tests.checkout.made import annotations

NOTE = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5]}


def test_pictures_products_levels_and_boxes(tmp_path: Path) -> None:
    annotations(tmp_path)
    read = read_annotated(tmp_path)
    assert [(one.name, one.level) for one in read.pictures] == [("a.jpg", "easy"), ("b.jpg", "hard")]
    assert [tuple(one) for one in read.products] == [("tea", "drink"), ("gum", "sweets")]
    assert read.boxes.image.tolist() == [0, 0, 1]
    assert read.boxes.product.tolist() == [0, 1, 0]
    assert read.boxes.place[1].tolist() == [0, 0, 10, 10]
    assert all(one.path.is_file() for one in read.pictures)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    annotations(tmp_path)
    read = read_annotated(tmp_path)
    write_annotated(tmp_path / "test" / "again.json", read, {"seed": 3})
    again = read_annotated(tmp_path / "test" / "again.json")
    assert again.products == read.products
    assert again.pictures == read.pictures
    assert (again.boxes.place == read.boxes.place).all()
    content = json.loads((tmp_path / "test" / "again.json").read_bytes())
    assert content["info"] == {"seed": 3}
    assert content["images"][0] == {
        "id": 1, "file_name": "a.jpg", "level": "easy", "width": 120, "height": 120,
    }  # fmt: skip
    assert content["annotations"][0]["point_xy"] == [60, 60]
    assert content["annotations"][0]["area"] == 60 * 80


def test_the_part_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    for part in ("train2019", "val2019", "test2019"):
        annotations(tmp_path, f"instances_{part}.json")
    assert read_annotated(tmp_path).pictures[0].path.parent.name == "test2019"
    assert read_annotated(tmp_path, ("train",)).pictures[0].path.parent.name == "train2019"
    assert read_annotated(tmp_path / "instances_val2019.json").pictures[0].path.parent.name == "val2019"
    assert annotation_file(tmp_path / "test2019", ("test",)) is None
    assert annotation_file(tmp_path / "test2019" / "a.jpg", ("test",)) is None


def test_pictures_may_lie_beside_the_file(tmp_path: Path) -> None:
    annotations(tmp_path)
    (tmp_path / "test" / "other.json").write_bytes((tmp_path / "instances_test.json").read_bytes())
    assert len(read_annotated(tmp_path / "test" / "other.json").pictures) == 2


def test_chinese_names_count_as_when_rpc_is_ingested(tmp_path: Path) -> None:
    names = [{"category_id": 1, "sku_class": "茶", "name": "绿茶", "clas": "饮料"}]
    annotations(tmp_path, __raw_Chinese_name_df=names)
    assert read_annotated(tmp_path).products[0] == ("绿茶", "饮料")


def test_products_of_one_name_are_told_apart(tmp_path: Path) -> None:
    kinds = [{"id": 1, "name": "tea"}, {"id": 2, "name": "tea"}]
    annotations(tmp_path, categories=kinds)
    assert [one.name for one in read_annotated(tmp_path).products] == ["tea (1)", "tea (2)"]


def test_a_picture_without_a_level_has_none(tmp_path: Path) -> None:
    annotations(tmp_path, images=[{"id": 7, "file_name": "a.jpg"}], annotations=[NOTE])
    assert read_annotated(tmp_path).pictures[0].level == NO_LEVEL


def test_a_scene_may_be_empty(tmp_path: Path) -> None:
    annotations(tmp_path, annotations=[])
    assert read_annotated(tmp_path).boxes.place.shape == (0, 4)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"annotations": [NOTE | {"category_id": 99}]}, FormatError, "about the product '99'"),
        ({"annotations": [NOTE | {"category_id": None}]}, FormatError, "about the product"),
        ({"annotations": [NOTE | {"image_id": 99}]}, FormatError, "about the image '99'"),
        ({"annotations": ["x"]}, FormatError, "annotation 1 is not an object"),
        ({"annotations": [NOTE | {"bbox": [0, 0, 5]}]}, FormatError, "the box .* is none"),
        ({"annotations": [NOTE | {"bbox": [0, 0, 0, 5]}]}, FormatError, "of some size"),
        ({"annotations": [NOTE | {"bbox": [0, 0, True, 5]}]}, FormatError, "the box .* is none"),
        ({"annotations": [NOTE | {"bbox": None}]}, FormatError, "the box None is none"),
        ({"annotations": [NOTE | {"bbox": [100, 0, 50, 5]}]}, FormatError, "reaches out of its image"),
        ({"images": []}, InputError, "holds no image"),
        ({"images": [{"id": 7}]}, FormatError, "no 'file_name'"),
        ({"images": [{"id": 7, "file_name": "a.jpg"}] * 2}, FormatError, "two images have the id 7"),
        ({"images": [{"id": 7, "file_name": "gone.jpg"}]}, NotFoundError, "names the picture gone.jpg"),
        ({"images": [{"id": 7, "file_name": "../../a.jpg"}]}, FormatError, "a.jpg"),
        ({"categories": []}, FormatError, "names no category"),
        ({"categories": None}, FormatError, "lacks the lists categories"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, change: dict[str, Any], error: type[Mep3mError], said: str
) -> None:
    annotations(tmp_path, **change)
    with pytest.raises(error, match=said):
        read_annotated(tmp_path)


def test_a_folder_without_ground_truth_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no ground truth.*checkout count"):
        read_annotated(tmp_path)
    with pytest.raises(NotFoundError, match="does not exist"):
        read_annotated(tmp_path / "gone")
