"""Encoders end to end on forty small pictures: learned, kept, used by every command, interrupted, refused."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch

from mep3m.models.classifier import load
from mep3m.models.pretrained.files import read_tensors, tensors_hash
from mep3m.representations.weights import open_encoders
from tests.cli.runner import Ran, ran
from tests.models.catalogue import PATHS, picture

SMALL = ("--set", "pixels=32", "--set", "batch=8", "--set", "backbone=test_resnet", "--set", "epochs=2")
COLUMNS = (
    "--title",
    "title",
    "--image",
    "image",
    "--labels",
    "kind,name",
    "--platform",
    "shop",
    "--id",
    "id",
)


def write_table(folder: Path, count: int = 40) -> Path:
    """Write a table of three shops with pictures beside it; one picture is broken, one row has none."""
    lines = ["id\ttitle\timage\tkind\tname\tshop"]
    for n in range(count):
        kind, name = PATHS[n % 3]
        (folder / f"{n}.png").write_bytes(picture(name, n) if n != 5 else b"broken")
        image = "" if n == 7 else f"{n}.png"
        lines.append(f"i{n}\titem {n} {name}\t{image}\t{kind}\t{name}\t{'abc'[n % 3 if n % 2 else 0]}")
    (folder / "items.tsv").write_text("\n".join(lines) + "\n")
    return folder / "items.tsv"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("items"))


def learn(table: Path, out: Path, *more: str) -> Ran:
    return ran("pretrain", table, *COLUMNS, *SMALL, *more, "--out", out, "--json")


@pytest.fixture(scope="module")
def encoder(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("encoder") / "encoder"
    done = learn(table, out)
    assert done.code == 1, done.err  # one picture is broken
    return out


def card_of(out: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((out / "card.json").read_text())
    return card


def test_the_card_says_what_it_was_made_from_and_how_good_it_is(encoder: Path) -> None:
    card = card_of(encoder)
    data = card["data"]
    assert (data["rows"], data["held_out"], data["without_image_or_title"]) == (35, 4, 1)
    assert (data["unreadable_images"], data["platforms"]) == (1, ["a", "b", "c"])
    assert "not an image of a known type" in data["first_unreadable"]
    assert (card["objective"], card["reads"], card["network"]) == ("supervised", ["image"], "test_resnet")
    assert (card["seed"], card["minutes"], card["epochs"]) == (0, "auto", 2.0)
    assert card["start"]["source"] is None
    assert card["start"]["mean"] == [0.5, 0.5, 0.5]
    assert card["hash"] == tensors_hash(read_tensors(encoder / "weights.safetensors"))
    held = card["held_out"]
    assert [level["level"] for level in held["levels"]] == [1, 2]
    assert held["n"] == 4
    assert card["left_out"] is None
    assert json.loads((encoder / "timings.json").read_text())["seconds"] > 0


def test_a_folder_holds_no_pickle_and_no_checkpoint(encoder: Path) -> None:
    names = {path.suffix for path in encoder.rglob("*") if path.is_file() and "pixels" not in str(path)}
    assert names <= {".json", ".jsonl", ".safetensors"}
    assert not list(encoder.rglob("*.pt"))


def test_embed_looks_at_pictures_as_the_encoder_learned_them(encoder: Path, table: Path) -> None:
    (opened,) = open_encoders("image", [str(encoder)])
    own = load(encoder)
    assert opened.width == own.width  # type: ignore[attr-defined]
    assert opened.facts()["network"] == "test_resnet"
    done = ran(
        "embed",
        table,
        *("--image", "image", "--modality", "image", "--weights", encoder),
        *("--out", encoder.parent / "v.parquet", "--json"),
    )
    assert (done.code, done.json["written"]) == (1, 38), done.err


@pytest.mark.parametrize("model", ["pretrained", "timm"])
def test_train_takes_the_folder_without_being_told_its_network(
    encoder: Path, table: Path, model: str, tmp_path: Path
) -> None:
    labels = ("--image", "image", "--labels", "kind,name", "--modality", "image", "--model", model)
    more = ("--set", "epochs=1") if model == "timm" else ()
    done = ran(
        "train", table, *labels, "--set", f"weights={encoder}", *more, "--out", tmp_path / "r", "--json"
    )
    assert done.code == 1, done.err
    (used,) = done.json["weights"]
    assert (used["backbone"], used["pixels"], used["source"]) == ("test_resnet", 32, "encoder")
    assert used["hash"] == card_of(encoder)["hash"]


def test_another_pre_training_begins_with_it(encoder: Path, table: Path, tmp_path: Path) -> None:
    done = ran(
        "pretrain",
        table,
        *("--image", "image", "--labels", "kind,name", "--weights", encoder),
        *("--set", "epochs=1", "--set", "learning_rate=1e-9", "--out", tmp_path / "more", "--json"),
    )
    assert done.code == 1, done.err
    assert done.json["start"]["hash"] == card_of(encoder)["hash"]
    before, after = (read_tensors(one / "weights.safetensors") for one in (encoder, tmp_path / "more"))
    weights = [name for name in before if name.endswith("weight") and before[name].dim() > 1]
    assert all(torch.allclose(before[name], after[name], atol=1e-5) for name in weights)
    assert len(weights) > 3


@pytest.mark.parametrize(
    ("options", "reads", "folders"),
    [
        (("--objective", "image-text"), ["image", "title"], ("", "title")),
        (("--objective", "self-supervised"), ["image"], ("",)),
        (("--modality", "image+text", "--platform-signal", "auxiliary"), ["image", "title"], ("", "title")),
        (("--platform-signal", "adversarial", "--leave-out", "c"), ["image"], ("",)),
    ],
)
def test_every_objective_makes_encoders_that_can_be_used(
    options: tuple[str, ...], reads: list[str], folders: tuple[str, ...], table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "encoder"
    text = ("--set", "embedding=8", "--set", "text.hidden=8", "--set", "tokeniser=whitespace")
    done = learn(table, out, *options, *(text if "title" in reads else ()))
    assert done.code == 1, done.err
    card = done.json
    assert card["reads"] == reads
    assert np.isfinite([epoch["loss"] for epoch in card["history"]]).all()
    weights = [str(out / folder) for folder in folders]
    opened = open_encoders("image+text" if len(folders) > 1 else "image", weights)
    assert sum(one.width for one in opened) == card["width"]  # type: ignore[attr-defined]
    if "--leave-out" in options:
        assert card["data"]["platforms"] == ["a", "b"]
        assert (card["left_out"]["n"], card["left_out"]["unreadable_images"]) == (5, 1)
    if "--platform-signal" in options:
        assert card["held_out"]["platform"] is not None


def test_an_encoder_of_titles(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "titles"
    small = ("--set", "embedding=8", "--set", "text.hidden=8", "--set", "tokeniser=whitespace")
    columns = ("--title", "title", "--labels", "kind,name", "--platform", "shop")
    more = ("--modality", "text", "--platform-signal", "adversarial", "--set", "epochs=2", *small)
    done = ran("pretrain", table, *columns, *more, "--out", out, "--json")
    assert done.code == 0, done.err
    assert done.json["network"] == "bilstm"
    assert done.json["start"] is None
    file = tmp_path / "v.parquet"
    embedded = ran("embed", table, "--title", "title", "--weights", out, "--out", file, "--json")
    assert (embedded.code, embedded.json["width"]) == (0, 16), embedded.err
    refused = learn(table, tmp_path / "x", "--weights", str(out))
    assert refused.code == 2
    assert "is an encoder of titles, and --weights says where that of images begins" in refused.err
    assert not (tmp_path / "x").exists()
    begun = ("--weights", out, "--set", "learning_rate=1e-9", "--modality", "text", "--set", "epochs=1")
    again = ran("pretrain", table, *columns, *begun, "--out", tmp_path / "more", "--json")
    assert again.code == 0, again.err
    before, after = (read_tensors(one / "weights.safetensors") for one in (out, tmp_path / "more"))
    assert before.keys() == after.keys()
    assert all(torch.allclose(before[name], after[name], atol=1e-5) for name in before)
    assert again.json["width"] == 16


def test_train_and_a_frozen_network_take_an_encoder_of_titles(table: Path, tmp_path: Path) -> None:
    out, columns = tmp_path / "titles", ("--title", "title", "--labels", "kind,name", "--modality", "text")
    small = ("--set", "embedding=8", "--set", "text.hidden=8", "--set", "epochs=2")
    assert ran("pretrain", table, *columns, *small, "--out", out).code == 0
    begun = ("--model", "bilstm", "--set", f"weights={out}")
    tiny = ("--set", "learning_rate=1e-9", "--set", "epochs=1")
    for name, frozen in (("one", ()), ("two", ("--set", "frozen=true"))):
        done = ran("train", table, *columns, *begun, *tiny, *frozen, "--out", tmp_path / name, "--json")
        assert done.code == 0, done.err
    assert f"title: bilstm pre-trained weights of {out}" in done.err
    before, after = (read_tensors(one / "weights.safetensors") for one in (out, tmp_path / "one"))
    names = [name for name in before if name.startswith("encoders.")]
    assert all(torch.allclose(before[name], after[name], atol=1e-5) for name in names)
    nowhere = ran(
        "train", table, *columns, "--model", "bilstm", "--set", "weights=no", "--out", tmp_path / "x"
    )
    assert nowhere.code == 1
    assert "no encoder of titles at no; bilstm begins with the folder of one" in nowhere.err


def test_an_encoder_of_images_is_none_of_titles(encoder: Path, table: Path, tmp_path: Path) -> None:
    columns = ("--title", "title", "--labels", "kind", "--modality", "text", "--weights", encoder)
    done = ran("pretrain", table, *columns, "--out", tmp_path / "x")
    assert done.code == 2
    assert "is an encoder of images, and --weights says where that of titles begins" in done.err


def test_the_same_command_learns_nothing_and_another_one_is_refused(
    encoder: Path, table: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    shutil.copytree(encoder, kept)
    before = (kept / "weights.safetensors").read_bytes()
    again = learn(table, kept)
    assert (again.code, again.json["hash"]) == (1, card_of(kept)["hash"])
    assert "holds this encoder already; nothing was learned" in again.err
    other = learn(table, kept, "--seed", "1")
    assert other.code == 2
    assert "made with other settings; choose another folder, or replace it with --replace" in other.err
    assert (kept / "weights.safetensors").read_bytes() == before
    replaced = learn(table, kept, "--seed", "1", "--replace")
    assert replaced.code == 1, replaced.err
    assert (kept / "weights.safetensors").read_bytes() != before


@pytest.mark.parametrize("name", ["run.json", "notes.txt", "manifest.json"])
@pytest.mark.parametrize("replace", [(), ("--replace",)])
def test_a_folder_that_holds_something_else_is_left_alone(
    name: str, replace: tuple[str, ...], table: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("{}")
    done = learn(table, tmp_path / "out", *replace)
    assert done.code == 2
    assert "holds something else; choose another folder" in done.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--minutes", "5"), "--minutes and --set epochs both say how long it learns: give one"),
        (("--minutes", "0"), "0.0 is not in the range x>0"),
        (("--weights", "nowhere"), "no weights at nowhere"),
        (("--leave-out", "d"), "no product comes from the platform 'd'"),
        (("--set", "frozen=true"), "what is frozen learns nothing"),
        (("--platform-signal", "both"), "'both' is not one of"),
        (("--set", "learning_rat=1"), "unknown option 'learning_rat' (did you mean 'learning_rate'?"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(
    more: tuple[str, ...], says: str, table: Path, tmp_path: Path
) -> None:
    done = learn(table, tmp_path / "out", *more)
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "out").exists()


def test_minutes_that_do_not_suffice_for_one_pass_are_told(table: Path, tmp_path: Path) -> None:
    few = ("--image", "image", "--labels", "kind", "--minutes", "0.0001", "--set", "pixels=32")
    done = ran("pretrain", table, *few, "--out", tmp_path / "out")
    assert done.code == 2
    assert "minutes = 0.0001 is too short: one pass over" in done.err


def test_a_killed_pre_training_goes_on_to_the_same_encoder(table: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "killed", tmp_path / "whole"
    sure = ("--objective", "self-supervised", "--set", "precision=float32")
    words = ["pretrain", table, *COLUMNS, *SMALL[:-1], "epochs=4", *sure, "--set", "checkpoint_seconds=0"]
    words += ["--set", "batch=18"]
    command = [sys.executable, "-m", "mep3m", *map(str, words), "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + 120
        while not (out / "work" / "checkpoint.pt").exists() and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    assert (out / "work" / "checkpoint.pt").exists()
    assert not (out / "card.json").exists()
    other = ran(*words, "--objective", "supervised", "--out", out)
    assert other.code == 1
    assert "belongs to a run with other rows, settings or taxonomy" in other.err
    assert ran(*words, "--out", out).code == 1
    assert ran(*words, "--out", whole).code == 1
    assert card_of(out)["hash"] == card_of(whole)["hash"]
    assert not (out / "work" / "checkpoint.pt").exists()


def test_weights_of_timm_begin_a_pre_training(table: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "w.pth")
    done = learn(table, tmp_path / "out", "--weights", str(tmp_path / "w.pth"))
    assert done.code == 1, done.err
    assert done.json["start"]["source"] == "w.pth"
    assert done.json["training"]["learning_rate"] == 5e-4
