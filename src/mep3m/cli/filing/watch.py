"""`mep3m watch`: audit a share of what is filed, take back branches that are worse than promised."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import FILE, NEW_FILE, Share, json_option, print_json

if TYPE_CHECKING:
    from mep3m.recipes.filing.watch import Watch

ANSWERS = click.argument("answers", nargs=-1, required=True, type=FILE)
RUN = click.option("--run", type=click.Path(path_type=Path), help="The run, where it is not where it was.")


@click.group()
def watch() -> None:
    """Watch what 'assign --promise' files: draw, record, status, undo, drift.

    A share of what is filed is drawn for audit. A test that may be looked at any time bets against the
    promise; a branch that loses falls back to what lies above it, until there is a new proof.
    """


@watch.command(epilog="Example: mep3m watch draw promise.json filed.jsonl --out audit.csv")
@click.argument("promise", type=FILE)
@ANSWERS
@click.option("--out", required=True, type=NEW_FILE, help="Table to fill in, a .csv file.")
@click.option(
    "--share",
    type=Share(min_open=True),
    default=0.02,
    show_default=True,
    help="Share of filings that are drawn.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws other filings.")
@RUN
@json_option
def draw(
    promise: Path,
    answers: tuple[Path, ...],
    out: Path,
    share: float,
    seed: int,
    run: Path | None,
    as_json: bool,
) -> None:
    """Draw filings in ANSWERS (.jsonl or .parquet of 'assign') for people to check.

    People write yes or no into the column 'right'. Whether a filing is drawn depends on its id and the seed
    alone; what was drawn before is not drawn again.
    """
    told = _opened(promise, run).draw(answers, out, share, seed)
    if as_json:
        print_json(told)
    else:
        before = f" ({told['drawn_before']:,} before)" if told["drawn_before"] else ""
        click.echo(f"{told['drawn']:,} of {told['filed']:,} filings drawn{before}: {out}")


@watch.command(epilog="Example: mep3m watch record promise.json audit.csv")
@click.argument("promise", type=FILE)
@click.argument("audited", type=FILE)
@RUN
@json_option
def record(promise: Path, audited: Path, run: Path | None, as_json: bool) -> None:
    """Take in the table AUDITED, test the promise, and take back what lost.

    Exit code 1 where a branch has fallen back. It stays so for this promise: make a new one with 'mep3m
    guarantee' to file in it again.
    """
    _print_status(_opened(promise, run).record(audited), as_json)


@watch.command(epilog="Example: mep3m watch status promise.json --json")
@click.argument("promise", type=FILE)
@RUN
@json_option
def status(promise: Path, run: Path | None, as_json: bool) -> None:
    """Say what was audited and what that proves; exit code 1 where a branch has fallen back."""
    _print_status(_opened(promise, run).status(), as_json)


@watch.command(epilog="Example: mep3m watch undo promise.json --out undo.csv")
@click.argument("promise", type=FILE)
@click.option("--out", required=True, type=NEW_FILE, help="Table of the filings, a .csv file.")
@RUN
@json_option
def undo(promise: Path, out: Path, run: Path | None, as_json: bool) -> None:
    """List the filings in branches that fell back, of all files that were drawn from."""
    count = _opened(promise, run).undo(out)
    if as_json:
        print_json({"filings": count, "out": str(out)})
    else:
        click.echo(f"{count:,} filings to undo: {out}")


@watch.command(epilog="Example: mep3m watch drift promise.json filed.jsonl")
@click.argument("promise", type=FILE)
@ANSWERS
@RUN
@json_option
def drift(promise: Path, answers: tuple[Path, ...], run: Path | None, as_json: bool) -> None:
    """Say by how much the products in ANSWERS differ from those audited for the promise.

    Words, lengths, platforms, how sure the model is, and sizes and brightness of the pictures that it reads.
    Each number is a distance from 0 (alike) to 1 (nothing in common), with what chance does taken off. A
    large one is a warning that the promise may be about other products; it stops nothing.
    """
    told = _opened(promise, run).drift(answers)
    if as_json:
        print_json({"drift": told})
        return
    for one in told:
        kinds = ["words", "lengths", "platforms", "probabilities"]
        kinds += ["sizes", "brightness"] if one["pictures"] else []
        parts = ", ".join(f"{kind} {one[kind]:.2f}" for kind in kinds)
        click.echo(f"{one['answers']}: {one['n']:,} products differ by {one['effect']:.2f} ({parts})")
        if one["told"]:
            click.echo(f"warning: {one['answers']} is unlike what the promise was tested on", err=True)


def _opened(promise: Path, run: Path | None) -> Watch:
    from mep3m.recipes.filing.watch import Watch

    return Watch.open(promise, run)


def _print_status(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        click.echo(
            f"{told['audited']:,} filings audited, {told['open']:,} drawn and not yet decided; promised "
            f"{told['precision']:g}"
        )
        for one in told["branches"]:
            name = " > ".join(one["branch"]) or "all"
            fallen = ", has FALLEN BACK" if one["fallen"] else ""
            click.echo(
                f"  {name}: {one['errors']:,} of {one['audited']:,} wrong, precision from "
                f"{one['at_least']:.3f} to {one['at_most']:.3f}{fallen}"
            )
        if told["fallen"]:
            click.echo(
                "list what was filed there with 'mep3m watch undo'; make a new promise to file it again"
            )
    if told["fallen"]:
        raise click.exceptions.Exit(1)
