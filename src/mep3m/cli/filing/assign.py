"""`mep3m assign`: file the products of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import (
    FILE,
    NEW_FILE,
    Share,
    column_options,
    given_by_user,
    given_columns,
    json_option,
    print_json,
    renamed_option,
)
from mep3m.errors import UsageError
from mep3m.settings.run import MIN_CONFIDENCE, NONE_SHARE

if TYPE_CHECKING:
    from mep3m.assignment.policy import FilingPolicy
    from mep3m.assignment.run import Run
    from mep3m.recipes.filing.assign import Assigned


@click.command(epilog="Example: mep3m assign run new.csv --out assigned.xlsx")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@column_options
@click.option(
    "--out", required=True, type=NEW_FILE, help="Answers as the name says: .jsonl, .csv, .xlsx or .parquet."
)
@renamed_option(
    "--min-confidence",
    old="--threshold",
    type=Share(),
    default=MIN_CONFIDENCE,
    show_default=True,
    help="The path ends where its probability falls below this; such products go to review.",
)
@click.option(
    "--target-precision",
    type=Share(min_open=True, max_open=True),
    help="Instead of a threshold: take the least that was so precise on rows held out of training.",
)
@click.option(
    "--edits", type=FILE, help="Edits of the category tree ('align edit') that the answers are to take in."
)
@click.option("--promise", type=FILE, help="File what this promise of 'guarantee' covers, and nothing else.")
@click.option("--shadow", is_flag=True, help="With --promise: say what would be filed, and file nothing.")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Alternatives a product.")
@click.option("--why", is_flag=True, help="Say what carried each answer; takes several times as long.")
@click.option(
    "--none-share",
    type=Share(),
    default=NONE_SHARE,
    show_default=True,
    help="Known products that may be called of no known category; 0 calls none so.",
)
@click.option("--workers", default=1, show_default=True, help="Processes that work at once.")
@click.option("--engine", default="local", show_default=True, help="Where work runs: local, ray.")
@json_option
def assign(
    run: Path, data: Path, out: Path, min_confidence: float, top: int, as_json: bool, **options: Any
) -> None:
    """Give every product of DATA a category path with RUN.

    DATA is a table, a store, a picture or a folder of pictures. The columns are those of training unless
    others are named; labels are not read. A RUN that was trained on a store has none: name them to read a
    table. With --edits the answers are categories of the edited tree.

    An answer has your own id of the product (without an id column, the number of the row from 1), its path
    with a probability, a decision (filed, review or none) and the reason for a review. JSON lines and Parquet
    also have a probability for each level and the versions of model and tree, JSON lines the most probable
    full paths. With --min-confidence 0 every product gets a full path, unless the model can read nothing of
    it or it is like none of training.

    With --promise a product is filed at the deepest category that is as probable as the promise asks, which
    may lie above the last level; all others go to review. While a file with the promise's name and .stop
    after it exists, nothing is filed from the next batch on.

    A product that is as unlike those of training as few of them are (--none-share) gets the decision none.
    With --why an answer says which words carried it, which training products are most like it, and which
    word decides, if one does. A product of a store with a given or reviewed label keeps it: it is filed
    there, and kept says whose label it is.

    Memory does not grow with DATA. A run that was killed goes on where it was, with the same command.
    """
    from mep3m.assignment.output import ENDINGS
    from mep3m.cli.learning.evaluate import say_edits
    from mep3m.cli.learning.train import say_refused
    from mep3m.engine import bar, make_engine
    from mep3m.exports.rows import ending
    from mep3m.recipes.filing.assign import AnswerSettings, NewProducts, assign_file

    ending(out, ENDINGS)  # before any work
    edits, promise = options["edits"], options["promise"]
    if promise is not None and given_by_user("min_confidence"):
        raise UsageError("--promise has its own threshold; leave out --min-confidence")
    if promise is None and options["shadow"]:
        raise UsageError("--shadow says what a promise would file; name one with --promise")
    if promise is not None and given_by_user("none_share"):
        raise UsageError("--promise was proven with the default of --none-share; leave it out")
    if options["target_precision"] is not None:
        min_confidence = _estimated(run, options["target_precision"], promise)
    said = {name: options[name] for name in ("shadow", "none_share", "why")}
    answerer = AnswerSettings(run, edits, promise, top=top, min_confidence=min_confidence, **said).open()
    say_edits(answerer.run)
    _say_lost(answerer.policy)
    columns = given_columns(options, data)
    products = NewProducts(
        answerer.run, data, columns, options["image_root"], options["format"], options["encoding"]
    )
    engine = make_engine(options["engine"], options["workers"])
    counts, shards = assign_file(products, answerer, out, engine, bar)
    say_refused(shards.first, data, shards.refused)
    if counts.first_unread is not None:
        click.echo(
            f"{counts.unread:,} products show the model nothing and go to review ({counts.first_unread})",
            err=True,
        )
    report(counts, out, as_json)


def _say_lost(policy: FilingPolicy | None) -> None:
    """Say on standard error at which categories edits of the tree have ended a promise."""
    lost = [] if policy is None or policy.moved is None else policy.moved.no_longer_covered()
    for one in lost:
        click.echo(f"nothing is filed at {one['path']}: {one['why']}", err=True)


def _policy(run: Run, promise: Path | None, shadow: bool) -> FilingPolicy | None:
    """Return the policy of a promise, checked against the run."""
    from mep3m.assignment.policy import FilingPolicy

    if promise is None and shadow:
        raise UsageError("--shadow says what a promise would file; name one with --promise")
    return None if promise is None else FilingPolicy.open(promise, run, shadow)


def _estimated(run: Path, precision: float, promise: Path | None) -> float:
    """Return the threshold that was so precise on rows held out of training, and say what that is worth."""
    from mep3m.evaluation.promises.estimate import LEAST, least_threshold
    from mep3m.store.json_files import read_json

    if promise is not None or given_by_user("min_confidence"):
        other = "--promise" if promise is not None else "--min-confidence"
        raise UsageError(f"--target-precision chooses a threshold, and so does {other}; give one of them")
    card = read_json(run / "card.json") if (run / "card.json").exists() else {}
    if not card.get("filing_curve"):
        raise UsageError(f"{run} has no operating curve; train it again, or give --min-confidence")
    point = least_threshold(card["filing_curve"], precision)
    if point is None:
        raise UsageError(
            f"at no threshold that files {LEAST} rows or more was {run} so often right ({precision:g}) on "
            "its held-out rows; give a lower --target-precision, train on more rows, or leave all to review"
        )
    right = point["precision"]
    click.echo(
        f"threshold {point['threshold']:g}: {point['right']:,} of {point['filed']:,} filed were right on "
        f"{card['measured_on']} ({right['value']:.3f}, 95 % from {right['low']:.3f} to {right['high']:.3f}). "
        "This is an estimate, not a promise; 'mep3m guarantee' proves one",
        err=True,
    )
    return float(point["threshold"])


def report(counts: Assigned, out: Path, as_json: bool) -> None:
    """Print what became of the products; exit with 1 where rows were refused or images not read."""
    names = ("filed", "review", "none", "kept", "refused")
    if as_json:
        told = {name: getattr(counts, name) for name in (*names, "unreadable_images")}
        print_json(told | {"out": str(out)})
    else:
        kept = f" ({counts.kept:,} of them as people labelled them)" if counts.kept else ""
        none = f"{counts.none:,} of no known category, " if counts.none else ""
        click.echo(
            f"{counts.filed:,} filed{kept}, {counts.review:,} to review, {none}{counts.refused:,} refused: "
            f"{out}"
        )
    if counts.unreadable_images:
        broken = f"{counts.unreadable_images:,} images could not be read and count as missing"
        click.echo(f"{broken}; their answers say why", err=True)
    if counts.refused or counts.unreadable_images:
        raise click.exceptions.Exit(1)
