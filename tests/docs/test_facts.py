"""What the pages say about the code is so: layers, tables of names, places to add things, states."""

import importlib
import re
import tomllib
from pathlib import Path

import click
import pytest

from mep3m.cli import COMMANDS, cli
from mep3m.engine import ENGINES
from mep3m.settings.ocr import OcrSettings
from mep3m.settings.project import Project
from mep3m.sources.format_names import FORMATS
from mep3m.stages.ocr.backends import BACKENDS
from mep3m.store.ledger import COLUMNS
from mep3m.training.registry import MODELS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src" / "mep3m"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_layers_of_the_page_are_those_that_a_machine_checks() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    checked = [set(map(str.strip, layer.split("|"))) for layer in contract["layers"]]
    block = page("architecture.md").split("```text\n")[1].split("```")[0]
    drawn = [
        set(re.split(r"\s+\|\s+", re.split(r"\s{2,}", line.strip())[0]))
        for line in block.splitlines()
        if line.strip()
    ]
    shown = {name for layer in drawn for name in layer}
    assert shown <= {name for layer in checked for name in layer}
    rank = {name: place for place, layer in enumerate(checked) for name in layer}
    assert all(len({rank[name] for name in layer}) == 1 for layer in drawn)
    places = [max(rank[name] for name in layer) for layer in drawn]
    assert places == sorted(places)
    folders = {path.stem for path in PACKAGE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert folders - shown == {"simulator"}  # it makes shops, and is no part of the road


def test_where_to_add_things_names_files_and_tables_that_there_are() -> None:
    rows = re.findall(r"^\| (an? [\w ]+) \| (.+?) \| (.+?) \|$", page("architecture.md"), re.MULTILINE)
    assert len(rows) == 6
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    for _, _, line in rows:
        for name in re.findall(r"`([A-Z]+)`", line):
            assert re.search(rf"^{name}\b.*=", source, re.MULTILINE), name
        for file in re.findall(r"`(\w+/[\w/]+\.py)`", line):
            assert (PACKAGE / file).exists(), file


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z-]+)(?: [a-z, ]+)?`", text)) | set(re.findall(r"mep3m ([a-z-]+)", text))
    named |= {word for span in re.findall(r"`([^`]+)`", text) for word in re.split(r"[`, ]+", span)}
    missing = set(COMMANDS) - named - {"export-onnx", "demo"}
    assert missing == set()
    assert "make demo" in text


def test_the_formats_of_the_guide_are_all_there_are() -> None:
    table = page("guide-ingest.md").split("## Formats")[1].split("## Images")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for cell in first for name in re.findall(r"`([a-z0-9][a-z0-9-]*)`", cell)} == set(FORMATS)


def test_the_columns_of_the_ledger_are_those_of_the_guide() -> None:
    table = page("guide-ingest.md").split("## What became of each row")[1]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = [name for cell in first for name in re.findall(r"`(\w+)`", cell)]
    assert named == COLUMNS.split(", ")


def test_the_models_of_the_guides_are_all_there_are() -> None:
    text = page("guide-train-networks.md") + page("guide-train.md")
    assert [name for name in MODELS if f"`{name}`" not in text] == []


def test_the_readers_of_the_guide_are_all_there_are() -> None:
    text = page("guide-ocr.md")
    assert all(name in text for name in BACKENDS if name != "none")
    assert OcrSettings().backend in BACKENDS


def test_engines_and_sections_of_a_project_are_named_somewhere() -> None:
    every = "\n".join(path.read_text(encoding="utf-8") for path in [*DOCS.glob("*.md"), ROOT / "README.md"])
    assert all(name.lower() in every.lower() for name in ENGINES)
    sections = set(Project.model_fields) - {"name", "ocr_pool"}
    assert {name for name in sections if name not in every} == set()


@pytest.mark.parametrize("path", sorted(DOCS.glob("decisions/*.md")), ids=lambda path: path.stem)
def test_a_decision_is_numbered_and_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(f"# {path.name[:3]} ")
    assert 4 <= len(lines) <= 30


def test_decisions_have_one_number_each() -> None:
    numbers = [path.name[:3] for path in DOCS.glob("decisions/*.md")]
    assert len(numbers) == len(set(numbers))


def test_the_files_that_decisions_and_guides_name_are_there() -> None:
    for path in [*DOCS.glob("decisions/*.md"), *DOCS.glob("*.md")]:
        text = path.read_text(encoding="utf-8")
        for file in re.findall(r"`((?:tests|bench|docs|examples)/[\w./-]+\.(?:py|md|sh|json))`", text):
            assert (ROOT / file).exists(), (path.name, file)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_options_that_the_reference_lists_are_those_of_the_command(name: str) -> None:
    """The page is generated; this reads it as a user does."""
    module = importlib.import_module(COMMANDS[name][0])
    command: click.Command = getattr(module, name.replace("-", "_"))
    part = page("reference/cli.md").split(f"## mep3m {name}\n")[1].split("\n## ")[0]
    for option in (one for one in command.params if isinstance(one, click.Option)):
        assert max(option.opts, key=len) in part
    assert cli.name
