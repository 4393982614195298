"""The notebook guide runs: every Python block, in order, in one namespace and an empty folder."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

import mep3m

PAGE = Path(__file__).parents[2] / "docs" / "guide-notebook.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def missing(block: str) -> list[str]:
    """Return the frame packages that a block imports and this machine does not have."""
    named = re.findall(r"^import (pandas|polars)\b", block, re.MULTILINE)
    return [name for name in named if importlib.util.find_spec(name) is None]


def test_every_block_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(BLOCKS) > 8
    for number, block in enumerate(BLOCKS):
        if not missing(block):
            exec(compile(block, f"block {number} of {PAGE.name}", "exec"), names)
    said = capsys.readouterr().out
    assert "the frame has no column 'nam' (did you mean 'name'?" in said
    assert "to review" in said
    assert (tmp_path / "links.sssom.tsv").exists()


def test_every_public_function_is_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    functions = (
        "load",
        "load_run",
        "train",
        "build",
        "simulate",
        "propose",
        "score_proposals",
        "ingest_catalogue",
    )
    assert [name for name in functions if f"mep3m.{name}(" not in text] == []


def test_the_reference_is_one_page_about_the_public_names() -> None:
    page = (PAGE.parent / "reference" / "api.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == sorted(mep3m.__all__)
    members = re.findall(r"^### (\w+)\.(\w+)$", page, re.MULTILINE)
    assert ("TrainedRun", "predict") in members
    assert [member for owner, member in members if owner not in mep3m.__all__ or member.startswith("_")] == []
    assert page.count("```pycon") >= 10
