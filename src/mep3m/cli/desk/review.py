"""`mep3m review`: decide in a spreadsheet what waits at the desk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import click

from mep3m.cli.desk.people import FOLDER
from mep3m.cli.shared import FILE, NEW_FILE, json_option, print_json
from mep3m.errors import UsageError
from mep3m.wording import counted

#: lines that are told one by one
TOLD = 20


@click.group()
def review() -> None:
    """Decide in a spreadsheet what waits at the desk: export, fill in, import."""


@review.command("export", epilog="Example: mep3m review export run todo.xlsx")
@click.argument("folder", type=FOLDER)
@click.argument("to", type=NEW_FILE)
@click.option("--limit", type=click.IntRange(1), default=5000, show_default=True, help="Rows at most.")
@json_option
def export_sheet(folder: Path, to: Path, limit: int, as_json: bool) -> None:
    """Write what waits for review at the desk of FOLDER as a workbook (.xlsx), or as .csv or .tsv.

    Each row has a product and what the model suggests; in a workbook also its picture, and a list of all
    categories to choose from. Give every person a copy.
    """
    from mep3m.desk.outcome.sheet import write_sheet
    from mep3m.desk.reviewing.reviewing import opened_reviewing

    with opened_reviewing(folder) as reviewing:
        rows = write_sheet(reviewing, to, limit)
    if as_json:
        print_json({"rows": rows, "out": str(to)})
        return
    waiting = counted(rows, "product waits", "products wait")
    click.echo(f"{waiting}: {to}; fill in the column 'category', then 'mep3m review import'")


@review.command("import", epilog="Example: mep3m review import run anna.csv")
@click.argument("folder", type=FOLDER)
@click.argument("files", type=FILE, nargs=-1, required=True)
@click.option("--person", help="Who filled it in. Default: the name of each file.")
@json_option
def import_sheets(folder: Path, files: tuple[Path, ...], person: str | None, as_json: bool) -> None:
    """Take in filled-in sheets (.xlsx, .csv, .tsv), each as the decisions of one person.

    What was taken in before and has not changed adds nothing. A value that is no category is refused with its
    cell, and the rest is recorded. Exit code 1 where something was refused, or people disagree.
    """
    from mep3m.desk.outcome.agreement import conflicts
    from mep3m.desk.outcome.sheet import read_filled
    from mep3m.desk.reviewing.log import Signed
    from mep3m.desk.reviewing.reviewing import opened_reviewing

    if person is not None and len(files) > 1:
        raise UsageError(
            "--person names who filled in one file; import the files one by one, or leave it out"
        )
    refused: list[str] = []
    recorded: dict[str, int] = {}
    with opened_reviewing(folder) as reviewing:
        # all are read before one is recorded: a file that is no sheet leaves the others for the next try
        for file, (said, problems) in [(file, read_filled(file, reviewing)) for file in files]:
            name = person or file.stem
            mark = hashlib.sha256(file.read_bytes() + name.encode()).hexdigest()[:16]
            batch = f"{mark} {reviewing.log.of_person(name)}"
            count = reviewing.log.record_new(said, Signed(name, batch, f"sheet {file.name}"))
            recorded[name] = recorded.get(name, 0) + count
            refused += problems
        disagreed = conflicts(reviewing)
    if as_json:
        print_json({"recorded": recorded, "refused": refused, "conflicts": disagreed})
    else:
        _tell(recorded, refused, disagreed)
    if refused or disagreed:
        raise click.exceptions.Exit(1)


def _tell(recorded: dict[str, int], refused: list[str], disagreed: list[dict[str, Any]]) -> None:
    for name, count in recorded.items():
        click.echo(f"{name}: {counted(count, 'new decision')}")
    _list(f"{counted(len(refused), 'cell was', 'cells were')} refused", refused)
    from mep3m.desk.outcome.sheet import WORDS

    lines = [
        f"'{one['own_id']}' {one['title'] or ''}: "
        + ", ".join(
            f"{said['person']} says {said['category'] or WORDS[said['verdict']]}" for said in one["said"]
        )
        for one in disagreed
    ]
    _list(
        f"on {counted(len(lines), 'product')} people disagree; an admin decides at /review/conflicts", lines
    )


def _list(title: str, lines: list[str]) -> None:
    if lines:
        click.echo(title, err=True)
    for line in lines[:TOLD]:
        click.echo(f"  {line}", err=True)
    if len(lines) > TOLD:
        click.echo(f"  and {len(lines) - TOLD:,} more (--json lists all)", err=True)
