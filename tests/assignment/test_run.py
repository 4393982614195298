"""Run folders and stores of an earlier version: opened, read and scored like those of today."""

import shutil
from pathlib import Path

import pytest

from mep3m.assignment.run import Run
from mep3m.errors import ModelError
from mep3m.ingest.origin import decisive
from mep3m.recipes.classify import evaluate_run
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.store.json_files import read_json, write_json


@pytest.fixture
def earlier(run_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of a run whose run.json has the keys of an earlier version."""
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    saved = read_json(folder / "run.json")
    saved["columns"]["source"] = saved["columns"].pop("platform")
    saved["settings"] |= {"split": "shop", "options": {"high": "4", "least": 1}}
    write_json(folder / "run.json", saved)
    return folder


def test_a_run_of_an_earlier_version_answers_and_is_scored(earlier: Path, run_folder: Path) -> None:
    old, new = Run.open(earlier), Run.open(run_folder)
    assert old.columns == new.columns
    assert old.settings.split == "platform"
    table = run_folder.parent / "items.tsv"
    scores = [evaluate_run(run, run.read(table)).to_json() for run in (old, new)]
    assert scores[0] == scores[1]


def test_columns_may_be_given_to_a_run_of_an_earlier_version(earlier: Path, run_folder: Path) -> None:
    table = run_folder.parent / "items.tsv"
    opened = Run.open(earlier).read(table, columns={"platform": "l1"})
    assert set(opened.products["source"].to_pylist()) == {"食品", "数码"}


def test_the_stored_settings_of_a_store_keep_their_words() -> None:
    entry = SourceEntry(name="a", path="a.csv", image_root="photos", columns=Columns(title="t", platform="p"))
    stored = decisive(entry)
    assert stored["columns"] == {
        "id": None,
        "title": "t",
        "image": None,
        "ocr": None,
        "labels": [],
        "path": None,
        "separator": ">",
        "lists": "path",
        "source": "p",
    }
    assert stored["images"] is True
    assert "image_root" not in stored
    assert SourceEntry.parse({**stored, "images": "photos", "path": "a.csv", "fetch": {}}, "origin") == entry


def test_a_bare_classifier_answers_but_names_no_columns(run_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(run_folder, folder)
    (folder / "run.json").unlink()
    with pytest.raises(ModelError, match=r"without run\.json"):
        Run.open(folder)
    bare = Run.open(folder, bare=True)
    assert bare.columns.names() == []
    assert bare.settings == RunSettings()
    assert bare.classifier.tree.paths == Run.open(run_folder).classifier.tree.paths
