"""Write the reference pages from the code, or check that they are up to date.

Usage: python docs/generate.py [--check]
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import mep3m
from mep3m.cli import COMMANDS

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
WIDTH = 100
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


INTRO = """\
# Library

What `import mep3m` offers, for notebooks and scripts. The [notebook guide](../guide-notebook.md) shows
it at work; what is not listed here is internal and may change. Paths are `str` or `Path` (`PathLike`).
Where a frame is taken, it may be a pandas or polars frame, an Arrow table or batch, anything with
Arrow's C stream interface, a mapping of columns, a list of dicts, or a list of titles; results become a
frame of the caller's with `to_pandas`, `to_polars` or `to_arrow`.

The examples run as tests. In them, `rows` is a list of 60 dicts with the keys `title`, `kind`, `sort`
and `sku`, and `run` the folder of a classifier that was trained on it.
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def api_page() -> str:
    """Return every public name with its signature and its whole docstring."""
    things = {name: getattr(mep3m, name) for name in mep3m.__all__ if name != "errors"}
    functions = [name for name, thing in things.items() if inspect.isfunction(thing)]
    classes = [name for name in things if name not in functions]
    parts = [MADE, INTRO, "| function | what it does |\n|---|---|"]
    parts += [f"| [`{name}`](#{name}) | {first_line(things[name])} |" for name in functions]
    parts.append("\n| class | what it is |\n|---|---|")
    parts += [f"| [`{name}`](#{name.lower()}) | {first_line(things[name])} |" for name in classes]
    parts.append("")
    for name in functions:
        parts.append(f"## {name}\n\n{fenced(signature(node_of(things[name])))}\n\n{text(things[name])}\n")
    for name in classes:
        parts += [f"## {name}\n\n{fenced(fields_of(things[name]))}\n\n{text(things[name])}\n"]
        parts += list(members(things[name]))
    tree = inspect.getdoc(mep3m.errors) or ""
    parts.append(
        f"## errors\n\n`mep3m.errors` has every error that mep3m raises on purpose:\n\n```text\n{tree}\n```\n"
    )
    return "\n".join(parts)


def members(thing: type) -> Iterator[str]:
    """Yield one section for each public method and property of a class."""
    owner = node_of(thing)
    for node in owner.body:
        if not isinstance(node, Function) or node.name.startswith("_"):
            continue
        marks = {ast.unparse(mark) for mark in node.decorator_list}
        member = inspect.getattr_static(thing, node.name)
        member = getattr(member, "__func__", getattr(member, "fget", getattr(member, "func", member)))
        returns = ast.unparse(node.returns) if node.returns else "None"
        called = f"{node.name}: {returns}" if marks & {"property", "cached_property"} else signature(node)
        yield f"### {owner.name}.{node.name}\n\n{fenced(called)}\n\n{text(member)}\n"


def node_of(thing: Any) -> Any:
    """Return the syntax of a function or class."""
    tree = ast.parse(Path(inspect.getsourcefile(thing) or "").read_text(encoding="utf-8"))
    return next(node for node in tree.body if getattr(node, "name", None) == thing.__name__)


def signature(node: Function) -> str:
    """Return how a function is called, a line a parameter where it is long; `self` is left out."""
    arguments = node.args
    arguments.args = [one for one in arguments.args if one.arg not in ("self", "cls")]
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    line = f"{node.name}({ast.unparse(arguments)}){returns}"
    if len(line) <= WIDTH:
        return line
    split = re.split(r", (?=\*|\w+\b(?:: |=|$))", ast.unparse(arguments))
    return f"{node.name}(\n    " + ",\n    ".join(split) + f",\n){returns}"


def fields_of(thing: type) -> str:
    """Return the public fields of a class with their types, as its source declares them."""
    lines = [
        f"    {ast.unparse(node.target)}: {ast.unparse(node.annotation)}"
        for node in node_of(thing).body
        if isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_")
    ]
    return "\n".join([f"class {thing.__name__}:", *(lines or ["    ..."])])


def fenced(code: str, kind: str = "python") -> str:
    """Return a block of code."""
    return f"```{kind}\n{code}\n```"


def text(thing: Any) -> str:
    """Return a docstring as Markdown: errors as a list, examples as blocks."""
    parts = re.split(r"^(Raises|Example):\n", inspect.getdoc(thing) or "", flags=re.MULTILINE)
    shown = [re.sub(r"::$", ":", parts[0].strip(), flags=re.MULTILINE)]
    for head, body in zip(parts[1::2], parts[2::2], strict=True):
        plain = textwrap.dedent(body).strip("\n")
        if head == "Example":
            shown.append(fenced(plain, "pycon"))
        else:
            entries = re.findall(r"^(\w+): (.*(?:\n +.*)*)", plain, re.MULTILINE)
            shown.append(
                "Raises:\n\n" + "\n".join(f"- `{name}`: {' '.join(why.split())}" for name, why in entries)
            )
    return "\n\n".join(shown)


def first_line(thing: Any) -> str:
    """Return the first sentence of a docstring."""
    line = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return line.replace("|", "\\|")


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
