"""`mep3m inspect` as a person calls it."""

from pathlib import Path

from tests.cli.runner import ran


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
