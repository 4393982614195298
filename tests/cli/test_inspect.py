"""`mep3m inspect` as a person calls it."""

from pathlib import Path

from tests.cli.runner import ran
from tests.ingest.shop import write_images


def shop(folder: Path, more: str = "") -> Path:
    rows = "".join(f"S{i};oak table number {i};Room {i % 2}\n" for i in range(6))
    (folder / "shop.csv").write_text("sku;title;category\n" + rows + more)
    return folder / "shop.csv"


def test_the_look_is_printed_with_a_map_to_paste(tmp_path: Path) -> None:
    found = ran("inspect", shop(tmp_path))
    assert found.code == 0
    assert "shop.csv: csv, encoding 'utf-8', delimiter ';'" in found.out
    assert "looked at 6 rows, all of the file" in found.out
    assert 'labels = ["category"]' in found.out
    assert "0 of 6 rows would be refused" in found.out


def test_refused_rows_are_exit_code_one(tmp_path: Path) -> None:
    found = ran("inspect", shop(tmp_path, "S9;two\n"), "--json")
    assert found.code == 1
    assert found.json["refusals"] == [{"line": 8, "reason": "the row has 2 fields, the header has 3"}]
    assert found.json["map"] == {"id": "sku", "title": "title", "labels": ["category"]}
    assert found.json["columns"][1]["kind"] == "title"


def test_a_missing_file_is_wrong_use(tmp_path: Path) -> None:
    assert ran("inspect", tmp_path / "no.csv").code == 2


def test_a_published_taxonomy_is_told_for_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "google.txt").write_text("# Google_Product_Taxonomy_Version: 2021-09-21\n1 - Home\n")
    found = ran("inspect", tmp_path / "google.txt")
    assert found.code == 0
    assert "google's published taxonomy, version 2021-09-21" in found.out
    assert "mep3m align map SHOP --to" in found.out
    assert ran("inspect", tmp_path / "google.txt", "--json").json["version"] == "2021-09-21"


def test_a_folder_of_images_can_be_looked_at(tmp_path: Path) -> None:
    write_images(tmp_path / "shop" / "cups", range(2))
    found = ran("inspect", tmp_path / "shop", "--json")
    assert (found.code, found.json["format"], found.json["rows_sampled"]) == (0, "folder", 2)
