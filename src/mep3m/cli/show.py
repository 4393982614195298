"""What every command shares: JSON or plain output, and a progress bar that fits the output."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import click
import orjson
from tqdm import tqdm

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines.")


def print_json(value: Any) -> None:
    """Print `value` as one JSON document on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(value, option=options).decode())


def progress(items: Iterable[T], total: int | None, unit: str, label: str) -> Iterator[T]:
    """Yield `items` while showing count, rate and ETA on standard error.

    On a terminal this is a bar; elsewhere it is a plain line every ten seconds.
    """
    terminal = sys.stderr.isatty()
    yield from tqdm(
        items,
        total=total,
        unit=unit,
        desc=label,
        file=sys.stderr,
        mininterval=0.2 if terminal else 10.0,
        ascii=not terminal,
        dynamic_ncols=terminal,
        disable=None if terminal else False,
    )
