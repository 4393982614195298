"""Run a command as a person does, in this process: exit code, what was printed, never a traceback."""

import json
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from mep3m.cli import main


@dataclass(frozen=True)
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def ran(*arguments: object, text: str | None = None) -> Ran:
    """Run `mep3m` with these arguments; an error that `main` does not catch fails the test."""
    import click

    @click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    def whole(rest: tuple[str, ...]) -> None:
        import sys

        before, sys.argv = sys.argv, ["mep3m", *rest]
        try:
            main()
        finally:
            sys.argv = before

    result = CliRunner().invoke(whole, ["--", *map(str, arguments)], input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)
