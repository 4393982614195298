"""What every command shares: JSON output, and the choice of engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
import orjson

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines.")


def print_json(value: Any) -> None:
    """Print `value` as one JSON document on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(value, option=options).decode())


def engine_options(command: F) -> F:
    """Add `--workers` and `--engine` to a command."""
    workers = click.option("--workers", default=2, show_default=True, help="Processes that work at once.")
    engine = click.option("--engine", default="local", show_default=True, help="Where work runs: local, ray.")
    return workers(engine(command))
