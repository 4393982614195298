"""`mep3m align apply`: the decisions become one tree and the labels of every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import (
    FILE,
    NEW_FILE,
    NEW_FOLDER,
    engine_options,
    given_options,
    json_option,
    print_json,
    renamed_option,
)
from mep3m.errors import Mep3mError, UsageError
from mep3m.store.append_log import now

if TYPE_CHECKING:
    from mep3m.alignment.records import Side
    from mep3m.alignment.review.decisions import Decision
    from mep3m.stages.apply_review import ApplyReview


def _sources(command: Any) -> Any:
    """Add the options that say where a merge's categories and decisions come from."""
    options = [
        click.option("--project", type=FILE, help="mep3m.toml: its first level and [merge], as a build."),
        click.option("--store", type=FILE, help="The store whose rows get the labels."),
        click.option("--left", type=FILE, help="Table of the left platform's categories."),
        click.option("--right", type=FILE, help="Table of the right platform's categories."),
        renamed_option(
            "--left-platform",
            old="--left-source",
            default="left",
            help="The left platform's name in the store.",
        ),
        renamed_option(
            "--right-platform",
            old="--right-source",
            default="right",
            help="The right platform's name in the store.",
        ),
        click.option("--first-level", type=FILE, help="Hand-made first level: .toml or a table."),
        click.option("--previous", type=FILE, help="An earlier result, whose ids are kept."),
        click.option("--edits", type=FILE, help="Recorded edits of the tree ('align edit')."),
        click.option("--reviewer", help="Who decided, where the file does not say."),
        click.option(
            "--unreviewed", help="accept: also what is sure without a person; skip. [default: accept]"
        ),
        click.option(
            "--precision", type=float, help="Share of rows expected in a right place. [default: 0.98]"
        ),
        click.option("--accept-above", type=float, help="Least probability of one such link. [default: 0.8]"),
        click.option(
            "--allow-joins", is_flag=True, default=None, help="Let a merge join one platform's own."
        ),
        click.option("--join-inner/--keep-inner", default=None, help="Join inner categories of one name."),
        click.option("--depth", type=int, help="Levels of the merged tree. [default: 3]"),
        click.option("--unmapped", help="Labels of rows without a place: clear, keep. [default: clear]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    epilog="\b\nExamples:\n"
    "  mep3m align apply links.sssom.tsv --store shops --first-level first.toml --dry-run\n"
    "  mep3m align apply links.sssom.tsv --store shops --first-level first.toml --out merged\n"
    "  mep3m align apply links.sssom.tsv --left a.tsv --right b.tsv --out tree"
)
@click.argument("review_file", metavar="FILE", type=FILE)
@_sources
@click.option("--out", type=NEW_FOLDER, help="The new store (or, without --store, a folder for the tree).")
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--html", type=NEW_FILE, help="Write the impact report here, too.")
@engine_options
@json_option
@click.pass_context
def apply(ctx: click.Context, /, review_file: Path, as_json: bool, **options: Any) -> None:
    """Merge the categories as FILE says, and give every row its labels in the merged tree.

    The rows of --store are written to the new store --out; the first stays as it is, and every row
    keeps its platform's own path. Contradictions are listed with their lines, and then nothing is
    written. Exit code 1: some categories are unmapped (they are listed).

    With --project, a --dry-run says what 'mep3m build' will do with FILE, the review in its folder: the
    first level and the settings [merge] of the project count (other options here come before them), and the
    store is the one that FILE was made from.
    """
    from mep3m.alignment.keeping.database_log import open_review
    from mep3m.alignment.merging.impact import as_text, compare_after, impact
    from mep3m.stages.apply_review import store_counts
    from mep3m.store import Store

    if options["project"] and options["store"] is None and options["left"] is None:
        options["store"] = _own_store(review_file)
    if options["store"] is None and options["left"] is None:
        raise UsageError("say what to apply it to: --store DIR, or the tables --left FILE and --right FILE")
    if options["out"] is None and not options["dry_run"]:
        raise UsageError("say where the result goes: --out DIR, or --dry-run to see what would happen")
    with open_review(review_file) as log:
        decisions = log.read(now()).decisions
    stage = merge_stage(decisions, options)
    store = Store.open(options["store"]) if options["store"] else None
    counts = store_counts(store) if store else stage.table_counts()
    if stage.review.first_level is not None:  # a name that nobody has would have no effect, in silence
        stage.review.first_level.require_known(counts.rows)
    report = impact(counts, stage.result(counts), stage.review.decisions)
    if not options["dry_run"]:
        after = _write(stage, store, options)
        report["after"] = compare_after(report, after) if after else []
        if report["after"]:
            raise Mep3mError("the rows differ from the report: " + "; ".join(report["after"]))
    if options["html"]:
        from mep3m.report.alignment_report import write_impact

        write_impact(options["html"], report)
    if as_json:
        print_json({**report, "out": None if options["dry_run"] else str(options["out"])})
    else:
        click.echo("\n".join(as_text(report)))
        click.echo("nothing written (--dry-run)" if options["dry_run"] else f"written    {options['out']}")
    ctx.exit(1 if report["unmapped"] else 0)


def _own_store(review_file: Path) -> Path:
    """Return the store that a review was made from.

    Raises:
        UsageError: it does not say, or the store is gone.
    """
    from mep3m.alignment.review.sssom import read_made_from

    store = read_made_from(review_file).get("store")
    if store is None or not store.is_dir():
        raise UsageError(f"{review_file} was not made from a store that is still there; name it with --store")
    return store


def merge_stage(decisions: Sequence[Decision], options: Mapping[str, Any]) -> ApplyReview:
    """Return the stage that the options describe; those of a project count where none is given."""
    from mep3m.alignment.edits.history import read_history
    from mep3m.alignment.merging.first_level import from_entries, read_first_level
    from mep3m.alignment.merging.merge import MergeInputs
    from mep3m.alignment.review.decisions import rename_sources, with_reviewer
    from mep3m.alignment.taxonomies.published import read_categories
    from mep3m.settings.align import MergeSettings
    from mep3m.settings.project import load_project
    from mep3m.stages.apply_review import ApplyReview, read_previous

    keys = (*MergeSettings.model_fields, "accept_above")
    given = given_options(options, keys)
    project = load_project(options["project"]) if options.get("project") else None
    own = project.merge.model_dump(exclude_unset=True) if project else {}
    settings = MergeSettings.parse({**own, **given}, "mep3m align apply")
    names = {key: options.get(f"{key}_platform") or key for key in ("left", "right")}
    sides: list[Side] = []
    for key in ("left", "right"):
        if options[key]:
            known = read_categories(options[key], names[key])
            sides.append(known.side)
            for reject in known.rejects:
                click.echo(f"{reject.file}, line {reject.line}: {reject.reason}", err=True)
    said = rename_sources(with_reviewer(decisions, options.get("reviewer")), names)
    first_level = read_first_level(options["first_level"]).renamed(names) if options["first_level"] else None
    if first_level is None and project is not None and project.first_level:
        first_level = from_entries(project.first_level, options["project"])
    previous = read_previous(options["previous"]) if options.get("previous") else None
    edits = tuple(read_history(options["edits"])) if options.get("edits") else ()
    return ApplyReview(MergeInputs(tuple(said), first_level, previous, settings), tuple(sides), edits)


def _write(stage: ApplyReview, store: Any, options: dict[str, Any]) -> Any:
    """Write the new store, or the tree alone; return the labels of the new rows, counted."""
    from mep3m.engine import bar, make_engine
    from mep3m.stages.apply_review import store_counts, write_tree
    from mep3m.stages.base import run_stage

    out: Path = options["out"]
    if store is not None:
        if out.resolve() == store.folder.resolve():
            raise UsageError("--out must be another folder than --store: the first store stays as it is")
        engine = make_engine(options["engine"], options["workers"])
        return store_counts(run_stage(stage, store, out, engine, bar))
    write_tree(stage, out)
    return None
