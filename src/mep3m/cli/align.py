"""`mep3m align`: propose links between categories, score them, review and apply them."""

from __future__ import annotations

import importlib

import click

from mep3m.errors import did_you_mean

#: command name -> (module, one line of help); `review` and what follows live in align_review.py
COMMANDS: dict[str, tuple[str, str]] = {}


class AlignGroup(click.Group):
    """The family's commands; those of other modules are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted([*self.commands, *COMMANDS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one command, imported if need be."""
        if cmd_name in COMMANDS:
            module = importlib.import_module(COMMANDS[cmd_name][0])
            command: click.Command = getattr(module, cmd_name.replace("-", "_"))
            return command
        if cmd_name not in self.commands:
            raise click.UsageError(
                f"no command 'align {cmd_name}'{did_you_mean(cmd_name, self.list_commands(ctx))}"
            )
        return self.commands[cmd_name]


@click.group(
    cls=AlignGroup,
    epilog="\b\nExample:\n  mep3m align propose --left shop1.tsv --right shop2.tsv --out links.sssom.tsv",
)
def align() -> None:
    """Align the category trees of several platforms, with evidence and a person's decisions."""
