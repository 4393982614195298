"""Files of annotations damaged anywhere: read whole and right, or refused by name; never half."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.checkout.coco import AnnotatedPictures, read_annotated
from mep3m.errors import FormatError, Mep3mError, NotFoundError
from tests.checkout.made import annotations, picture
from tests.cli.runner import ran

NOTE = {"id": 1, "image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5]}
#: what programs write by mistake, of every type, and names that lead elsewhere
ODD: list[Any] = [
    None, True, False, 0, -1, 7.5, 2**53, 2**70, -1e308, "", " ", "7", "x\u0000y", "a" * 5000, "\u202ename",
    "../b.jpg", "..\\b.jpg", "/etc/passwd", "C:\\a.jpg", ".", [], [None], [[1, 2, 3, 4]], {}, {"id": 7},
]  # fmt: skip


def places_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each value inside a JSON value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, inner in steps for found in places_in(inner, (*path, key)))]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = annotations(tmp_path_factory.mktemp("coco"))
    (file.parent / "damaged").symlink_to(file.parent / "test")  # the pictures of a file `damaged.json`
    return file


def is_sound(read: AnnotatedPictures) -> bool:
    """Whether each box is one, of a picture that is there and of a named product."""
    boxes = read.boxes
    numbers = bool(((boxes.image >= 0) & (boxes.image < len(read.pictures))).all())
    products = bool(((boxes.product >= 0) & (boxes.product < len(read.products))).all())
    sizes = bool(np.isfinite(boxes.place).all() and (boxes.place[:, 2:] > 0).all())
    names = len({one.name for one in read.products}) == len(read.products)
    return numbers and products and sizes and names and all(one.path.is_file() for one in read.pictures)


@settings(max_examples=150)
@given(st.data())
def test_one_odd_value_anywhere_is_read_soundly_or_refused(whole: Path, data: st.DataObject) -> None:
    content = json.loads(whole.read_bytes())
    *way, last = data.draw(st.sampled_from(places_in(content)[1:]))
    inner = content
    for step in way:
        inner = inner[step]
    if data.draw(st.booleans()) and isinstance(inner, dict):
        del inner[last]
    else:
        inner[last] = deepcopy(data.draw(st.sampled_from(ODD)))
    damaged = whole.with_name("damaged.json")
    damaged.write_text(json.dumps(content), encoding="utf-8")
    try:
        read = read_annotated(damaged)
    except Mep3mError:
        return  # any other error fails
    assert is_sound(read)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(whole: Path, tmp_path: Path, share: float) -> None:
    content = whole.read_bytes()
    (tmp_path / "instances_test.json").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(FormatError, match="is not JSON"):
        read_annotated(tmp_path)


@pytest.mark.parametrize("written", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "0x10", "1,5"])
def test_numbers_that_json_does_not_have_are_refused(tmp_path: Path, written: str) -> None:
    file = annotations(tmp_path)
    text = file.read_text().replace("[0, 0, 10, 10]", f"[0, 0, {written}, 10]")
    assert written in text
    file.write_text(text)
    with pytest.raises(FormatError, match=r"instances_test.json(: annotation 2: the box| is not JSON)"):
        read_annotated(tmp_path)


@pytest.mark.parametrize("second", [1, 1.0, "1", " 1 "])
def test_categories_of_one_id_are_refused(tmp_path: Path, second: object) -> None:
    """The second would silently take the boxes of the first."""
    annotations(tmp_path, categories=[{"id": 1, "name": "tea"}, {"id": second, "name": "gum"}],
                annotations=[NOTE])  # fmt: skip
    with pytest.raises(FormatError, match="two categories have the id 1"):
        read_annotated(tmp_path)


@pytest.mark.parametrize("ids", [(7, 7.0), ("7", 7), (7, " 7")])
def test_images_of_one_id_are_refused_however_it_is_written(tmp_path: Path, ids: tuple[object, ...]) -> None:
    annotations(tmp_path, images=[{"id": one, "file_name": "a.jpg"} for one in ids], annotations=[NOTE])
    with pytest.raises(FormatError, match="two images have the id 7"):
        read_annotated(tmp_path)


@pytest.mark.parametrize("ids", [(7, 1), (7.0, 1.0), ("7", "1"), (" 7", "1 ")])
def test_an_id_is_the_same_however_it_is_written(tmp_path: Path, ids: tuple[object, object]) -> None:
    annotations(tmp_path, annotations=[NOTE | {"image_id": ids[0], "category_id": ids[1]}])
    read = read_annotated(tmp_path)
    assert (read.boxes.image.tolist(), read.boxes.product.tolist()) == ([0], [0])


def test_ids_too_large_for_a_float_are_not_mixed_up(tmp_path: Path) -> None:
    large = 2**53
    images = [{"id": large, "file_name": "a.jpg"}, {"id": large + 1, "file_name": "b.jpg"}]
    annotations(tmp_path, images=images, annotations=[NOTE | {"image_id": large + 1}])
    assert read_annotated(tmp_path).boxes.image.tolist() == [1]
    annotations(tmp_path, images=images, annotations=[NOTE | {"image_id": float(large)}])
    with pytest.raises(FormatError, match="about the image"):
        read_annotated(tmp_path)


def test_pictures_may_lie_in_folders_but_not_elsewhere(tmp_path: Path) -> None:
    annotations(tmp_path)
    (tmp_path / "test" / "till 1").mkdir()
    picture("red").save(tmp_path / "test" / "till 1" / "a.jpg")
    picture("red").save(tmp_path / "secret.jpg")
    (tmp_path / "test" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    for name, error, said in [
        ("till 1/a.jpg", None, ""),
        ("till 1\\a.jpg", None, ""),
        ("link.jpg", FormatError, "through a link"),
        ("till 1/../../secret.jpg", FormatError, "leaves its folder"),
        (str(tmp_path / "test" / "a.jpg"), FormatError, "leaves its folder"),
        ("till 1", NotFoundError, "names the picture till 1"),
        ("A" * 5000, NotFoundError, "names the picture AAA"),
    ]:
        annotations(tmp_path, images=[{"id": 7, "file_name": name}], annotations=[NOTE])
        if error is None:
            assert read_annotated(tmp_path).pictures[0].path.is_file()
        else:
            with pytest.raises(error, match=said):
                read_annotated(tmp_path)


@pytest.mark.parametrize("content", [b"[]", b'"x"', b"null", b"{}", b'{"info": []}', b"{"])
def test_a_folder_with_another_file_of_that_name_is_not_drawn_into(tmp_path: Path, content: bytes) -> None:
    for colour in ("red", "blue", "green"):
        (tmp_path / "e" / colour).mkdir(parents=True)
        picture(colour).save(tmp_path / "e" / colour / "1.png")
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "instances_test.json").write_bytes(content)
    done = ran("checkout", "draw", tmp_path / "e", "--levels", "easy", "--images", 1, "--side", 96,
               "--out", tmp_path / "s", "--json")  # fmt: skip
    assert done.code in (1, 2)
    assert "instances_test.json is not JSON" in done.err or "drawn otherwise" in done.err
    assert (tmp_path / "s" / "instances_test.json").read_bytes() == content
    assert not (tmp_path / "s" / "test").exists()
