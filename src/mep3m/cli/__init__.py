"""The command line: parse, call, print. Everything a command does, the library does.

Commands load on first use, so that `mep3m --help` imports none of the heavy packages. To add one,
write a module with a click command and add its line to `COMMANDS`.
"""

from __future__ import annotations

import importlib
import io
import sys

import click

from mep3m import __version__
from mep3m.errors import Mep3mError, UsageError, did_you_mean, of_system

#: command name -> (module, one line of help)
COMMANDS: dict[str, tuple[str, str]] = {
    "align": ("mep3m.cli.align", "Align the categories of shops: propose, review, apply, score."),
    "assign": ("mep3m.cli.filing.assign", "File new products with a trained classifier."),
    "build": ("mep3m.cli.building.build", "Run every stage of a project file into one dataset."),
    "checkout": ("mep3m.cli.checkout", "Count products at a checkout, from a few pictures of each."),
    "dedupe": ("mep3m.cli.building.dedupe", "Find duplicates of a product in a store."),
    "demo": ("mep3m.cli.building.build", "Simulate two shops, build, train, and report."),
    "desk": ("mep3m.cli.desk", "Open the pages on which people look and decide."),
    "embed": ("mep3m.cli.learning.embed", "Products as vectors, by their titles and pictures."),
    "evaluate": ("mep3m.cli.learning.evaluate", "Score a trained classifier on a labelled table."),
    "export": ("mep3m.cli.dataset.export", "Write a dataset as MEP-3M's annotation file."),
    "export-onnx": ("mep3m.cli.learning.train", "Write a trained network as an ONNX file."),
    "guarantee": ("mep3m.cli.filing.guarantee", "Prove how often filing is right, before it is switched on."),
    "ingest": ("mep3m.cli.building.ingest", "Read a catalogue into a store."),
    "inspect": (
        "mep3m.cli.building.inspect",
        "Look at a catalogue file: columns, a map, what would be refused.",
    ),
    "keys": ("mep3m.cli.serving.keys", "Keys that open a service: add, list, remove."),
    "learn": ("mep3m.cli.learning.learn", "Teach a trained classifier new classes from a few products."),
    "ocr": ("mep3m.cli.building.ocr", "Read the text in images."),
    "pretrain": ("mep3m.cli.learning.pretrain", "Let an encoder learn from a product dataset."),
    "represent": (
        "mep3m.cli.learning.represent",
        "What a representation is worth where new products have a few pictures each.",
    ),
    "retry": ("mep3m.cli.building.ingest", "Try again what failed, and only that."),
    "review": ("mep3m.cli.desk.review", "Decide in a spreadsheet what waits at the desk."),
    "serve": ("mep3m.cli.serving.serve", "Serve a trained classifier over HTTP."),
    "simulate": ("mep3m.cli.building.simulate", "Draw the catalogues of invented shops with a known truth."),
    "split": ("mep3m.cli.learning.train", "Split a dataset into train and test, duplicates together."),
    "stats": ("mep3m.cli.dataset.stats", "Statistics of a dataset and their report."),
    "status": ("mep3m.cli.building.ingest", "What is done, dropped, failed and waiting in a store."),
    "train": ("mep3m.cli.learning.train", "Train a classifier on a table or a dataset."),
    "watch": ("mep3m.cli.filing.watch", "Audit what is filed, and take back what is worse than promised."),
}


class LazyGroup(click.Group):
    """A click group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            raise click.UsageError(f"no command '{cmd_name}'{did_you_mean(cmd_name, COMMANDS)}")
        module = importlib.import_module(COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        rows = [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mep3m")
def cli() -> None:
    """Turn several shops' product catalogues into one labelled dataset, and classify with it.

    Exit codes: 0 done; 1 finished, but a row, an image or a decision was refused, or it could not be
    finished; 2 wrong use; 130 stopped with Ctrl-C.
    """


def main() -> None:
    """Run the command line; errors raised on purpose print one message and no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without Chinese shows escapes instead
            stream.reconfigure(errors="backslashreplace")
    strange = [word for word in sys.argv[1:] if any("\ud800" <= character <= "\udfff" for character in word)]
    if strange:  # bytes that Python could not decode
        _stop(UsageError(f"{strange[0]!a} is not UTF-8; rename the file, names are kept as text"))
    try:
        # click returns the code of `ctx.exit` here instead of raising it; commands return nothing else
        if code := cli(standalone_mode=False):
            sys.exit(code)
    except click.Abort:
        click.echo("stopped; run the same command again to go on", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except Mep3mError as error:
        _stop(error)
    except OSError as error:
        _stop(of_system(error))


def _stop(error: Mep3mError) -> None:
    """Print an error and end: 2 where the command was used wrongly, else 1."""
    click.echo(f"error: {error}", err=True)
    sys.exit(2 if isinstance(error, UsageError) else 1)
