"""An encoder's folder handed on: the same vectors after a copy, what its words cannot read, and damage."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.cli.runner import Ran, ran
from tests.models.catalogue import PATHS

SMALL = [word for one in ("embedding=8", "text.hidden=8", "epochs=2", "batch=8") for word in ("--set", one)]
LABELS = ("--labels", "kind,name")
PICTURES = ("--image", "picture", "--modality", "image")


@pytest.fixture(scope="module")
def titles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of thirty titles, and beside it an encoder that learned from them."""
    folder = tmp_path_factory.mktemp("titles")
    lines = ["title\tkind\tname"]
    lines += [f"item {n} {PATHS[n % 3][1]}\t{PATHS[n % 3][0]}\t{PATHS[n % 3][1]}" for n in range(30)]
    (folder / "items.tsv").write_text("\n".join(lines) + "\n")
    columns = ("--title", "title", *LABELS, "--modality", "text")
    done = ran("pretrain", folder / "items.tsv", *columns, *SMALL, "--out", folder / "encoder", "--json")
    assert done.code == 0, done.err
    return folder


def embedded(titles: Path, weights: Path, out: Path, *more: object) -> Ran:
    table = ("embed", titles / "items.tsv", "--title", "title", "--modality", "text")
    return ran(*table, "--weights", weights, "--out", out, "--json", *more)


def vectors(file: Path) -> np.ndarray:
    table = pq.read_table(file)
    name = next(one for one in table.column_names if "vector" in one)
    return np.stack(table[name].to_numpy(zero_copy_only=False))


def test_a_copy_gives_the_same_vectors_and_the_same_start_of_a_training(titles: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(titles / "encoder", tmp_path / "copy"))
    shutil.rmtree(copy / "work", ignore_errors=True)  # what only a training that goes on would want
    for name, weights in (("one", titles / "encoder"), ("two", copy)):
        done = embedded(titles, weights, tmp_path / f"{name}.parquet")
        assert (done.code, done.json["written"]) == (0, 30), done.err
    one, two = vectors(tmp_path / "one.parquet"), vectors(tmp_path / "two.parquet")
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(np.linalg.norm(one, axis=1), 1, atol=1e-3)
    columns = ("--title", "title", *LABELS, "--modality", "text", "--model", "bilstm", "--set", "epochs=1")
    trained = ran(
        "train", titles / "items.tsv", *columns, "--set", f"weights={copy}", "--out", tmp_path / "run"
    )
    assert trained.code == 0, trained.err
    assert f"bilstm pre-trained weights of {copy}" in trained.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("embed", *PICTURES), "encodes the title, which --modality image does not look at"),
        (("pretrain", *LABELS, *PICTURES), "is an encoder of titles"),
        (
            ("train", *LABELS, *PICTURES, "--model", "timm"),
            "encoder does not fit the network",
        ),
        (("train", *LABELS, *PICTURES, "--model", "pretrained"), "encoder does not fit the network"),
    ],
)
def test_an_encoder_of_titles_is_refused_where_pictures_are_read(
    command: tuple[str, ...], said: str, titles: Path, tmp_path: Path
) -> None:
    lines = (titles / "items.tsv").read_text().splitlines()
    Image.new("RGB", (8, 8), (200, 20, 20)).save(tmp_path / "a.png")
    table = [f"{lines[0]}\tpicture", *(f"{line}\ta.png" for line in lines[1:])]
    (tmp_path / "items.tsv").write_text("\n".join(table) + "\n")
    weights = ("--set", f"weights={titles / 'encoder'}")
    if command[0] != "train":
        weights = ("--weights", str(titles / "encoder"))
    out = tmp_path / ("v.parquet" if command[0] == "embed" else "out")
    done = ran(command[0], tmp_path / "items.tsv", *command[1:], *weights, "--out", out)
    assert done.code in (1, 2)
    assert said in done.err
    assert "Traceback" not in done.err
    assert not (out / "card.json").exists()
    assert not out.is_file()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("classifier.json", b"{"),
        ("weights.safetensors", b"x"),
        ("card.json", b"["),
        ("weights.safetensors", None),
    ],
)
def test_a_damaged_encoder_is_named(name: str, content: bytes | None, titles: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(titles / "encoder", tmp_path / "copy"))
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_bytes(content)
    done = embedded(titles, copy, tmp_path / "v.parquet")
    if name == "card.json":  # it says how the encoder came about, which vectors do not need
        assert (done.code, done.json["written"]) == (0, 30), done.err
    else:
        assert done.code == 1
        assert not (tmp_path / "v.parquet").exists()
    assert done.code == 0 or str(copy) in done.err
    assert "Traceback" not in done.err
