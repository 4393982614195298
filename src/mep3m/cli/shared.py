"""What every command shares: JSON output, and the choice of engine."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from mep3m.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


class Place(click.Path):
    """Where a result goes: refused before any work where it cannot be written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; its nearest existing parent must be a folder that can be written to."""
        place = Path(os.fsdecode(super().convert(value, param, ctx)))
        parent = next((one for one in place.absolute().parents if one.exists()), Path("/"))
        if not parent.is_dir():
            self.fail(f"'{place}' cannot be made: '{parent}' is a file.", param, ctx)
        if not place.exists() and not os.access(parent, os.W_OK):
            self.fail(f"'{place}' cannot be made: '{parent}' cannot be written to.", param, ctx)
        return place


#: types of the options that name what is read, and of those that say where a result goes
FILE = click.Path(path_type=Path)
NEW_FILE = Place(dir_okay=False, writable=True)
NEW_FOLDER = Place(file_okay=False, writable=True)

#: `settings.sources.TableFormat`, written out so that `--help` needs no pydantic
TABLE_FORMATS = ("csv", "tsv", "jsonl", "parquet")

format_option = click.option(
    "--format", type=click.Choice(TABLE_FORMATS), help="Format of a table whose name does not say it."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines.")


def print_json(value: Any) -> None:
    """Print `value` as one JSON document on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(value, option=options))  # bytes: UTF-8 on every terminal


def now() -> str:
    """Return the date and time of this moment, to the second, as logs and decisions carry it."""
    return datetime.now().isoformat(timespec="seconds")


def login_name() -> str:
    """Return who is at the keyboard; a container may run as a user id that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def engine_options(command: F) -> F:
    """Add `--workers` and `--engine` to a command."""
    workers = click.option("--workers", default=2, show_default=True, help="Processes that work at once.")
    engine = click.option("--engine", default="local", show_default=True, help="Where work runs: local, ray.")
    return workers(engine(command))


def column_options(command: F) -> F:
    """Add the options that say which column of a table holds what; `given_columns` reads them."""
    options = [
        click.option("--title", help="Column with the title."),
        click.option("--labels", default="", help="Label columns, coarse to fine, joined by commas."),
        click.option("--path", help="Instead of --labels: one column with the whole path ('a > b > c')."),
        click.option("--image", help="Column with the image file."),
        click.option(
            "--image-root", type=click.Path(path_type=Path), help="Folder the image files are relative to."
        ),
        click.option("--ocr", help="Column with the text read in the image."),
        click.option("--id", "id_column", help="Column with the product id."),
        click.option("--shop", help="Column with the shop or platform."),
        format_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def given_columns(options: dict[str, Any], data: Path) -> dict[str, Any]:
    """Return the columns of the table `data` that the caller named, as fields of `settings.sources.Columns`.

    Raises:
        UsageError: columns are named, but `data` is a store.
    """
    names = {"id_column": "id", "shop": "source"}
    found = {
        names.get(key, key): options[key]
        for key in ("title", "path", "image", "ocr", "id_column", "shop")
        if options.get(key)
    }
    labels = tuple(name.strip() for name in options.get("labels", "").split(",") if name.strip())
    found = {**found, "labels": labels} if labels else found
    if found and data.is_dir():
        raise UsageError(f"{data} is a folder; columns are named of tables only ({', '.join(found)})")
    return found
