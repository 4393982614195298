"""What every command shares: JSON output, the choice of engine, options with an earlier spelling."""

from __future__ import annotations

import getpass
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
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


class FiniteRange(click.FloatRange):
    """A number in a range; `nan` is none, though neither below nor above anything, and `inf` is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number in the range {self._describe_range()}.", param, ctx)
        return number


class Share(FiniteRange):
    """A number from 0 to `most`, or between them."""

    def __init__(self, most: float = 1, *, min_open: bool = False, max_open: bool = False) -> None:
        super().__init__(0, most, min_open=min_open, max_open=max_open)


class RenamedOption(click.Option):
    """An option whose spellings of an earlier version still work, without being listed in `--help`."""

    def __init__(self, decls: Sequence[str], *, old: Sequence[str], **attributes: Any) -> None:
        super().__init__(decls, **attributes)
        self.old = tuple(old)

    @property
    def _old_name(self) -> str:
        """Where click's parser puts a value that was given under an old spelling."""
        return f"{self.name} (earlier spelling)"

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser know both spellings, apart from each other."""
        super().add_to_parser(parser, ctx)
        parser.add_option(self, list(self.old), dest=self._old_name, action="store", nargs=self.nargs)

    def consume_value(
        self, ctx: click.Context, opts: Mapping[str, Any]
    ) -> tuple[Any, click.core.ParameterSource]:
        """Return the value under whichever spelling it was given.

        Raises:
            click.UsageError: it was given under both.
        """
        if self._old_name not in opts:
            return super().consume_value(ctx, opts)
        if self.name in opts:
            raise click.UsageError(
                f"{self.old[0]} is an earlier name of {self.opts[0]}; give {self.opts[0]} alone", ctx
            )
        return opts[self._old_name], click.core.ParameterSource.COMMANDLINE


def renamed_option(*decls: str, old: str | Sequence[str], **attributes: Any) -> Callable[[F], F]:
    """Return a click option that also takes the spellings `old` of an earlier version, unlisted."""
    olds = (old,) if isinstance(old, str) else old
    return click.option(*decls, cls=RenamedOption, old=olds, **attributes)


class DefaultGroup(click.Group):
    """A group whose first word may be an argument: then it is that of the command `default`."""

    def __init__(self, *given: Any, default: str, **attributes: Any) -> None:
        super().__init__(*given, **attributes)
        self.default = default

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Put the default command before a first word that is none."""
        return super().resolve_command(ctx, args if args[0] in self.commands else [self.default, *args])


#: types of the options that name what is read, and of those that say where a result goes
FILE = click.Path(path_type=Path)
NEW_FILE = Place(dir_okay=False, writable=True)
NEW_FOLDER = Place(file_okay=False, writable=True)

#: `settings.sources.TableFormat`, written out so that `--help` needs no pydantic
TABLE_FORMATS = ("csv", "tsv", "jsonl", "parquet")

format_option = click.option(
    "--format", type=click.Choice(TABLE_FORMATS), help="Format of a table whose name does not say it."
)
encoding_option = click.option(
    "--encoding", help="Encoding of a text table. Default: UTF-8, UTF-16 or GB18030 where it is sure."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object for machines.")


def print_json(value: Any) -> None:
    """Print `value` as one JSON document on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(value, option=options))  # bytes: UTF-8 on every terminal


def given_options(options: Mapping[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the options that the caller gave a value, of those named, or of all."""
    chosen = options if names is None else names
    return {name: options[name] for name in chosen if options.get(name) is not None}


def given_by_user(name: str) -> bool:
    """Return whether the user wrote this option of the command that runs."""
    source = click.get_current_context().get_parameter_source(name)
    return source is not None and source is not click.core.ParameterSource.DEFAULT


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


def address_options(command: F) -> F:
    """Add `--host` and `--port` to a command that listens."""
    host = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
    port = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=8000,
        show_default=True,
        help="Port to listen on; 0 takes a free one.",
    )
    return host(port(command))


#: the column with the platform (Tmall, JD, an own shop) that a product comes from
platform_option = renamed_option(
    "--platform", old="--shop", help="Column with the platform that a product comes from."
)


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
        platform_option,
        format_option,
        encoding_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def given_columns(options: dict[str, Any], data: Path) -> dict[str, Any]:
    """Return the columns of the table `data` that the caller named, as fields of `settings.sources.Columns`.

    Raises:
        UsageError: columns are named, but `data` is a store.
    """
    given = {
        "id" if key == "id_column" else key: options[key]
        for key in ("title", "path", "image", "ocr", "id_column", "platform")
        if options.get(key)
    }
    labels = tuple(name.strip() for name in options.get("labels", "").split(",") if name.strip())
    given = {**given, "labels": labels} if labels else given
    if given and data.is_dir():
        raise UsageError(
            f"{data} is a folder, and columns can be named for a table only; leave out: {', '.join(given)}"
        )
    return given
