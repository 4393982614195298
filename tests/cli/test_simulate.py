"""`mep3m simulate`: what it prints, what it makes, and that the same words make the same bytes."""

import re
from pathlib import Path

import pytest

from mep3m.settings.project import load_project
from mep3m.store.filesystem import hash_file
from mep3m.store.json_files import read_json
from tests.cli.runner import ran

SMALL = ("--products", "40", "--no-images", "--seed", "2")


def content(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): hash_file(p) for p in folder.rglob("*") if p.is_file()}


def test_json_says_where_everything_is(tmp_path: Path) -> None:
    out = tmp_path / "shops"
    found = ran("simulate", out, *SMALL, "--json")
    assert found.code == 0
    assert len(found.json["catalogues"]) == 2
    assert all(Path(path).exists() for path in found.json["catalogues"].values())
    assert found.json["project"] == str(out / "mep3m.toml")
    assert (out / "truth" / "products.parquet").exists()


def test_words_say_the_same(tmp_path: Path) -> None:
    lines = ran("simulate", tmp_path / "w", *SMALL).out.splitlines()
    assert [line.split()[0] for line in lines] == ["pinshang", "haohuo", "project", "truth"]
    assert all(Path(line.split()[1]).exists() for line in lines)


def test_the_same_command_twice_is_the_same_world_and_done_once(tmp_path: Path) -> None:
    ran("simulate", tmp_path / "one", *SMALL)
    ran("simulate", tmp_path / "two", *SMALL)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    before = (tmp_path / "one/mep3m.toml").stat().st_mtime_ns
    assert ran("simulate", tmp_path / "one", *SMALL).code == 0
    assert (tmp_path / "one/mep3m.toml").stat().st_mtime_ns == before


def test_every_option_reaches_the_settings(tmp_path: Path) -> None:
    options = {
        "products": 30, "platforms": 3, "seed": 4, "categories": 9, "text": 0.2, "duplicates": 0.3,
        "noise": 0.1, "defects": 0.0, "tail": 1.1,
    }  # fmt: skip
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert ran("simulate", tmp_path / "w", *words, "--no-images").code == 0
    saved = read_json(tmp_path / "w" / "simulation.json")
    assert saved["settings"].items() >= {**options, "images": False}.items()
    assert saved["rows"] == 30
    assert len(load_project(tmp_path / "w" / "mep3m.toml").sources) == 3


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--platforms", "9", "platforms = 9 is not allowed: .* less than or equal to 6"),
        ("--platforms", "1", "platforms = 1 is not allowed: .* greater than or equal to 2"),
        ("--seed", "-1", "seed = -1"),
        ("--categories", "3", "categories = 3"),
        ("--text", "1.5", "text = 1.5"),
        ("--duplicates", "0.7", "duplicates = 0.7"),
        ("--noise", "0.6", "noise = 0.6"),
        ("--defects", "0.4", "defects = 0.4"),
        ("--tail", "3", "tail = 3.0"),
    ],
)
def test_a_value_beyond_its_limit_is_refused(tmp_path: Path, option: str, value: str, message: str) -> None:
    found = ran("simulate", tmp_path / "x", option, value)
    assert found.code == 2
    assert re.search(message, found.err)
    assert not (tmp_path / "x").exists()


def test_another_world_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    ran("simulate", tmp_path / "w", *SMALL)
    found = ran("simulate", tmp_path / "w", *SMALL[:-1], "3")
    assert found.code == 2
    assert "holds a simulation of other settings; choose another folder" in found.err
