"""A run recognises the rows that it was made with: by id, title, group and image."""

import shutil
from pathlib import Path

import pytest

from mep3m.assignment import trained_on
from mep3m.errors import ModelError
from mep3m.product import Product, to_table
from mep3m.store.images import FolderImages
from tests.ingest.shop import picture

ROWS = [
    Product("shop:a", "shop", "a", title="红富士苹果", group="g1"),
    Product("shop:b", "shop", "b", title="手机壳"),
]


def found(folder: Path, *rows: Product) -> dict[str, list[int]]:
    told = trained_on.rows_of_training(folder, to_table(rows), None)
    assert told is not None
    return {name: values.tolist() for name, values in told.items() if len(values)}


def test_each_key_is_recognised(tmp_path: Path) -> None:
    trained_on.save(tmp_path, to_table(ROWS), None)
    new = Product("shop:n", "shop", "n", title="新的")
    assert found(tmp_path, new) == {}
    assert found(tmp_path, new, Product("shop:b", "shop", "b", title="别的")) == {"id": [1]}
    assert found(tmp_path, new, Product("x", "s", "x", title="【红富士】 苹果！")) == {"title": [1]}
    assert found(tmp_path, new, Product("x", "s", "x", title="别的", group="g1")) == {"group": [1]}


def test_numbers_of_rows_are_no_ids(tmp_path: Path) -> None:
    numbered = [Product(str(n), "t", str(n), title=f"品{n}") for n in range(1, 9)]
    trained_on.save(tmp_path, to_table(numbered), None)
    others = [Product(str(n), "u", str(n), title=f"别{n}") for n in range(1, 5)]
    assert found(tmp_path, *others) == {}
    assert found(tmp_path, *others[:2], Product("4", "u", "4", title="品 8")) == {"title": [2]}


def test_images_without_titles_are_known_by_their_bytes(tmp_path: Path) -> None:
    for n in range(2):
        (tmp_path / f"{n}.png").write_bytes(picture(n))
    shutil.copy(tmp_path / "1.png", tmp_path / "copy.png")
    images = FolderImages(tmp_path)
    trained_on.save(tmp_path, to_table([Product("x", "t", "x", image_ref="1.png")]), images)
    rows = to_table(
        Product(key, "t", key, image_ref=name)
        for key, name in (("p", "0.png"), ("q", "copy.png"), ("r", "gone.png"))
    )
    told = trained_on.rows_of_training(tmp_path, rows, images)
    assert told is not None
    assert told["image"].tolist() == [1]


def test_text_in_images_stands_for_a_title(tmp_path: Path) -> None:
    trained_on.save(tmp_path, to_table([Product("1", "t", "1", ocr="红富士")]), None)
    assert found(tmp_path, Product("1", "t", "1"), Product("2", "t", "2", ocr="红富士")) == {"ocr": [1]}
    assert found(tmp_path, Product("1", "t", "1", title="!!!"), Product("2", "t", "2", title="好")) == {}


def test_an_older_run_cannot_tell_and_a_damaged_one_says_so(tmp_path: Path) -> None:
    assert trained_on.rows_of_training(tmp_path, to_table(ROWS), None) is None
    (tmp_path / trained_on.FILE).write_bytes(b"xx")
    with pytest.raises(ModelError, match="damaged"):
        trained_on.rows_of_training(tmp_path, to_table(ROWS), None)
