"""`mep3m desk take`: what `mep3m assign` answered comes to the people who decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.desk.people import FOLDER
from mep3m.cli.shared import (
    FILE,
    Share,
    column_options,
    given_by_user,
    given_columns,
    json_option,
    print_json,
)
from mep3m.errors import UsageError
from mep3m.wording import counted


@click.command(epilog="Example: mep3m desk take run filed.jsonl --table new.csv")
@click.argument("folder", type=FOLDER)
@click.argument("answers", type=FILE, required=False)
@click.option(
    "--table",
    "data",
    type=FILE,
    help="Table or store that was answered: for pictures and OCR text. Default: the store of FOLDER, if its "
    "products were.",
)
@column_options
@click.option("--edits", type=FILE, help="Edits of the category tree that the answers took in.")
@click.option(
    "--share",
    type=Share(),
    default=0.05,
    show_default=True,
    help="Share of what came in that is drawn for the audit.",
)
@click.option("--number", type=click.IntRange(0), help="Instead of --share: how many are drawn.")
@click.option("--seed", default=0, show_default=True, help="What decides which are drawn.")
@click.option(
    "--two",
    type=Share(),
    default=0.1,
    show_default=True,
    help="Share of items that two people decide, neither seeing what the other said.",
)
@click.option("--controls", type=FILE, help="Labelled table: products of known truth, mixed into the review.")
@click.option(
    "--control-share",
    type=Share(0.5),
    default=0.05,
    show_default=True,
    help="Share of groups in review that are control items.",
)
@json_option
def take(
    folder: Path,
    answers: Path | None,
    data: Path | None,
    controls: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Take what 'mep3m assign' wrote into ANSWERS (.jsonl) to the desk of FOLDER.

    Products that were not filed (review, none) come to the page /review, a random sample of all that came
    in to the page /audit. The sample is drawn here, one of each duplicate group, before anybody looks; the
    same file again adds nothing. Without ANSWERS the products of the store that got no label are reviewed.

    FOLDER is what 'mep3m build' made, or a run. The columns are those of training unless others are named.
    """
    from mep3m.desk.intake.take import Draw, take_controls
    from mep3m.desk.intake.take import take as take_in
    from mep3m.desk.reviewing.reviewing import opened_reviewing

    if options["number"] is not None and given_by_user("share"):
        raise UsageError("--number and --share both say how many are audited; give one of them")
    names = ("share", "number", "seed", "two")
    draw = Draw(**{name: options[name] for name in names}, controls=options["control_share"])
    with opened_reviewing(folder) as reviewing:
        run = _run(reviewing, options)
        batch, tree, taxonomy = _batch(reviewing, run, answers, _table(data, options))
        mixed_in = None
        if controls is not None:  # first: what is wrong with them leaves the answers for the next try
            if run is None:
                raise UsageError(f"--controls needs a trained run, and {folder} has none")
            mixed_in = take_controls(reviewing, run, _table(controls, options), draw)
        told = take_in(reviewing, batch, draw, tree, taxonomy)
        if mixed_in is not None:
            told["controls"] = mixed_in.added
            told["controls_outside"], told["controls_example"] = mixed_in.outside, mixed_in.example
            told["controls_unlabelled"] = mixed_in.unlabelled
    if as_json:
        print_json(told)
        return
    if told["repeated"]:
        click.echo("these answers were taken in before; nothing was added")
    else:
        came = counted(told["came"], "product is", "products are")
        waiting = counted(told["duplicates"], "waits", "wait")
        beside = f", {waiting} for the audit of their duplicate" if told["duplicates"] else ""
        click.echo(
            f"{told['new']:,} of {came} new: {told['review']:,} to review, "
            f"{told['audit']:,} drawn for the audit{beside}"
        )
    if "controls" in told:
        _tell_controls(told)


def _tell_controls(told: dict[str, Any]) -> None:
    click.echo(f"{counted(told['controls'], 'control item is', 'control items are')} mixed into the review")
    if told["controls_outside"]:
        rows = counted(told["controls_outside"], "row has", "rows have")
        click.echo(
            f"{rows} a label that is none of the run's tree (first: '{told['controls_example']}') and cannot "
            "be control items",
            err=True,
        )
    if told["controls_unlabelled"]:
        click.echo(f"{counted(told['controls_unlabelled'], 'row has', 'rows have')} no label", err=True)


def _run(reviewing: Any, options: dict[str, Any]) -> Any:
    from mep3m.assignment.run import Run
    from mep3m.cli.learning.evaluate import with_edits_of

    if reviewing.folder.run is None:
        return None
    return with_edits_of(Run.open(reviewing.folder.run), options["edits"])


def _table(data: Path | None, options: dict[str, Any]) -> Any:
    from mep3m.desk.intake.incoming import ProductTable

    if data is None:
        return None
    columns = given_columns(options, data)
    return ProductTable(data, columns, options["image_root"], options["format"], options["encoding"])


def _batch(reviewing: Any, run: Any, answers: Path | None, table: Any) -> tuple[Any, Any, Any]:
    """Return what came in, with the tree and the names that people choose from."""
    from mep3m.desk.intake.take import Arrival
    from mep3m.label_tree.tree import LabelTree

    folder = reviewing.folder
    if answers is not None:
        if run is None:
            raise UsageError(
                f"{folder.path} holds no trained run that could have answered; open the desk on one"
            )
        batch = Arrival.of_answers(answers, run, table, folder.store)
        return batch, run.classifier.tree, run.taxonomy
    if folder.store is None:
        raise UsageError(f"{folder.path} holds no store; name the file of answers that 'mep3m assign' wrote")
    batch = Arrival.of_unlabelled(folder.store, None)
    if run is not None:
        return batch, run.classifier.tree, run.taxonomy
    return batch, LabelTree.from_taxonomy(folder.store.taxonomy), folder.store.taxonomy
