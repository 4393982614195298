"""The import contract: kept by the package as it is, and broken by each kind of import that it forbids."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def contracts(source: Path, folder: Path) -> str:
    """Return what import-linter says of the package in `source`; `folder` is empty and holds the contract."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    code = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def state(output: str) -> dict[str, str]:
    """Return KEPT or BROKEN by the name of a contract."""
    return dict(re.findall(r"^(.+?) (KEPT|BROKEN)(?: \(\d+ ignored imports\))?$", output, re.MULTILINE))


def test_the_package_keeps_every_contract(tmp_path: Path) -> None:
    found = state(contracts(ROOT / "src", tmp_path))
    assert len(found) == 4
    assert set(found.values()) == {"KEPT"}


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("settings/base.py", "import mep3m.store.store", "imports go down only"),
        ("store/rows.py", "from mep3m.engine import run", "imports go down only"),
        ("alignment/records.py", "import mep3m.alignment.review.sssom", "no circles between packages"),
        ("models/networks/build.py", "import mep3m.models.onnx.network", "no circles between packages"),
        ("stages/ocr/stage.py", "import mep3m.stages.quality.stage", "stages meet in the store"),
        ("stages/base.py", "import torch", "building a dataset never loads torch"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path, file: str, line: str, broken: str) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    changed = source / "mep3m" / file
    changed.write_text(f"{changed.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    found = state(contracts(source, tmp_path))
    assert [name for name, said in found.items() if said == "BROKEN" and name.startswith(broken)]


def test_a_package_that_no_layer_names_breaks_the_contract(tmp_path: Path) -> None:
    source = tmp_path / "src"
    shutil.copytree(ROOT / "src", source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "mep3m" / "attic").mkdir()
    (source / "mep3m" / "attic" / "__init__.py").write_text('"""Attic."""\n', encoding="utf-8")
    assert state(contracts(source, tmp_path))["imports go down only"] == "BROKEN"
