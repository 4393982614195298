"""`mep3m align map`: from a shop's export to a column of a published taxonomy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import FILE, NEW_FILE, given_options, json_option, print_json
from mep3m.sources.format_names import FORMATS

if TYPE_CHECKING:
    from mep3m.alignment.taxonomies.nodes import PublishedTaxonomy
    from mep3m.recipes.map_shop import Shop

#: categories without a target that are named in words
SHOWN = 10


@click.command(
    name="map",
    epilog="\b\nExamples:\n"
    "  mep3m align map products.csv --to google.txt --out upload.tsv\n"
    "  mep3m align map products.csv --to google.txt --out upload.tsv --unreviewed accept --accept-above 0.9",
)
@click.argument("catalogue", metavar="SHOP", type=FILE)
@click.option("--to", type=FILE, required=True, help="The taxonomy, as it is published.")
@click.option("--out", type=NEW_FILE, required=True, help="The table to upload: id and the column.")
@click.option("--review", type=NEW_FILE, help="The proposals to review.  [default: beside --out]")
@click.option("--column", help="Name of the column.  [default: what the taxonomy's owner calls it]")
@click.option("--write", type=click.Choice(["id", "path"]), help="What stands in it.  [default: Google: id]")
@click.option("--method", default="evidence", show_default=True, help="evidence or paper.")
@click.option("--unreviewed", help="accept: also what only the method accepted. [default: skip]")
@click.option("--accept-above", type=float, help="... from this probability on. [default: 0.99]")
@click.option("--format", type=click.Choice(tuple(FORMATS)), help="Format of SHOP.  [default: found]")
@click.option("--encoding", help="Encoding of SHOP.  [default: found]")
@click.option("--id", metavar="COL", help="Column with the shop's product id.")
@click.option("--title", metavar="COL", help="Column with the title.")
@click.option("--labels", metavar="COL,COL", help="Category columns, coarse to fine.")
@click.option("--path", metavar="COL", help="One column with the whole category path.")
@click.option("--separator", help="Between the names in the path column.  [default: >]")
@json_option
@click.pass_context
def map(ctx: click.Context, /, catalogue: Path, to: Path, as_json: bool, **options: Any) -> None:  # noqa: A001
    """Map a SHOP's categories to the taxonomy --to, with a person's review in between.

    SHOP is a table of categories (id and path) or a catalogue of products in any format that ingest
    reads; without column options its columns are found as inspect finds them. The first call writes
    proposals; decide in the column mep3m_decision ('mep3m align review'). The same call again writes
    --out. Exit code 1: not reviewed yet, or some categories have no place (they are listed).
    """
    from mep3m.alignment.taxonomies.published import read_categories
    from mep3m.recipes.map_shop import read_shop

    target = read_categories(to, "right")
    read = read_shop(catalogue, _entry(options))
    for reject in (*target.rejects, *read.rejects[:SHOWN]):
        click.echo(f"{reject.file}, line {reject.line}: {reject.reason}", err=True)
    said = f" of {target.kind} {target.version}" if target.version else ""
    counts = f"{len(read.side):,} categories of {catalogue.name}, {len(target.side):,}{said}"
    click.echo(counts, err=True)
    if read.entry is not None:
        roles = read.entry.columns.model_dump(exclude_defaults=True).items()
        texts = [f"{role} {', '.join(value) if isinstance(value, tuple) else value}" for role, value in roles]
        click.echo("columns: " + "; ".join(texts), err=True)
    out: Path = options["out"]
    review = options["review"] or out.with_name(out.name.split(".")[0] + ".review.sssom.tsv")
    if not review.exists():
        answer = _propose(read, target, to, review, options)
        if options["unreviewed"] is None:
            answer["next"] = f"mep3m align review {review}"
            _say(answer, as_json)
            ctx.exit(1)
    _say(answer := _apply(read, target, review, options), as_json)
    ctx.exit(1 if answer["without"] else 0)


def _entry(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a source that the options name."""
    columns = {key: options[key] for key in ("id", "title", "path", "separator") if options[key]}
    if options["labels"]:
        columns["labels"] = [name.strip() for name in options["labels"].split(",") if name.strip()]
    given = {"format": options["format"], "encoding": options["encoding"], "columns": columns}
    return {name: value for name, value in given.items() if value}


def _propose(
    shop: Shop, target: PublishedTaxonomy, to: Path, review: Path, options: dict[str, Any]
) -> dict[str, Any]:
    from mep3m.recipes.map_shop import write_proposals
    from mep3m.settings.align import AlignSettings

    settings = AlignSettings.parse({"method": options["method"]}, "align map")
    rows, accepted = write_proposals(shop, target, to, review, settings)
    return {"review": str(review), "proposals": rows, "accepted_by_method": accepted}


def _apply(shop: Shop, target: PublishedTaxonomy, review: Path, options: dict[str, Any]) -> dict[str, Any]:
    from mep3m.recipes.map_shop import UPLOAD_COLUMNS, decided_places, write_column
    from mep3m.settings.align import MergeSettings

    given = given_options(options, ("unreviewed", "accept_above"))
    places, verdicts = decided_places(
        shop, target, review, MergeSettings.parse({"unreviewed": "skip", **given}, "align map")
    )
    numbers = target.kind == "google" and target.side.entries[0].id.isdecimal()
    as_path = (options["write"] or ("id" if numbers else "path")) == "path"
    column = options["column"] or UPLOAD_COLUMNS.get(target.kind, "category")
    mapped = write_column(shop, places, options["out"], column, as_path)
    return {
        "out": str(options["out"]),
        "column": column,
        "rows": mapped.rows,
        "filled": mapped.filled,
        "categories": mapped.categories,
        "without": [{"category": name, "rows": count} for name, count in mapped.without],
        "review": {"file": str(review), **verdicts},
    }


def _say(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
        return
    if "out" not in answer:
        click.echo(
            f"{answer['proposals']:,} proposals, {answer['accepted_by_method']:,} accepted by the method"
        )
        click.echo(
            f"review     {answer['review']}: decide there ({answer['next']}), then give this command again"
        )
        return
    review = answer["review"]
    decided = ", ".join(f"{count:,} {word}" for word, count in review.items() if word != "file")
    click.echo(f"review     {review['file']}: {decided}")
    click.echo(
        f"written    {answer['out']}: '{answer['column']}' of {answer['filled']:,} of {answer['rows']:,} rows"
    )
    if answer["without"]:
        click.echo(f"without a place: {len(answer['without']):,} of {answer['categories']:,} categories")
    for one in answer["without"][:SHOWN]:
        click.echo(f"{one['rows']:>9,}  {one['category']}")
