"""What is told beside the counts: encodings, names that stand for none, a separator that is not there."""

from pathlib import Path

import pytest

from mep3m.ingest.remarks import likely_separator
from tests.ingest.shop import take_in

PATH = {"columns": {"id": "id", "path": "path"}}


def shop(folder: Path, paths: list[str], encoding: str = "utf-8") -> Path:
    path = folder / "shop.tsv"
    path.write_bytes(("id\tpath\n" + "".join(f"{i}\t{p}\n" for i, p in enumerate(paths))).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_the_manifest_says_the_encoding(tmp_path: Path, encoding: str) -> None:
    store = take_in(shop(tmp_path, ["食品 > 饮料", "食品 > 茶叶"], encoding), tmp_path / "s", **PATH)
    assert store.manifest["encodings"] == {"shop.tsv": encoding}
    assert "notes" not in store.manifest


@pytest.mark.parametrize("sign", ["»", "＞", "|", "->", "/", " | ", "›"])
def test_a_separator_that_stands_in_no_path_is_told_with_the_likely_one(tmp_path: Path, sign: str) -> None:
    store = take_in(shop(tmp_path, [f"A{sign}B", f"A{sign}C"]), tmp_path / "s", **PATH)
    (note,) = store.manifest["notes"]
    assert f"is it --separator '{sign}'?" in note
    if sign != "->":
        assert "the separator '>' stands in no path of the column 'path'" in note


def test_names_without_any_separator_are_no_note(tmp_path: Path) -> None:
    assert "notes" not in take_in(shop(tmp_path, ["Tea", "Bed/Bath", "Oak"]), tmp_path / "s", **PATH).manifest
    assert likely_separator([]) is None
    assert likely_separator(["/"]) is None


@pytest.mark.parametrize("name", ["NULL", "nan", "N/A", "-", "None", "无"])
def test_names_that_stand_for_none_are_told_and_left_out_by_a_setting(tmp_path: Path, name: str) -> None:
    path = shop(tmp_path, [name, f"Home > {name}", "Home > Tea"])
    store = take_in(path, tmp_path / "s", **PATH)
    (note,) = store.manifest["notes"]
    assert f"2 products have a class named '{name}', which looks like none" in note
    store = take_in(path, tmp_path / "t", **PATH, missing=[name.lower()])
    assert [product.source_path for product in store.products()] == [(), ("Home",), ("Home", "Tea")]
    assert "notes" not in store.manifest


@pytest.mark.parametrize(
    ("paths", "sign"),
    [
        ([f"Home -> Shelf {i}" for i in range(9)], "->"),  # one parent of many
        ([f"Home => Room {i % 3} => Shelf {i}" for i in range(9)], "=>"),
        ([f"Home {i} > Shelf" for i in range(9)], None),
        ([f"T- > Shirt {i}" for i in range(2)] + [f"Home > Shelf {i}" for i in range(9)], None),
    ],
)
def test_an_arrow_of_two_signs_is_told_however_many_names_are_below_one(
    tmp_path: Path, paths: list[str], sign: str | None
) -> None:
    notes = take_in(shop(tmp_path, paths), tmp_path / "s", **PATH).manifest.get("notes", [])
    found = [note for note in notes if "--separator" in note]
    assert [f"is it --separator '{sign}'?" in note for note in found] == ([True] if sign else [])
