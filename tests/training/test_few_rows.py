"""Few rows, or labels that lie on one path: trained with a word, or refused in words that are true."""

from pathlib import Path

import pytest

from tests.cli.runner import Ran, ran
from tests.ingest.shop import picture

NAMED = ("--title", "title", "--labels", "l1,l2,l3")


def train(folder: Path, rows: list[str], *more: object) -> Ran:
    (folder / "n.csv").write_text("title,image,l1,l2,l3\n" + "\n".join(rows) + "\n")
    for n in range(4):
        (folder / f"{n}.png").write_bytes(picture(n))
    return ran("train", folder / "n.csv", *NAMED, *more, "--out", folder / "run", "--json")


@pytest.mark.parametrize("count", [2, 3, 4])
def test_two_to_four_rows_train_and_it_is_said_that_nothing_was_held_out(tmp_path: Path, count: int) -> None:
    rows = [
        "mug,0.png,kitchen,mugs,",
        "oak shelf,1.png,home,,",
        "cup,2.png,kitchen,cups,",
        "bed,3.png,home,,",
    ]
    done = train(tmp_path, rows[:count])
    assert done.code == 0, done.err
    assert "too few products to hold any out" in done.err
    measured = f"the {count} rows of training: nothing was held out, new products will score worse"
    assert done.json["measured_on"] == measured
    (tmp_path / "new.csv").write_text("title\noak shelf\nmug\n")
    assert ran("assign", tmp_path / "run", tmp_path / "new.csv", "--out", tmp_path / "o.csv").code == 0
    decisions = {line.split(",")[-3] for line in (tmp_path / "o.csv").read_text().splitlines()[1:]}
    assert decisions <= {"review"}  # of so few rows nothing is sure


@pytest.mark.parametrize("model", ["small-cnn", "late-fusion", "bilstm"])
def test_networks_train_on_two_rows_too(tmp_path: Path, model: str) -> None:
    pytest.importorskip("torch")
    modality = {"small-cnn": "image", "late-fusion": "image+text", "bilstm": "text"}[model]
    pixels = ("--set", "pixels=32", "--set", "backbone=test_resnet") if modality != "text" else ()
    if model == "late-fusion":
        pixels += ("--set", "image_model=small-cnn")
    more = ("--modality", modality, "--model", model, "--image", "image", "--set", "epochs=1", *pixels)
    done = train(tmp_path, ["mug,0.png,kitchen,mugs,", "oak shelf,1.png,home,,"], *more)
    assert done.code == 0, done.err
    assert "too few products to hold any out" in done.err


def test_many_copies_of_one_title_cannot_be_split_either(tmp_path: Path) -> None:
    done = train(tmp_path, [f"mug,,{'a' if n % 2 else 'b'},," for n in range(30)])
    assert done.code == 0, done.err
    assert "nothing was held out" in done.json["measured_on"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (
            ["x,,a,,", "y,,a,b,", "z,,a,b,c"],
            "all labels lie on one path: 'a > b > c' or a category above it (3",
        ),
        (
            ["x,,a,,", "y,,a,b,"],
            "all labels lie on one path: 'a > b' or a category above it (2 different labels)",
        ),
        (["x,,a,b,c", "y,,a,b,c"], "every label is 'a > b > c'; a classifier needs at least two classes"),
        (["x,,a,,"], "every label is 'a'; a classifier needs"),
    ],
)
def test_labels_with_nothing_to_tell_apart_are_called_what_they_are(
    tmp_path: Path, rows: list[str], says: str
) -> None:
    done = train(tmp_path, rows)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert says in done.err


def test_an_image_that_cannot_be_read_makes_the_exit_code_1(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    rows = [f"{n},{n}.png,{'a' if n % 2 else 'b'},," for n in range(4)] + ["5,gone.png,a,,"]
    more = ("--modality", "image", "--model", "small-cnn", "--image", "image")
    more += ("--set", "epochs=1", "--set", "pixels=32")
    done = train(tmp_path, rows, *more, "--set", "backbone=test_resnet")
    assert done.code == 1, done.err
    assert "1 images could not be read and were left out" in done.err
