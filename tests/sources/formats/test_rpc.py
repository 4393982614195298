"""RPC's annotations: one category is a label, many are a checkout, anything else is refused or left out."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mep3m.errors import FormatError
from mep3m.settings.sources import SourceEntry
from mep3m.sources.formats import rpc
from mep3m.sources.formats.rpc import RAW, RpcSource, open_rpc
from mep3m.store import Reject

CATEGORIES = [
    {"id": 1, "name": "1_puffed_food", "supercategory": "puffed_food"},
    {"id": 2, "name": "2_tea", "supercategory": "drink"},
]
GOOD: dict[str, Any] = {
    "images": [{"id": 10, "file_name": "a.jpg"}, {"id": 11, "file_name": "b.jpg"}],
    "annotations": [{"image_id": 10, "category_id": 1}, {"image_id": 11, "category_id": 2}],
    "categories": CATEGORIES,
}


def source(folder: Path, **change: Any) -> RpcSource:
    path = folder / "instances.json"
    path.write_text(json.dumps(GOOD | change), encoding="utf-8")
    return open_rpc(SourceEntry(name="rpc", path=str(path)), path)


def read(folder: Path, **change: Any) -> tuple[pa.Table, list[Reject]]:
    made = source(folder, **change)
    batches = [batch for part in made.parts() for batch in made.read(part)]
    table = pa.concat_tables([batch.products for batch in batches])
    return table, [reject for batch in batches for reject in batch.rejects]


def test_a_photo_of_one_product_has_its_category(tmp_path: Path) -> None:
    table, rejects = read(tmp_path)
    assert rejects == []
    assert table["id"].to_pylist() == ["rpc:10", "rpc:11"]
    assert table["title"].to_pylist() == ["1_puffed_food", "2_tea"]
    assert table["source_path"].to_pylist() == [["puffed_food", "1_puffed_food"], ["drink", "2_tea"]]
    assert table["image_ref"].to_pylist() == ["a.jpg", "b.jpg"]
    assert table["line"].to_pylist() == [1, 2]


def test_the_chinese_names_count_where_there_are_any(tmp_path: Path) -> None:
    raw = [
        {"category_id": 1, "name": "乐事薯片", "clas": "膨化食品", "sku_class": "1_puffed_food"},
        {"category_id": 99, "name": "谁也不是"},
        {"category_id": 2, "name": ""},
        "no object",
    ]
    table, _ = read(tmp_path, **{RAW: raw})
    assert table["title"].to_pylist() == ["乐事薯片", "2_tea"]
    assert table["source_path"].to_pylist()[0] == ["膨化食品", "1_puffed_food", "乐事薯片"]


def test_a_checkout_of_many_products_has_no_label_of_its_own(tmp_path: Path) -> None:
    notes = [{"image_id": 10, "category_id": c} for c in (1, 2, 1)] + [{"image_id": 11, "category_id": 2}] * 3
    table, rejects = read(tmp_path, annotations=notes)
    assert rejects == []
    assert table["title"].to_pylist() == [None, "2_tea"]  # the same product three times is one product
    assert table["source_path"].to_pylist() == [[], ["drink", "2_tea"]]


def test_an_image_without_annotations_is_a_product_without_a_label(tmp_path: Path) -> None:
    table, rejects = read(tmp_path, annotations=[])
    assert (table.num_rows, rejects, table["labels"].to_pylist()) == (2, [], [[], []])


@pytest.mark.parametrize(
    "image",
    [
        {"id": 1},
        {"file_name": "a.jpg"},
        {"id": 1, "file_name": ""},
        {"id": [1], "file_name": "a"},
        "a.jpg",
        None,
    ],
)
def test_an_image_that_is_none_is_refused_alone(tmp_path: Path, image: object) -> None:
    table, (reject,) = read(tmp_path, images=[image, *GOOD["images"]])
    assert table["line"].to_pylist() == [2, 3]
    assert (reject.line, reject.reason) == (1, "the image has no 'id' or no 'file_name'")


@pytest.mark.parametrize("category", [7, None, [1], {"a": 1}, "7"])
def test_a_category_that_is_not_among_them_is_refused(tmp_path: Path, category: object) -> None:
    notes = [{"image_id": 10, "category_id": category}, {"image_id": 11, "category_id": 2}]
    table, (reject,) = read(tmp_path, annotations=notes)
    assert table["line"].to_pylist() == [2]
    assert reject.line == 1
    assert reject.reason.endswith("is not among the categories")


@pytest.mark.parametrize(
    "change",
    [
        {"categories": [*CATEGORIES, "x", None, {"name": "no id"}, {"id": [3], "name": "a list"}]},
        {RAW: 3},
        {RAW: {"a": 1}},
        {RAW: [{"category_id": [1], "name": "x"}, None, 4]},
    ],
)
def test_odd_entries_among_the_others_change_nothing(tmp_path: Path, change: dict[str, Any]) -> None:
    expected, _ = read(tmp_path)
    table, rejects = read(tmp_path, **change)
    assert table.equals(expected)
    assert rejects == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "it lacks the lists images, annotations, categories"),
        ('{"images": [], "annotations": {}, "categories": []}', "it lacks the lists annotations"),
    ],
)
def test_another_file_says_what_it_lacks(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "instances.json"
    path.write_text(text)
    with pytest.raises(FormatError, match=message):
        RpcSource(path, "rpc").parts()


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_any_size_of_part_gives_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    whole, _ = read(tmp_path)
    monkeypatch.setattr(rpc, "PART_IMAGES", size)
    made = source(tmp_path)
    assert len(made.parts()) == -(-2 // size)
    assert read(tmp_path)[0].equals(whole)


@pytest.mark.parametrize("image", ["10", 10, 10.0])
@pytest.mark.parametrize("category", ["1", 1, 1.0])
def test_ids_are_the_same_as_numbers_and_as_texts(tmp_path: Path, image: object, category: object) -> None:
    expected, _ = read(tmp_path)
    notes = [{"image_id": image, "category_id": category}, GOOD["annotations"][1]]
    table, rejects = read(tmp_path, annotations=notes)
    assert (table.equals(expected), rejects) == (True, [])


def test_annotations_of_no_image_are_told_once_an_image(tmp_path: Path) -> None:
    stray = [
        {"image_id": 77, "category_id": 1},
        {"image_id": "77", "category_id": 1},
        {"category_id": 1},
        "x",
    ]
    table, rejects = read(tmp_path, annotations=[*GOOD["annotations"], *stray])
    assert table.num_rows == 2
    assert [reject.reason for reject in rejects] == [
        "annotation 3 is about the image '77', which is not among the images",
        "annotation 5 names no image",
    ]


@pytest.mark.parametrize("none", ["none", "None", "null", "", None])
def test_the_supercategory_none_is_none(tmp_path: Path, none: str | None) -> None:
    table, _ = read(tmp_path, categories=[{**one, "supercategory": none} for one in CATEGORIES])
    assert table["source_path"].to_pylist()[1] == ["2_tea"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "instances.json"
    path.write_bytes(json.dumps(GOOD).encode(encoding))
    assert len(open_rpc(SourceEntry(name="rpc", path=str(path)), path).categories) == len(CATEGORIES)


@pytest.mark.parametrize("large", ["123456789012345678901234567890", "1e20", "9007199254740992.0"])
def test_an_id_that_lost_its_last_digits_is_refused(tmp_path: Path, large: str) -> None:
    text = json.dumps(GOOD).replace('"id": 10,', f'"id": {large},')
    path = tmp_path / "instances.json"
    path.write_text(text)
    (batch,) = (
        batch for part in RpcSource(path, "rpc").parts() for batch in RpcSource(path, "rpc").read(part)
    )
    assert batch.products["source_id"].to_pylist() == ["11"]
    assert batch.rejects[0].reason.endswith("which keeps 15 digits only; write it as text")


@pytest.mark.parametrize("padded", [" 10", "10 ", "\t10"])
def test_space_around_an_id_is_none_of_it(tmp_path: Path, padded: str) -> None:
    notes = [{"image_id": padded, "category_id": " 1"}, GOOD["annotations"][1]]
    table, rejects = read(tmp_path, annotations=notes)
    assert (table.equals(read(tmp_path)[0]), rejects) == (True, [])


@pytest.mark.parametrize("name", [["a", "b"], {"zh": "茶"}, [["a"]]])
@pytest.mark.parametrize("key", ["name", "supercategory"])
def test_a_category_whose_name_is_no_text_refuses_its_images(tmp_path: Path, name: object, key: str) -> None:
    table, (reject,) = read(tmp_path, categories=[CATEGORIES[0], {**CATEGORIES[1], key: name}])
    assert table["line"].to_pylist() == [1]
    assert reject.reason.startswith(f"category 2: '{key}' ")


@pytest.mark.parametrize(("name", "title"), [(None, "2"), ("", "2"), ("none", "none"), (7, "7")])
def test_a_category_without_a_name_is_called_by_its_id(tmp_path: Path, name: object, title: str) -> None:
    table, _ = read(tmp_path, categories=[CATEGORIES[0], {"id": 2, "name": name, "supercategory": "none"}])
    assert table["title"].to_pylist()[1] == title
    assert table["source_path"].to_pylist()[1] == (["7"] if name == 7 else [])


@pytest.mark.parametrize("name", [["a.jpg"], 5, {"url": "a.jpg"}])
def test_a_file_name_that_is_no_text_refuses_its_image(tmp_path: Path, name: object) -> None:
    table, (reject,) = read(tmp_path, images=[{"id": 10, "file_name": name}, GOOD["images"][1]])
    assert table["line"].to_pylist() == [2]
    assert reject.line == 1


def test_a_file_without_images_is_an_error_and_withdraws_nothing(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="holds no image: its list 'images' is empty"):
        read(tmp_path, images=[])
