"""`mep3m learn` as outside checks call it: text, folders of pictures, image and text, broken pictures."""

from pathlib import Path

import pytest

from mep3m.assignment.run import Run
from tests.cli.runner import ran
from tests.models import catalogue
from tests.models.catalogue import PATHS, picture
from tests.recipes.learning.titles import MORE, NEW, OLD, write

COLOURS = {"salt": (20, 40, 180), "ball": (90, 30, 120)}
#: the smallest frozen network there is in a package, one view of a picture
SMALL = [
    f"--set={text}" for text in ("backbone=tf_efficientnet_lite0", "pixels=32", "crops=0.0", "mirror=false")
]


def photos(folder: Path, names: dict[str, str], numbers: range, broken: int = 0) -> Path:
    """Write a folder of pictures with one folder a class; the first `broken` of each cannot be read."""
    catalogue.COLOURS.update(COLOURS)
    for name, path in names.items():
        (folder / path).mkdir(parents=True, exist_ok=True)
        for n in numbers:
            data = b"broken" if n - numbers.start < broken else picture(name, n)
            (folder / path / f"{n}.png").write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run trained on a folder of pictures, and one on titles and pictures of a table."""
    folder = tmp_path_factory.mktemp("pictures")
    old = {name: f"{kind}/{name}" for kind, name in PATHS}
    photos(folder / "old", old, range(12))
    done = ran("train", folder / "old", "--modality", "image", *SMALL, "--out", folder / "run")
    assert done.code == 0, done.err
    photos(folder / "new", {"salt": "food/salt", "ball": "toys/ball"}, range(100, 108))
    photos(folder / "test", {**old, "salt": "food/salt", "ball": "toys/ball"}, range(200, 206))
    return folder


def test_the_contract_for_titles(run_folder: Path, tmp_path: Path) -> None:
    new, test = (
        write(tmp_path / "new.tsv", NEW, range(4)),
        write(tmp_path / "test.tsv", (*OLD, *NEW), range(9, 11)),
    )
    done = ran("learn", run_folder, new, "--out", tmp_path / "two", "--test", test, "--json")
    assert done.code == 0, done.err
    told = done.json
    assert {"old", "new", "all", "forgetting", "seconds"} <= told.keys()
    assert told["all"] == 1.0
    assert told["forgetting"] == 0.0
    words = ran(
        "learn",
        tmp_path / "two",
        write(tmp_path / "more.tsv", MORE, range(4)),
        "--out",
        tmp_path / "three",
        "--test",
        test,
    )
    assert words.code == 0
    assert "1 classes learned from 8 products" in words.out
    assert words.out.count("\n") == 4
    assert ran("evaluate", tmp_path / "three", "--data", test, "--json").json["levels"][1]["top1"] == 1.0
    without = ran("learn", run_folder, new, "--out", tmp_path / "four", "--json")
    assert without.json["old"] is None
    assert without.json["history"][0]["scores"] is None


def test_bad_input_is_exit_2_and_writes_nothing(run_folder: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new.tsv", (*NEW, OLD[0]), range(4))
    for more in ((), ("--shots", "50")):
        done = ran("learn", run_folder, new, "--out", tmp_path / "out", *more)
        assert (done.code, done.out) == (2, "")
        assert "exist already" in done.err
    assert not (tmp_path / "out").exists()
    (tmp_path / "there").mkdir()
    assert ran("learn", run_folder, new, "--out", tmp_path / "there").code == 2
    assert ran("learn", run_folder, tmp_path / "no.tsv", "--out", tmp_path / "out").code == 2


def test_a_folder_of_pictures_is_learned(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "two"
    done = ran(
        "learn", pictures / "run", pictures / "new", "--out", out, "--test", pictures / "test", "--json"
    )
    assert done.code == 0, done.err
    assert done.json["all"] > 0.9
    assert done.json["seconds"] < 60


def test_broken_pictures_are_counted_and_the_rest_is_learned(pictures: Path, tmp_path: Path) -> None:
    some = photos(tmp_path / "some", {"salt": "food/salt"}, range(300, 306), broken=2)
    done = ran("learn", pictures / "run", some, "--out", tmp_path / "out", "--json")
    assert done.code == 1
    assert done.json["unreadable_images"] == 2
    assert done.json["learned"][0]["rows"] == 4
    assert "2 images could not be read" in done.err
    few = ran("learn", pictures / "run", some, "--shots", "5", "--out", tmp_path / "never")
    assert (few.code, few.out) == (2, "")
    assert "4 products of 'food > salt' show the model image that it can read" in few.err
    assert "at least 5 have to" in few.err
    assert not (tmp_path / "never").exists()


def test_a_frozen_run_keeps_what_learning_needs(pictures: Path) -> None:
    from mep3m.models.learned.statistics import ClassStatistics

    kept = ClassStatistics.load(pictures / "run")
    assert kept is not None
    assert set(kept.paths) == set(PATHS)
    assert kept.counts.tolist() == [12, 12, 12]
    assert not Run.open(pictures / "run").learned
