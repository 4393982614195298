"""`mep3m desk export` and `mep3m desk promise`: what people decided goes back into training, or proves."""

from __future__ import annotations

from pathlib import Path

import click

from mep3m.cli.desk.people import FOLDER
from mep3m.cli.shared import FILE, NEW_FILE, json_option, print_json
from mep3m.wording import counted


@click.command(epilog="Example: mep3m desk export run --to reviewed.tsv")
@click.argument("folder", type=FOLDER)
@click.option(
    "--to",
    required=True,
    type=NEW_FILE,
    help="Rows as the name says: .tsv, .csv, .xlsx, .parquet, .jsonl, or .json for Label Studio.",
)
@click.option(
    "--with", "beside", type=FILE, help="Table of training (.csv, .tsv): the new rows follow its own."
)
@click.option("--audit", is_flag=True, help="Write the audited rows instead, which no model should train on.")
@json_option
def export(folder: Path, to: Path, beside: Path | None, audit: bool, as_json: bool) -> None:
    """Write the reviewed products that people agree on, in the columns that training reads.

    With --with the rows of that table come first, and 'mep3m train' reads the result as it is. Products that
    wait, are in conflict or belong to no category are not written, and neither are audited ones: a model that
    has seen them proves nothing with them.
    """
    from mep3m.desk.outcome.training_rows import export as write
    from mep3m.desk.reviewing.reviewing import opened_reviewing

    with opened_reviewing(folder) as reviewing:
        rows = write(reviewing, to, beside, "audit" if audit else "review")
    if as_json:
        print_json({"rows": rows, "out": str(to)})
        return
    click.echo(f"{counted(rows, 'audited product' if audit else 'reviewed product')}: {to}")


@click.command(epilog="Example: mep3m desk promise run --precision 0.8 --out promise.json")
@click.argument("folder", type=FOLDER)
@click.option("--precision", type=float, default=0.95, show_default=True, help="Share of filings right.")
@click.option("--out", required=True, type=NEW_FILE, help="Where the promise goes, for 'assign --promise'.")
@json_option
def promise(folder: Path, precision: float, out: Path, as_json: bool) -> None:
    """Make the promise that the audit of the desk of FOLDER proves.

    The audited rows are written into desk/audit.tsv in FOLDER; 'mep3m guarantee' makes the same promise from
    them, and has more to choose. Rows that training has seen are refused.
    """
    from mep3m.desk.outcome.auditing import promise as make
    from mep3m.desk.reviewing.reviewing import opened_reviewing

    with opened_reviewing(folder) as reviewing:
        told = make(reviewing, precision, out)
    if as_json:
        print_json(told)
        return
    rows = counted(told["n"], "audited row proves", "audited rows prove")
    click.echo(f"{rows} {precision:g}: {told['coverage']:.1%} is filed: {out}")
