"""`mep3m align`: propose links between categories, score them, review and apply them."""

from __future__ import annotations

import importlib

import click

from mep3m.errors import did_you_mean

#: command name -> its module
COMMANDS: dict[str, str] = {
    "apply": "apply",
    "diff": "tree",
    "edit": "tree",
    "export": "export",
    "migrate": "review",
    "propose": "propose",
    "redo": "review",
    "remap": "tree",
    "review": "review",
    "score": "propose",
    "undo": "review",
}
#: names of an earlier version that still work, and what they are called now
OLD_NAMES: dict[str, str] = {"carry": "migrate", "follow": "remap"}


class AlignGroup(click.Group):
    """The family's commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return one command, imported if need be."""
        name = OLD_NAMES.get(cmd_name, cmd_name)
        if name not in COMMANDS:
            raise click.UsageError(f"no command 'align {cmd_name}'{did_you_mean(cmd_name, COMMANDS)}")
        module = importlib.import_module(f"mep3m.cli.align.{COMMANDS[name]}")
        command: click.Command = getattr(module, name)
        return command


@click.group(
    cls=AlignGroup,
    epilog="\b\nExample:\n  mep3m align propose --left shop1.tsv --right shop2.tsv --out links.sssom.tsv",
)
def align() -> None:
    """Align the category trees of several platforms, with evidence and a person's decisions."""
