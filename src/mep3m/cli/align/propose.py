"""`mep3m align propose` and `score`: links between categories, and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import FILE, NEW_FILE, json_option, print_json
from mep3m.errors import UsageError

if TYPE_CHECKING:
    from mep3m.alignment.gold import Gold
    from mep3m.alignment.records import Proposal, Side
    from mep3m.alignment.row_score import RowScores
    from mep3m.store.rejects import Reject

#: rows with the path of another row that are named in words
NOTES_SHOWN = 5


@click.command(
    epilog="\b\nExamples:\n  mep3m align propose --left shop1.tsv --right shop2.tsv --out links.sssom.tsv\n"
    "  mep3m align propose --store shops --method paper --set paper.content.binary=true --out links.sssom.tsv"
)
@click.option("--left", type=FILE, help="Table of one platform's categories.")
@click.option("--right", type=FILE, help="Table of the other platform's categories.")
@click.option("--store", type=FILE, help="Instead of tables: a store with the products of all platforms.")
@click.option("--out", type=NEW_FILE, required=True, help="The proposals, as an SSSOM table.")
@click.option("--method", default="evidence", show_default=True, help="evidence, or the paper's rule: paper.")
@click.option("--first-level", "first_level", type=FILE, help="Map of first levels: platform, name, class.")
@click.option(
    "--draft-first-level", type=FILE, help="Write a draft of the map of first levels, from the links found."
)
@click.option("--within-first-level", default="auto", show_default=True, help="auto, always or never.")
@click.option(
    "--set", "sets", multiple=True, metavar="NAME=VALUE", help="A setting of the method; see below."
)
@json_option
@click.pass_context
def propose(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
    """Propose links between the categories of two platforms, or of all platforms of a store.

    A table has the columns id and path (names from the root, joined by ' > '), and optionally
    titles and ocr (joined by ' || '), name_en, count and first_level. Published taxonomies are read as
    they are: Google's, Shopify's, GS1 GPC, UNSPSC, ETIM, tables with a parent column. Rows that cannot
    be used are listed with their lines, the others are aligned (exit code 1).

    --set takes the settings of [align] in a project file: paper.label_threshold, paper.content_threshold
    (without it: calibrated), paper.identical_names=false, paper.content.tokens=words, characters or ngrams,
    paper.content.ngram, paper.content.binary=true, paper.content.characters, evidence.accept,
    evidence.accept_inner, evidence.many_to_one, evidence.inherit, evidence.candidates, evidence.kept.
    """
    from mep3m.alignment.propose import propose as propose_links
    from mep3m.alignment.review.file_log import require_replaceable
    from mep3m.alignment.review.write import write_review
    from mep3m.settings.align import AlignSettings
    from mep3m.settings.base import with_values

    require_replaceable(options["out"])
    given: dict[str, Any] = {key: options[key] for key in ("method", "within_first_level")}
    settings = AlignSettings.parse(with_values(given, options["sets"]), "align propose")
    sides, refused, title, versions = _sides(options)
    first_levels = _first_levels(options["first_level"], sides) if options["first_level"] else None
    proposals = propose_links(sides, settings, first_levels)
    made_from = {key: options[key] for key in ("left", "right", "store") if options[key]}
    rows = write_review(options["out"], sides, proposals, title, made_from, versions)
    accepted = sum(proposal.accept for proposal in proposals)
    if options["draft_first_level"]:
        _draft_first_level(sides, proposals, options["draft_first_level"])
    for reject in refused:
        click.echo(_refusal(reject), err=True)
    notes = _notes(sides, options)
    for note in notes[:NOTES_SHOWN]:
        click.echo(note, err=True)
    if len(notes) > NOTES_SHOWN:
        click.echo(f"… and {len(notes) - NOTES_SHOWN:,} more such rows (--json lists all)", err=True)
    if as_json:
        counts = {side.name: len(side) for side in sides}
        print_json(
            {
                **counts,
                "rows": rows,
                "accepted": accepted,
                "refused": [_refusal(reject) for reject in refused],
                "same_path": notes,
            }
        )
    else:
        sizes = " x ".join(f"{len(side):,}" for side in sides)
        click.echo(f"{sizes} categories: {accepted:,} links accepted, {rows:,} rows")
        click.echo(f"proposals  {options['out']}")
    ctx.exit(1 if refused else 0)


@click.command(epilog="\b\nExample:\n  mep3m align score links.sssom.tsv --gold gold.tsv --json")
@click.argument("proposals", type=FILE)
@click.option("--gold", type=FILE, required=True, help="Columns left_id, right_id, optionally relation.")
@click.option("--left", type=FILE, help="The left table, if it is not where PROPOSALS says.")
@click.option("--right", type=FILE, help="The right table, if it is not where PROPOSALS says.")
@click.option(
    "--errors",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Wrong and missed pairs to list, of each.",
)
@click.option("--rows", is_flag=True, help="Merge without review, and score where the rows would stand.")
@click.option("--first-level", type=FILE, help="With --rows: hand-made first level, .toml or a table.")
@click.option("--project", type=FILE, help="With --rows: mep3m.toml, its first level and [merge].")
@json_option
@click.pass_context
def score(ctx: click.Context, /, proposals: Path, as_json: bool, **options: Any) -> None:
    """Score PROPOSALS (an SSSOM table) against a gold alignment.

    A pair counts as proposed when its method accepted it. Gold rows with an id that is not in the
    tables (or the store) that PROPOSALS was made from are set aside and listed with their lines
    (exit code 1).

    --rows also merges as PROPOSALS and the defaults say, and compares with the gold, which must be complete:
    rows in a right place (below no category of another platform that does not contain them), and how many
    rows that another platform has a place for were joined with it; also with every category counted once.
    """
    from mep3m.alignment.gold import read_gold
    from mep3m.alignment.review.sssom import read_sssom
    from mep3m.alignment.score import score as score_proposals

    if (options["first_level"] or options["project"]) and not options["rows"]:
        raise UsageError("--first-level and --project say how to merge: use them with --rows")
    rows = [row.proposal for row in read_sssom(proposals)]
    sides = _known_sides(proposals, options)
    gold = read_gold(options["gold"], *_two(sides), sides=[side for side in sides if side is not None])
    scores = score_proposals(rows, gold, options["errors"])
    if gold.swapped:
        click.echo("the gold has left and right the other way round: it was turned", err=True)
    for unknown in scores.gold_unknown:
        click.echo(f"gold {unknown}", err=True)
    placed = _score_rows(proposals, gold, options) if options["rows"] else None
    if as_json:
        print_json({**scores.to_dict(), **({"placed": placed.to_dict()} if placed else {})})
    else:
        if placed:
            click.echo("\n".join(_placed_lines(placed, options["errors"])))
        click.echo(f"precision {scores.precision:.4f}  recall {scores.recall:.4f}  f1 {scores.f1:.4f}")
        click.echo(f"average precision {scores.average_precision:.4f}")
        click.echo(
            f"{scores.correct:,} correct of {scores.proposed:,} accepted, {scores.gold_pairs:,} in the gold"
        )
        for wanted, share in scores.coverage.items():
            click.echo(f"gold pairs found at precision {wanted}: {share:.1%}")
        click.echo(f"decisions to reach 99 % precision: {scores.decisions:,}")
        for error in scores.errors:
            labels = f"{error.get('left', error['left_id'])}  |  {error.get('right', error['right_id'])}"
            click.echo(f"{error['kind']:7s} {labels}  ({error['evidence']})")
    ctx.exit(1 if scores.gold_unknown else 0)


def _score_rows(proposals: Path, gold: Gold, options: dict[str, Any]) -> RowScores:
    """Merge as the proposals say, and score where each category's rows stand."""
    from mep3m.alignment.merging.merge import Catalogue
    from mep3m.alignment.review.decisions import read_review
    from mep3m.alignment.review.sssom import read_made_from
    from mep3m.alignment.row_score import score_rows
    from mep3m.alignment.truth import gold_containers
    from mep3m.cli.align.apply import merge_stage
    from mep3m.stages.apply_review import store_counts
    from mep3m.store import Store

    noted = read_made_from(proposals)
    tables = {key: options[key] or noted.get(key) for key in ("left", "right")}
    store = None if any(tables.values()) else noted.get("store")
    if store is None and not all(tables.values()):
        raise UsageError(f"{proposals} does not say what it was made from: name --left and --right")
    stage = merge_stage(read_review(proposals)[1], {**options, **tables})
    counts = store_counts(Store.open(store)) if store else stage.table_counts()
    if stage.review.first_level is not None:
        stage.review.first_level.require_known(counts.rows)
    rows = dict(counts.rows)
    if not any(rows.values()):  # no table says how many: every category counts once
        rows = dict.fromkeys(rows, 1)
    catalogue = Catalogue.of(stage.sides, counts.rows)
    two = catalogue.sources if len(catalogue.sources) == 2 else ()
    return score_rows(stage.result(counts).merged, rows, gold_containers(gold, catalogue, two))


