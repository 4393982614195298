"""`mep3m inspect`: one look at a catalogue file before any work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import json_option, print_json
from mep3m.sources.format_names import FORMATS

if TYPE_CHECKING:
    from mep3m.sources.inspection.column_kinds import Column
    from mep3m.sources.inspection.inspect import Inspection


@click.command(epilog="\b\nExample:\n  mep3m inspect shop.csv")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", type=click.Choice(tuple(FORMATS)), help="Default: what name and content say.")
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Rows to look at, from the first.",
)
@json_option
@click.pass_context
def inspect(ctx: click.Context, /, file: Path, rows: int, as_json: bool, **options: Any) -> None:
    """Say what the catalogue FILE is, what its columns look like, and which rows would be refused.

    Prints a column map to paste into mep3m.toml. Only the first rows are read, with bounded memory.
    Exit code 1: rows of the sample would be refused.
    """
    from mep3m.sources.inspection.inspect import inspect_file

    if options["format"] is None and (said := _taxonomy(file)):
        told = {"file": file.name, "format": "taxonomy", "kind": said[0], "version": said[1]}
        words = f"{file.name}: {said[0]}'s published taxonomy, version {said[1]}: no catalogue, but a target"
        print_json(told) if as_json else click.echo(f"{words}\n  mep3m align map SHOP --to {file} --out FILE")
        return
    inspection = inspect_file(file, options["format"], rows)
    if as_json:
        print_json(inspection.to_dict())
    else:
        click.echo("\n".join(_lines(inspection)))
    ctx.exit(1 if inspection.refused else 0)


def _taxonomy(file: Path) -> tuple[str, str] | None:
    """Return kind and version where the first line of a file says that it is a published taxonomy."""
    from mep3m.alignment.taxonomies.lines import first_line

    if not file.is_file():
        return None
    with file.open("rb") as start:
        return first_line(start.read(200).decode("utf-8-sig", "ignore"))


def _lines(inspection: Inspection) -> list[str]:
    settings = "".join(f", {key} {value!r}" for key, value in inspection.settings.items())
    size = f", {inspection.bytes:,} bytes" if inspection.bytes else ""
    lines = [f"{inspection.file}: {inspection.format}{settings}{size}", f"looked at {inspection.sampled}", ""]
    width = min(30, max([len(column.name) for column in inspection.columns], default=0))
    lines += [_column_line(column, width, inspection.rows_sampled) for column in inspection.columns]
    lines += ["", *(f"note: {note}" for note in inspection.notes)]
    lines.append(f"{inspection.refused:,} of {inspection.rows_sampled:,} rows would be refused")
    lines += [f"  line {one['line']}: {one['reason']}" for one in inspection.refusals]
    return [*lines, "", inspection.toml().rstrip()]


def _column_line(column: Column, width: int, rows: int) -> str:
    language = f" ({column.language})" if column.language else ""
    separator = f" by '{column.separator}'" if column.separator else ""
    kind = column.kind + language + separator
    counts = f"{column.filled:,} filled, {column.distinct:,} distinct"
    return f"  {column.name:<{width}}  {kind:<22} {counts:<34} {' | '.join(column.samples)}"
