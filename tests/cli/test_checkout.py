"""`mep3m checkout`: drawn, trained, scored, counted as a person does it; bad input said before any work."""

import json
from pathlib import Path

import pytest

from tests.checkout.made import annotations, folder_of, picture
from tests.cli.runner import ran
from tests.representations.small import tiny_network


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with products, scenes of them, and a small encoder."""
    place = tmp_path_factory.mktemp("checkout")
    folder_of(place / "products", 4)
    tiny_network(place / "tiny")
    drawn = ran("checkout", "draw", place / "products", "--out", place / "scenes", "--levels", "easy",
                "--images", 2, "--side", 320, "--json")  # fmt: skip
    assert drawn.code == 0
    assert drawn.json["products"] == 4
    assert drawn.json["images"] == 2
    return place


def test_scenes_are_scored_by_level(place: Path, tmp_path: Path) -> None:
    given = ("checkout", "score", place / "products", place / "scenes", "--weights", place / "tiny")
    scored = ran(*given, "--out", tmp_path / "out", "--json")
    assert scored.code == 0
    assert scored.json["levels"]["easy"]["images"] == 2
    assert scored.json["products"] == 4
    assert (tmp_path / "out" / "answers.jsonl").read_text().count("\n") == 2
    told = ran(*given, "--out", tmp_path / "out")
    assert "cAcc" in told.out
    assert "easy" in told.out


def test_pictures_without_truth_are_counted(place: Path, tmp_path: Path) -> None:
    given = ("checkout", "count", place / "products", place / "scenes" / "test", "--weights", place / "tiny")
    counted = ran(*given, "--out", tmp_path / "out", "--looked-at", 0, "--json")
    assert counted.code == 0
    assert counted.json["images"] == 2
    assert not (tmp_path / "out" / "pictures").exists()
    line = json.loads((tmp_path / "out" / "answers.jsonl").read_text().splitlines()[0])
    assert set(line) == {"image", "counts", "boxes"}


def test_a_detector_is_trained_and_used(place: Path, tmp_path: Path) -> None:
    made = ran("checkout", "train", place / "products", "--scenes", 2, "--epochs", 1, "--out",
               tmp_path / "detector", "--json")  # fmt: skip
    assert made.code == 0
    assert made.json["scenes"] == 2
    scored = ran("checkout", "score", place / "products", place / "scenes", "--weights", place / "tiny",
                 "--detector", tmp_path / "detector", "--out", tmp_path / "out", "--json")  # fmt: skip
    assert scored.code == 0


def test_a_table_names_exemplars(place: Path, tmp_path: Path) -> None:
    rows = "".join(f"{colour}/0.png,{colour}\n" for colour in ("red", "blue", "green"))
    (place / "products" / "t.csv").write_text("file,name\n" + rows)
    drawn = ran("checkout", "draw", place / "products" / "t.csv", "--image", "file", "--labels", "name",
                "--levels", "easy", "--images", 1, "--out", tmp_path / "s", "--json")  # fmt: skip
    (place / "products" / "t.csv").unlink()
    assert drawn.code == 0
    assert drawn.json["products"] == 3


def test_broken_pictures_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "e", 3, pictures=2)
    (folder / "red" / "1.png").write_bytes(b"no picture")
    drawn = ran(
        "checkout", "draw", folder, "--levels", "easy", "--images", 1, "--out", tmp_path / "s", "--json"
    )
    assert drawn.code == 1
    assert len(drawn.json["refused"]) == 1
    assert "red/1.png" in drawn.err


def test_wrong_use_is_said_before_any_work(place: Path, tmp_path: Path) -> None:
    products, scenes, out = place / "products", place / "scenes", tmp_path / "out"
    empty = tmp_path / "some"
    folder_of(empty, 2)
    (empty / "nothing").mkdir()
    stranger = tmp_path / "other"
    stranger.mkdir()
    annotations(stranger)
    for arguments, said in [
        (("draw", products), "level medium has at least 5 products"),
        (("draw", products, "--levels", "easyy"), "no level 'easyy'"),
        (("draw", empty), "1 of 3 products"),
        (("draw", tmp_path / "gone"), "does not exist"),
        (("draw", products, "--title", "x"), "columns can be named for a table only"),
        (("draw", products, "--overlap", "nan"), "no number"),
        (("train", products, "--scenes", 0), "--scenes"),
        (("score", products, products), "no ground truth"),
        (("score", products, stranger), "products without exemplars (gum, tea)"),
        (("score", products, scenes, "--detector", tmp_path / "gone"), "no detector at"),
        (("score", products, scenes, "--weights", "pakcaged"), "pakcaged"),
        (("score", products, scenes, "--photos", 0), "0 pictures a product"),
        (("count", products, tmp_path / "gone"), "holds no picture"),
    ]:
        done = ran("checkout", *arguments, "--out", out)
        assert done.code in (1, 2), arguments
        assert said in done.err, (arguments, done.err)
        assert "Traceback" not in done.err
        assert not (out / "answers.jsonl").exists()


def test_scenes_that_were_drawn_otherwise_are_kept(place: Path) -> None:
    again = ran("checkout", "draw", place / "products", "--out", place / "scenes", "--levels", "easy",
                "--images", 3, "--side", 320)  # fmt: skip
    assert again.code == 2
    assert "drawn otherwise" in again.err
    assert len(list((place / "scenes" / "test").iterdir())) == 2


def test_a_picture_on_which_nothing_lies_has_no_products(place: Path, tmp_path: Path) -> None:
    (tmp_path / "till").mkdir()
    picture("white").crop((0, 0, 20, 120)).save(tmp_path / "till" / "a.png")
    counted = ran("checkout", "count", place / "products", tmp_path / "till", "--weights", place / "tiny",
                  "--out", tmp_path / "out", "--json")  # fmt: skip
    assert counted.code == 0
    assert counted.json["found"] == 0
