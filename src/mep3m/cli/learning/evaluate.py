"""`mep3m evaluate`: score a trained classifier on a labelled table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import FILE, NEW_FILE, column_options, given_columns, json_option, print_json

if TYPE_CHECKING:
    from mep3m.assignment.run import Run
    from mep3m.dataset.reading import Opened
    from mep3m.recipes.classify import RunScores


@click.command(epilog="Example: mep3m evaluate run --data test.tsv --json")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Table or store with labels.")
@column_options
@click.option("--split-file", type=click.Path(path_type=Path), help="Score only the test side of this split.")
@click.option(
    "--edits", type=FILE, help="Edits of the category tree ('align edit') that the answers are to take in."
)
@click.option("--card", type=NEW_FILE, help="Write the whole metric card to this JSON file.")
@click.option("--report", type=NEW_FILE, help="Write the card as a page with its plots to this HTML file.")
@json_option
def evaluate(
    run: Path, data: Path, split_file: Path | None, card: Path | None, as_json: bool, **options: Any
) -> None:
    """Score RUN on DATA, whose columns are those of training unless others are named; ids may be missing.

    A row whose label the model has never seen counts as wrong and is reported under 'unseen'. A RUN that
    was trained on a store has ids as classes: names of a table are looked up in its taxonomy, and labels
    of a store with another version of the taxonomy are matched by their ids. With --edits the answers of
    RUN are those of the edited tree: a merged category counts as the one it was merged into.
    """
    from mep3m.assignment.run import Run
    from mep3m.cli.learning.train import end_refused, print_scores, say_refused
    from mep3m.dataset.splits import Split
    from mep3m.recipes.classify import evaluate_run
    from mep3m.store.json_files import write_json

    opened_run = with_edits_of(Run.open(run), options["edits"])
    opened = opened_run.read(
        data,
        columns=given_columns(options, data),
        image_root=options["image_root"],
        table=options["format"],
        encoding=options["encoding"],
        ids=split_file is not None,
    )
    say_refused(opened.rejects, data)
    split = Split.load(split_file) if split_file else None
    whole = card is not None or options["report"] is not None
    evaluated = evaluate_run(opened_run, opened, split, whole)
    scores = evaluated.to_json()
    if card:
        write_json(card, scores)
    if options["report"]:
        from mep3m.report.card_report import report_card
        from mep3m.store.json_files import read_json

        trained = read_json(run / "card.json") if (run / "card.json").exists() else {}
        scores |= {
            key: trained[key] for key in ("leakage", "weights", "remarks", "choices") if key in trained
        }
        about = _about(opened_run, run, data)
        report_card(scores, options["report"], opened_run.taxonomy, about, _pictures(scores, opened))
    if as_json:
        print_json(scores)
    else:
        print_scores(scores)
    say_what_is_odd(evaluated, run, data, edited=options["edits"] is not None)
    images = evaluated.evaluation.unreadable_images
    end_refused([*opened.rejects, *(images.first if images else ())])


def _about(opened: Run, run: Path, data: Path) -> dict[str, str]:
    """Return what a card is about: the model and the data, by their names."""
    settings, tree = opened.settings, opened.classifier.tree
    classes = f"{len(tree.leaves):,} classes, {tree.depth} level{'s' * (tree.depth > 1)}"
    return {
        "model": run.resolve().name,
        "kind": f"{settings.model} ({settings.modality})",
        "knows": classes,
        "version": opened.version,
        "data": data.name,
    }


def _pictures(scores: dict[str, Any], opened: Opened) -> dict[str, bytes]:
    """Return small pictures of the mistaken products of a card."""
    from mep3m.statistics.pictures import small_pictures

    wanted = {one["row"] for level in scores["levels"][-1:] for one in level["mistakes"]["examples"]}
    if opened.images is None or not wanted:
        return {}
    rows = opened.products.select(["id", "image", "image_ref"])
    return small_pictures(opened.images, [row for row in rows.to_pylist() if row["id"] in wanted])


def say_what_is_odd(evaluated: RunScores, run: Path, data: Path, edited: bool) -> None:
    """Say on standard error what in `data` does not fit the run, and how it was counted."""
    from mep3m.evaluation.label_checks import outside_in_words

    evaluation = evaluated.evaluation
    broken = evaluation.unreadable_images
    if broken and broken.n:
        reason = broken.first[0].reason
        click.echo(f"{broken.n:,} images could not be read and count as missing (first: {reason})", err=True)
    odd = evaluation.outside
    if odd.misplaced:
        click.echo(
            f"{odd.misplaced:,} rows of {data} have a label below another parent than in the tree of {run}"
            f"{outside_in_words(odd, 'stands ')}; in the scores of the tree they count down to there",
            err=True,
        )
    if all(level.scores.unseen == level.scores.n for level in evaluation.levels):
        click.echo(
            f"no label of {data} is a class of {run}: compare them with the tree in {run}/classifier.json",
            err=True,
        )
    told = evaluated.taxonomy or {}
    if "data" in told:
        click.echo(
            f"the taxonomy of {data} (version {told['data']}) is not the run's ({told['model']}): "
            f"{told['moved']:,} rows counted where the run has their category, {told['new']:,} rows of "
            "categories that it does not know at the deepest one that it does"
            + ("" if edited else "; name merges and moves since then with --edits FILE to count them"),
            err=True,
        )


def with_edits_of(run: Run, edits: Path | None) -> Run:
    """Return the run after the edits of a file, and say on standard error what they did to its classes."""
    if edits is None:
        return run
    from mep3m.alignment.edits.history import read_history

    edited = run.with_edits(read_history(edits))
    say_edits(edited)
    return edited


def say_edits(run: Run) -> None:
    """Say on standard error what edits of the tree did to the classes of a run, where there are any."""
    told = run.edits
    if not told:
        return
    click.echo(
        f"{told['edits']} edits applied: {len(told['now'])} classes of the run have become another", err=True
    )
    for old, why in told["gone"].items():
        click.echo(f"{old} has no successor, the category above it answers: {why}", err=True)
    for text in told["broken"]:
        click.echo(f"not applied, the run does not have its category: {text}", err=True)
