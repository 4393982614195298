"""Where exemplars come from: folders, a table, a store, RPC; and what is wrong said before any work."""

from pathlib import Path

import pytest
from PIL import Image

from mep3m.checkout.exemplars import TableChoices, open_exemplars
from mep3m.errors import InputError, NotFoundError, UsageError
from mep3m.settings.sources import Columns
from tests.checkout.made import annotations, folder_of, picture


def test_a_folder_a_product(tmp_path: Path) -> None:
    found, refused = open_exemplars(folder_of(tmp_path / "e", 3, pictures=2))
    assert [one.product for one in found] == [("blue", ""), ("green", ""), ("red", "")]
    assert [len(one.photos) for one in found] == [2, 2, 2]
    assert refused == []


def test_folders_in_folders_are_groups(tmp_path: Path) -> None:
    folder_of(tmp_path / "e" / "sweets", 2)
    found, _ = open_exemplars(tmp_path / "e")
    assert [one.product for one in found] == [("blue", "sweets"), ("red", "sweets")]


def test_equal_names_of_two_groups_are_told_apart(tmp_path: Path) -> None:
    folder_of(tmp_path / "e" / "sweets", 1)
    folder_of(tmp_path / "e" / "drinks", 2)
    found, _ = open_exemplars(tmp_path / "e")
    assert [one.product.name for one in found] == ["blue", "drinks/red", "sweets/red"]


def test_of_many_pictures_some_are_taken_evenly(tmp_path: Path) -> None:
    (one,), _ = open_exemplars(folder_of(tmp_path / "e", 1, pictures=9), most=3)
    assert [photo.path.name for photo in one.photos] == ["0.png", "4.png", "8.png"]


def test_a_table_names_products_and_pictures(tmp_path: Path) -> None:
    for colour in ("red", "blue"):
        picture(colour).save(tmp_path / f"{colour}.png")
    rows = "file,kind,name\nred.png,box,red one\nblue.png,box,blue one\nred.png,,\n"
    (tmp_path / "t.csv").write_text(rows)
    choices = TableChoices(Columns(image="file", labels=("kind", "name")))
    found, refused = open_exemplars(tmp_path / "t.csv", choices=choices)
    assert [one.product for one in found] == [("blue one", "box"), ("red one", "box")]
    assert found[0].photos[0].path == tmp_path / "blue.png"
    assert len(refused) == 1
    assert "names no product" in refused[0]


def test_a_table_without_products_is_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file\nred.png\n")
    with pytest.raises(UsageError, match="--labels"):
        open_exemplars(tmp_path / "t.csv", choices=TableChoices(Columns(image="file")))


def test_rpc_gives_each_box_of_its_exemplars(tmp_path: Path) -> None:
    annotations(tmp_path, "instances_train2019.json")
    annotations(tmp_path, "instances_test2019.json", annotations=[])
    found, _ = open_exemplars(tmp_path)
    assert [(one.product.name, len(one.photos)) for one in found] == [("gum", 1), ("tea", 2)]
    assert found[1].photos[0].place == (30, 20, 60, 80)
    assert found[1].photos[0].path.name == "a.jpg"


def test_products_without_pictures_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path / "e", 2)
    (tmp_path / "e" / "empty").mkdir()
    (tmp_path / "e" / "notes").mkdir()
    (tmp_path / "e" / "notes" / "a.txt").write_text("x")
    with pytest.raises(InputError, match=r"2 of 4 products .* \(empty, notes\)"):
        open_exemplars(tmp_path / "e")


def test_pictures_outside_of_product_folders_are_said(tmp_path: Path) -> None:
    folder_of(tmp_path / "e", 1)
    picture("red").save(tmp_path / "e" / "loose.png")
    with pytest.raises(UsageError, match=r"1 pictures lie in .*loose\.png"):
        open_exemplars(tmp_path / "e")


def test_pictures_of_unread_kinds_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path / "e", 1)
    Image.new("RGB", (9, 9)).save(tmp_path / "e" / "red" / "a.tiff")
    _, refused = open_exemplars(tmp_path / "e")
    assert len(refused) == 1
    assert "a.tiff" in refused[0]


def test_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no product"):
        open_exemplars(tmp_path)
    with pytest.raises(NotFoundError, match="does not exist"):
        open_exemplars(tmp_path / "gone")
