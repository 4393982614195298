"""Write the reference pages from the code, or check that they are up to date.

Usage: python docs/generate.py [--check]
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from mep3m.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "mep3m"
REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- made by docs/generate.py; do not edit -->\n"


def cli_page() -> str:
    """Return the help of every command."""
    parts = [MADE, "# Command line\n"]
    for name, (module, _) in sorted(COMMANDS.items()):
        command: click.Command = getattr(importlib.import_module(module), name.replace("-", "_"))
        parts += list(command_help(f"mep3m {name}", command, click.Context(click.Group("mep3m"))))
    return "\n".join(parts)


def command_help(path: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    """Yield the help of a command and of its subcommands."""
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    context.help_option_names = ["-h", "--help"]
    yield f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from command_help(f"{path} {name}", below, context)


def api_page() -> str:
    """Return every public class and function with its signature and the first line of its docstring."""
    parts = [MADE, "# Library\n", "Layers from the top down; a module may import only from layers below.\n"]
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lines = list(members(tree))
        if path.parts[-2] == "cli" or not lines:
            continue
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        parts += [f"## {module}\n", first_line(tree) + "\n", *lines, ""]
    return "\n".join(parts)


def members(tree: ast.Module | ast.ClassDef, owner: str = "") -> Iterator[str]:
    """Yield one list item for each public name."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield f"- **`{node.name}`** {first_line(node)}"
            yield from members(node, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
            indent = "  " if owner else ""
            signature = f"{owner}{node.name}({ast.unparse(node.args)}){returns}"
            yield f"{indent}- `{signature}` {first_line(node)}"


def first_line(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the first line of a docstring."""
    return (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ")


def main() -> None:
    """Write or check the pages."""
    stale = []
    for name, text in {"cli.md": cli_page(), "api.md": api_page()}.items():
        page = REFERENCE / name
        if "--check" in sys.argv:
            if not page.exists() or page.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f"out of date: {', '.join(stale)}; run: python docs/generate.py")


if __name__ == "__main__":
    main()