def _placed_lines(placed: RowScores, shown: int) -> list[str]:
    """Return the scores of rows and categories, and what is wrong, as lines for a terminal."""
    told = placed.to_dict()
    lines = []
    for name in ("rows", "categories"):
        shares = {
            key: "-" if told[name][key] is None else f"{told[name][key]:.4f}"
            for key in ("right_place", "joined")
        }
        lines.append(
            f"{name} in a right place {shares['right_place']} (of {told[name]['n']:,}); joinable ones joined "
            f"{shares['joined']} (of {told[name]['joinable']:,})"
        )
    for key, word in (("wrong_place", "below"), ("not_joined", "could be with")):
        for one in told[key][:shown]:
            others = ", ".join(one["others"]) or "nothing: it has no label"
            lines.append(f"{key.replace('_', ' ')}: {one['category']} ({one['rows']:,} rows) {word} {others}")
    return lines


def _sides(options: dict[str, Any]) -> tuple[list[Side], list[Reject], str, dict[str, str]]:
    """Return the platforms that the options name, the rows refused, a title, and the versions known."""
    from mep3m.alignment.from_store import sides_from_products
    from mep3m.alignment.taxonomies.published import read_categories
    from mep3m.store import Store

    tables = [options["left"], options["right"]]
    if options["store"] and not any(tables):
        store = Store.open(options["store"])
        title = f"platforms of {options['store'].name}"
        return sides_from_products(store.tables(), store.images), [], title, {}
    if options["store"] or not all(tables):
        raise UsageError("give --left FILE and --right FILE, or --store DIR")
    known = {key: read_categories(options[key], key) for key in ("left", "right")}
    versions = {key: f"{one.kind} {one.version}" for key, one in known.items() if one.version}
    refused = known["left"].rejects + known["right"].rejects
    title = f"{tables[0].name} to {tables[1].name}"
    return [known["left"].side, known["right"].side], refused, title, versions


