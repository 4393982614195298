"""What pages print can be typed: every command, option and choice; every import; every file of benches.

`test_examples.py` runs the `console` blocks. The other commands need real data or much time: they are
read here as the command line reads them, and not run.
"""

import ast
import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from mep3m.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "reference"),
]
#: what stands for something that the reader fills in
LEFT_OUT = ("...", "…")


def command_lines(page: Path) -> list[str]:
    """Return the commands of a page: lines that begin with the program, and code within a sentence."""
    text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
    lines = re.findall(r"^(?:\$ |    )?(mep3m [a-z].*?)(?:\s+#.*)?$", text, re.MULTILINE)
    spans = re.findall(r"`(mep3m [a-z][^`]* --?[a-z][^`]*)`", text.replace("\n", " "))
    return [line for line in (*lines, *spans) if line.split()[1] in cli.list_commands(click.Context(cli))]


COMMANDS = [(page, line) for page in PAGES for line in command_lines(page)]


def parse(words: list[str]) -> None:
    """Read a command as the command line does, down to the command that would run."""
    context, command = click.Context(cli), cli
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None
        context, command = click.Context(found, info_name=name, parent=context), found
        if isinstance(command, click.Group) and not words:
            return
    command.parse_args(context, words)


def test_the_pages_show_many_commands() -> None:
    assert len(COMMANDS) > 50
    assert {page.name for page, _ in COMMANDS} >= {"README.md", "guide-train.md", "guide-ingest.md"}


@pytest.mark.parametrize(
    ("page", "line"), COMMANDS, ids=[f"{page.stem}: {line[:70]}" for page, line in COMMANDS]
)
def test_a_printed_command_is_one_that_there_is(page: Path, line: str) -> None:
    words = shlex.split(line)[1:]
    words = words[: next((n for n, word in enumerate(words) if word in (">", "|", "&&")), len(words))]
    short = any(mark in words for mark in LEFT_OUT)
    try:
        parse([word for word in words if word not in LEFT_OUT])
    except click.exceptions.Exit:
        assert "--help" in words  # it was asked for, and shown
    except (click.MissingParameter, click.BadOptionUsage):
        # a name in a sentence, or a line with dots, leaves out what the reader fills in
        assert short or f"`{line}`" in re.sub(r"\s+", " ", page.read_text(encoding="utf-8")), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_on_a_page_is_python_and_its_imports_are_there(page: Path) -> None:
    for block in re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    ):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mep3m"):
                module = importlib.import_module(str(node.module))
                missing = [name.name for name in node.names if not hasattr(module, name.name)]
                assert not missing, f"{node.module} has no {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_benches_decisions_and_project_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for module in re.findall(r"python -m (bench\.[a-z_.]+)", text):
        assert (ROOT / f"{module.rstrip('.').replace('.', '/')}.py").exists(), module
    for path in re.findall(
        r"`((?:bench|scripts|tests|examples|docs)/[\w./-]+\.(?:py|md|toml|json|tsv|svg))`", text
    ):
        assert (ROOT / path).exists(), path
    for number in re.findall(r"decisions? (\d{3})", text):
        assert list((ROOT / "docs" / "decisions").glob(f"{number}-*.md")), number
