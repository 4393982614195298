"""`mep3m guarantee`: prove how often filing is right, check a promise, and price the next audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.filing.promise_in_words import print_check, print_promise
from mep3m.cli.shared import (
    FILE,
    NEW_FILE,
    DefaultGroup,
    column_options,
    given_columns,
    json_option,
    print_json,
)
from mep3m.errors import UsageError

if TYPE_CHECKING:
    from mep3m.assignment.run import Run
    from mep3m.recipes.audit import AuditRows


@click.group(cls=DefaultGroup, default="make")
def guarantee() -> None:
    """Prove on audited rows how often filing is right: `guarantee RUN --audit TABLE --precision 0.95`.

    A first word that is not check or plan is the RUN to make a promise for, as in guarantee make RUN.
    """


def audit_options(command: Any) -> Any:
    """Add the options that say where audited rows are, and how they are read."""
    options = [
        click.option(
            "--audit",
            required=True,
            type=click.Path(path_type=Path),
            help="Table or store: a random sample, labelled by people, never used in training.",
        ),
        column_options,
        click.option("--edits", type=FILE, help="Edits of the category tree that the run answers by."),
        click.option(
            "--unchecked", is_flag=True, help="The run cannot tell its training rows: take it as read."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def target_options(command: Any) -> Any:
    """Add the options that say what is to be promised."""
    options = [
        click.option(
            "--precision",
            type=float,
            default=0.95,
            show_default=True,
            help="Share of filings that are right.",
        ),
        click.option(
            "--confidence",
            type=float,
            default=0.95,
            show_default=True,
            help="How sure the promise has to be.",
        ),
        click.option(
            "--min-level",
            type=click.IntRange(1),
            default=1,
            show_default=True,
            help="File no higher than this.",
        ),
        click.option(
            "--first-rows",
            type=click.IntRange(1),
            help="Rows that the first tested threshold files. Default: a quarter, at most 600.",
        ),
        click.option(
            "--by-branch",
            is_flag=True,
            help="A threshold for each first-level category with enough rows, where that files more.",
        ),
        click.option(
            "--branch",
            "own",
            multiple=True,
            metavar="NAME=PRECISION",
            help="A promise of its own for one first-level category (again for others).",
        ),
        click.option(
            "--label-noise",
            type=float,
            default=0.0,
            show_default=True,
            help="Share of audited labels known to be wrong, whatever the model says.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@guarantee.command(
    epilog="Example: mep3m guarantee make run --audit audit.tsv --precision 0.95 --out promise.json"
)
@click.argument("run", type=click.Path(path_type=Path))
@audit_options
@target_options
@click.option(
    "--sets",
    type=float,
    default=0.9,
    show_default=True,
    help="Share of the prediction sets in review that hold the true category.",
)
@click.option("--sets-by-branch", is_flag=True, help="That share in each first-level category; larger sets.")
@click.option("--out", type=NEW_FILE, help="Write the promise to this JSON file, for 'assign --promise'.")
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="Days until it expires.")
@click.option("--sign", type=FILE, help="Sign it with this private Ed25519 key (PEM).")
@json_option
def make(run: Path, out: Path | None, days: int, sign: Path | None, as_json: bool, **options: Any) -> None:
    """Find how much RUN may file so that a share of --precision is right, with --confidence.

    A product is filed at the deepest category that is probable enough; that is right where it is the true one
    or lies above it. Exit code 1 where nothing can be proven: then it says how many rows might.
    """
    from mep3m.recipes.guarantee import make_promise

    if sign is not None and out is None:
        raise UsageError("--sign signs a file; name it with --out")
    target = _target(options)
    rows = _rows(_opened(run, options), options)
    promise, told = make_promise(rows, target, days)
    if promise is not None and out is not None:
        promise.save(out, sign)
    if as_json:
        print_json(told)
    else:
        print_promise(told, out)
    if promise is None:
        raise click.exceptions.Exit(1)


@guarantee.command(epilog="Example: mep3m guarantee check promise.json --audit audit.tsv")
@click.argument("promise", type=FILE)
@audit_options
@click.option("--run", type=click.Path(path_type=Path), help="The run, where it is not where it was.")
@click.option("--public-key", type=FILE, help="Also check the signature with this public Ed25519 key (PEM).")
@json_option
def check(promise: Path, run: Path | None, public_key: Path | None, as_json: bool, **options: Any) -> None:
    """Recompute PROMISE on audited rows: its own, or new ones, and say whether it holds.

    Exit code 1 where it does not hold, or new rows are too few to say. With --edits it also says which
    categories it no longer covers; labels stay those of the tree that it was made for.
    """
    from mep3m.assignment.policy import moved_since
    from mep3m.assignment.promise import Promise
    from mep3m.assignment.run import Run
    from mep3m.recipes.guarantee import check_promise

    held = Promise.load(promise, public_key)
    opened = _opened(run or Path(held.run), options)
    held.require_fits(opened, promise)
    moved = moved_since(held, opened)
    # a promise is tested in the tree that it was made for
    tested = opened if moved is None else Run.open(opened.folder)
    told = check_promise(held, _rows(tested, options, held.learned))
    told["no_longer_covered"] = [] if moved is None else moved.no_longer_covered()
    if as_json:
        print_json(told)
    else:
        print_check(told)
    if not told["holds"]:
        raise click.exceptions.Exit(1)


@guarantee.command(epilog="Example: mep3m guarantee plan run --audit audit.tsv --precision 0.99")
@click.argument("run", type=click.Path(path_type=Path))
@audit_options
@target_options
@json_option
def plan(run: Path, as_json: bool, **options: Any) -> None:
    """Say what 500, 1,000 and 5,000 more audited rows would buy in coverage, and where most.

    The figures come from drawing audits of that size from the rows there are.
    """
    from mep3m.recipes.guarantee import plan_audit

    told = plan_audit(_rows(_opened(run, options), options), _target(options))
    if as_json:
        print_json(told)
        return
    click.echo(f"coverage now {told['coverage_now']:.3f} with {told['n']:,} audited rows")
    click.echo("  more rows   coverage   90 % of draws    something proven")
    for one in told["plan"]:
        spread = f"{one['low']:.3f} to {one['high']:.3f}"
        click.echo(f"  {one['more']:9,}   {one['coverage']:8.3f}   {spread}   {one['proven']:8.0%}")
    click.echo("branches by what 1,000 of their own rows would add to the coverage of everything:")
    for one in told["branches"][:10]:
        more = "no number of rows" if one["more_rows"] is None else f"{one['more_rows']:,} more rows"
        more = "these rows" if one["more_rows"] == 0 else more
        click.echo(
            f"  {one['branch']}: +{one['gain']:.3f} (coverage {one['coverage']:.3f} of {one['n']:,}; "
            f"its own proof: {more})"
        )


def _target(options: dict[str, Any]) -> Any:
    from mep3m.recipes.guarantee import Target

    sets = {"set_coverage": options["sets"]} if "sets" in options else {}
    return Target(
        options["precision"],
        options["confidence"],
        options["min_level"],
        options["first_rows"],
        options["label_noise"],
        dict(_own(one) for one in options["own"]),
        options["by_branch"],
        sets_by_branch=options.get("sets_by_branch", False),
        **sets,
    )


def _own(text: str) -> tuple[str, float]:
    """Read NAME=PRECISION; the name may hold '='."""
    name, _, number = text.rpartition("=")
    try:
        return name, float(number)
    except ValueError:
        raise UsageError(f"--branch '{text}' is not NAME=PRECISION, such as --branch 'Food=0.99'") from None


def _opened(run: Path, options: dict[str, Any]) -> Run:
    from mep3m.assignment.run import Run
    from mep3m.cli.learning.evaluate import with_edits_of

    return with_edits_of(Run.open(run), options["edits"])


def _rows(run: Run, options: dict[str, Any], learned: tuple[tuple[str, ...], ...] | None = None) -> AuditRows:
    """Read the audited rows, and say on standard error what does not count.

    `learned` are the classes learned after training that a promise covers; without it those of the rows.
    """
    from mep3m.recipes.audit import read_audit

    data = options["audit"]
    opened = run.read(
        data,
        columns=given_columns(options, data),
        image_root=options["image_root"],
        table=options["format"],
        ids=False,
        encoding=options["encoding"],
    )
    if opened.rejects:
        first = opened.rejects[0]
        raise UsageError(
            f"{len(opened.rejects):,} rows of {data} cannot be read (first: line {first.line}: "
            f"{first.reason}); mend them: a row that was drawn must not be left out"
        )
    rows = read_audit(run, opened, options["unchecked"], learned)
    said = {
        "in_training": "were in training (by title, group or image) and are left out",
        "duplicates": "are duplicates of another and are left out",
        "outside": "have a label that the run does not know; filing below its known part counts as wrong",
        "unread": "show the model nothing and count as not filed",
    }
    for name, text in said.items():
        if rows.counts[name]:
            click.echo(f"{rows.counts[name]:,} of {rows.counts['rows']:,} audited rows {text}", err=True)
    return rows
