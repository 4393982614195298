"""Training, splitting and scoring on input that cannot work: one message that says what to do."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tests.cli.runner import ran
from tests.models.catalogue import PATHS, picture

SMALL = ["pixels=32", "epochs=1", "batch=8", "backbone=test_resnet", "average=none", "precision=float32"]
#: small networks by name: what is tested here is no matter of the network
CNN, FUSED = ("--model", "small-cnn"), ("--set", "image_model=small-cnn")
SETS = [word for name in SMALL for word in ("--set", name)]
HEADER = "sku\ttitle\timage\tkind\tname\n"


def row(n: int, kind: str = "", name: str = "") -> str:
    kind, name = kind or PATHS[n % 3][0], name or PATHS[n % 3][1]
    return f"{n}\tgood {name} {n}\t{n % 24}.png\t{kind}\t{name}\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    for n in range(24):
        (folder / f"{n}.png").write_bytes(picture(PATHS[n % 3][1], n))
    (folder / "items.tsv").write_text(HEADER + "".join(row(n) for n in range(24)))
    return folder


def columns(place: Path) -> tuple[object, ...]:
    named = ("--title", "title", "--image", "image", "--image-root", place)
    return (*named, "--labels", "kind,name", "--id", "sku")


def train(place: Path, table: str, out: str, *more: object) -> tuple[int, str]:
    done = ran("train", place / table, *columns(place), *more, "--out", place / out)
    return done.code, done.err


@pytest.mark.parametrize("modality", ["text", "image", "image+text"])
def test_a_class_with_one_sample_trains(modality: str, place: Path, tmp_path: Path) -> None:
    (place / "lone.tsv").write_text((place / "items.tsv").read_text() + row(24, "home", "sofa"))
    options = {"text": [], "image": [*CNN, *SETS], "image+text": [*FUSED, *SETS]}[modality]
    code, said = train(place, "lone.tsv", str(tmp_path / "run"), "--modality", modality, *options)
    assert code == 0, said
    counts = json.loads((tmp_path / "run" / "run.json").read_text())["counts"]
    assert counts[1]["sofa"] == 1


@pytest.mark.parametrize(
    ("lines", "more", "says"),
    [
        (range(0, 24, 3), (), "a classifier needs at least two classes"),
        (range(24), ("--level", "9"), "there is no level 9: the labels have the levels 1 to 2"),
        (range(24), ("--level", "0"), "0 is not in the range"),
        (range(24), ("--subset", "foot"), "no category 'foot' (did you mean 'food'?"),
        (range(24), ("--subset", "tea"), "no finer level"),
        (range(24), ("--valid-share", "1"), "valid_share = 1.0 is not allowed"),
        (range(24), ("--modality", "image", "--model", "bilstm"), "'bilstm' does not take image"),
        (range(24), ("--modality", "image", "--model", "timm", "--set", "backbone=resnet5O"), "no network"),
        (range(24), ("--modality", "image", *CNN, *SETS, "--set", 'arguments={"in_chans": 1}'), "3 channels"),
        (range(24), ("--modality", "image", *CNN, *SETS, "--set", "weights=nowhere.pth"), "no weights at"),
        (range(24), ("--modality", "image", *CNN, *SETS, "--set", "precision=fp8"), "precision = 'fp8'"),
    ],
)
def test_what_cannot_be_trained_is_said(
    lines: range, more: tuple[str, ...], says: str, place: Path, tmp_path: Path
) -> None:
    (place / "these.tsv").write_text(HEADER + "".join(row(n) for n in lines))
    code, said = train(place, "these.tsv", str(tmp_path / "run"), *more)
    assert code in (1, 2)
    assert says in said
    assert "Traceback" not in said
    assert not (tmp_path / "run" / "classifier.json").exists()


def test_a_loss_that_is_no_number_says_what_to_lower(place: Path, tmp_path: Path) -> None:
    wild = ("--set", "learning_rate=1e30", "--set", "clip=none", "--set", "epochs=3")
    code, said = train(place, "items.tsv", str(tmp_path / "run"), "--modality", "image", *CNN, *SETS, *wild)
    assert code == 1
    assert "lower learning_rate (now 1e+30), or set clip = 1.0" in said


def test_a_checkpoint_of_another_taxonomy_is_refused(place: Path, tmp_path: Path) -> None:
    first = ("--modality", "image", *CNN, *SETS)
    assert train(place, "items.tsv", str(tmp_path / "run"), *first)[0] == 0
    # what a kill before the end would have left
    from mep3m.training.loop.checkpoints import State, save_checkpoint

    save_checkpoint(tmp_path / "run" / "work", "another taxonomy", State(), {})
    (tmp_path / "run" / "run.json").unlink()
    (place / "moved.tsv").write_text(HEADER + "".join(row(n, "goods", "") for n in range(24)))
    code, said = train(place, "moved.tsv", str(tmp_path / "run"), *first)
    assert code == 1
    assert "belongs to a run with other rows, settings or taxonomy; choose another output folder" in said


@pytest.fixture(scope="module")
def fusion(place: Path) -> Path:
    assert train(place, "items.tsv", "fusion", "--modality", "image+text", *FUSED, *SETS)[0] == 0
    return place / "fusion"


@pytest.mark.parametrize(
    ("part", "how", "says"),
    [
        ("image", "cut", "absent or damaged"),
        ("text", "cut", "train"),
        ("image", "heads", "was trained for another taxonomy"),
        ("image", "gone", "absent or damaged"),
    ],
)
def test_damaged_weights_of_a_part_are_named(
    part: str, how: str, says: str, place: Path, fusion: Path
) -> None:
    file = fusion / part / "weights.safetensors"
    whole = file.read_bytes()
    try:
        if how == "cut":
            file.write_bytes(whole[: len(whole) // 2])
        elif how == "gone":
            file.unlink()
        else:
            tensors = load_file(file)
            head = next(key for key in tensors if key.startswith("head.") and key.endswith("weight"))
            save_file(tensors | {head: tensors[head][:-1]}, file)
        done = ran("evaluate", fusion, "--data", place / "items.tsv")
        assert done.code == 1
        assert str(file.parent) in done.err
        assert says in done.err
    finally:
        file.write_bytes(whole)
    assert ran("evaluate", fusion, "--data", place / "items.tsv").code == 0


def test_two_models_have_no_one_onnx_form_and_their_parts_are_named(fusion: Path, tmp_path: Path) -> None:
    done = ran("export-onnx", fusion, tmp_path / "m.onnx")
    assert done.code == 2
    assert "is not one model, so it has no ONNX form" in done.err
    assert str(fusion / "text") in done.err
    assert not (tmp_path / "m.onnx").exists()
    assert ran("export-onnx", fusion / "text", tmp_path / "m.onnx").code == 0


def test_broken_images_are_reported_by_evaluate_and_assign(place: Path, fusion: Path, tmp_path: Path) -> None:
    whole = (place / "3.png").read_bytes()
    try:
        (place / "3.png").write_bytes(b"broken")
        done = ran("evaluate", fusion, "--data", place / "items.tsv", "--json")
        assert done.json["unreadable_images"]["n"] == 1
        assert "1 images could not be read and count as missing" in done.err
        out = tmp_path / "out.jsonl"
        done = ran("assign", fusion, place / "items.tsv", "--out", out, "--json")
        assert done.json["unreadable_images"] == 1
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert [bool(line["unreadable"]) for line in lines].index(True) == 3
        assert sum(bool(line["unreadable"]) for line in lines) == 1
    finally:
        (place / "3.png").write_bytes(whole)
