"""`mep3m align export`: what was decided, as an SSSOM set for other people's tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import FILE, NEW_FILE, given_options, json_option, print_json
from mep3m.store.append_log import now


@click.command(
    epilog="\b\nExample:\n"
    "  mep3m align export links.sssom.tsv --unreviewed accept --accept-above 0.9 --out published.sssom.tsv"
)
@click.argument("review_file", metavar="FILE", type=FILE)
@click.option("--out", type=NEW_FILE, required=True, help="The set, as SSSOM/TSV in its canonical form.")
@click.option("--title", default="mep3m alignment", show_default=True, help="Name of the set.")
@click.option("--license", "license_", help="IRI of the licence of the set. [default: unspecified]")
@click.option("--base", help="IRI that the ids are written below. [default: names within this set]")
@click.option("--unreviewed", help="accept: also what only the method accepted. [default: skip]")
@click.option("--accept-above", type=float, help="... from this probability on. [default: 0.8]")
@json_option
def export(review_file: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Write the decisions of a review FILE as an SSSOM set: ids as CURIEs, refused links with 'Not'.

    A review keeps the platforms' own ids, which are rarely CURIEs; this form is for tools that ask for
    them. Open and unsure rows are left out.
    """
    from mep3m.alignment.keeping.database_log import open_review
    from mep3m.alignment.review.decisions import links, parse_mapping, progress
    from mep3m.alignment.review.export import Terms, export_sssom
    from mep3m.alignment.review.file_log import require_replaceable
    from mep3m.alignment.review.sssom import NO_LICENSE
    from mep3m.settings.align import MergeSettings

    require_replaceable(out)
    given = given_options(options, ("unreviewed", "accept_above"))
    settings = MergeSettings.parse({"unreviewed": "skip", **given}, "mep3m align export")
    terms = Terms(options["title"], options["license_"] or NO_LICENSE, options["base"])
    with open_review(review_file) as log:
        review = log.read(now())
    sheet, decisions = review.sheet, review.decisions
    wanted = {decision.line for decision in links(decisions, settings)}
    wanted |= {decision.line for decision in decisions if decision.verdict in ("accept", "reject")}
    count = export_sssom(out, [parse_mapping(cells, line) for line, cells in sheet if line in wanted], terms)
    counts = progress(decisions)
    if as_json:
        print_json({"mappings": count, "left_out": len(decisions) - count, "out": str(out), **counts})
    else:
        click.echo(f"{count:,} mappings, {len(decisions) - count:,} rows left out that nobody decided")
        click.echo(f"set        {out}")