def _notes(sides: list[Side], options: dict[str, Any]) -> list[str]:
    """Return what a person should know of rows that are kept, with the table and line."""
    from mep3m.alignment.records import same_path

    return [
        f"{options[side.name]}, {note}"
        for side in sides
        if options.get(side.name)
        for note in same_path(side)
    ]


def _known_sides(proposals: Path, options: dict[str, Any]) -> list[Side | None]:
    """Return the categories that a table of proposals is about, as far as they can be known.

    Those of every platform of a store, or of the left and the right table.
    """
    from mep3m.alignment.from_store import sides_from_products
    from mep3m.alignment.records import with_all_above
    from mep3m.alignment.review.sssom import read_made_from
    from mep3m.alignment.taxonomies.published import read_categories
    from mep3m.store import Store

    noted = read_made_from(proposals)
    if "store" in noted and noted["store"].is_dir() and not (options["left"] or options["right"]):
        return [with_all_above(side) for side in sides_from_products(Store.open(noted["store"]).tables())]
    read: list[Side | None] = []
    for key in ("left", "right"):
        path = options[key] or noted.get(key)
        known = path is not None and (options[key] is not None or path.is_file())
        if path is not None and not known:
            click.echo(f"{path} is not a file any more: give --{key} to check the gold's ids", err=True)
        read.append(with_all_above(read_categories(path).side) if path is not None and known else None)
    if noted.get("store") and not any(read):
        click.echo(f"{noted['store']} is not a store any more: the gold's ids are not checked", err=True)
    return read


def _two(sides: Sequence[Side | None]) -> tuple[Side | None, Side | None]:
    """Return what the left and the right ids of a gold are looked up in: of more than two, in all of them."""
    from mep3m.alignment.records import Side

    if len(sides) == 2:
        return sides[0], sides[1]
    every = {entry.id: entry for side in sides if side is not None for entry in side}
    whole = Side("any", tuple(every.values()))
    return whole, whole


def _first_levels(path: Path, sides: Sequence[Side]) -> dict[tuple[str, str], str]:
    """Read the map of first levels: as 'align apply' takes it, or the table of this command."""
    from mep3m.alignment.merging.first_level import read_first_level

    first_level = read_first_level(path)
    first_level.require_known((side.name, entry.path) for side in sides for entry in side)
    return first_level.by_name()


def _draft_first_level(sides: list[Side], proposals: Sequence[Proposal], path: Path) -> None:
    """Write the first-level map that the links suggest, for a person to correct."""
    from mep3m.alignment.merging.first_level_draft import draft_first_level, first_level_toml
    from mep3m.store.filesystem import atomic_write

    if path.exists():
        raise UsageError(f"{path} exists and a draft would replace it; name another file or delete it")
    with atomic_write(path) as temporary:
        temporary.write_text(first_level_toml(draft_first_level(sides, proposals)), encoding="utf-8")


def _refusal(reject: Reject) -> str:
    return f"{reject.file}, line {reject.line}: {reject.reason}"
