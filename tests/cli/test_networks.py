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
def test_images_train_and_evaluate_from_a_table_with_the_default(modality: str, tmp_path: Path) -> None:
    data = str(table(tmp_path))
    columns = ["--title", "title", "--labels", "kind,name", "--image", "image", "--image-root", str(tmp_path)]
    out = str(tmp_path / "run")
    run("train", data, *columns, "--modality", modality, *SMALL, "--out", out)
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
