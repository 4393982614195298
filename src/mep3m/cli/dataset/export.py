"""`mep3m export`: the products of a store as MEP-3M's annotation file."""

from __future__ import annotations

from pathlib import Path

import click

from mep3m.cli.shared import FILE, NEW_FILE, json_option, print_json
from mep3m.errors import UsageError


@click.command(epilog="Example: mep3m export built/5-align --out exported.json")
@click.argument("store", type=FILE)
@click.option("--out", type=NEW_FILE, required=True, help="The annotation array, as MEP-3M has it (JSON).")
@json_option
def export(store: Path, out: Path, as_json: bool) -> None:
    """Write the products of STORE in MEP-3M's own format, for tools that read it.

    Each record has the ids and names of three levels, the image's path and size, the title and the text
    in the image; what is missing is "FALSE", as there. Categories that did not come from MEP-3M are
    numbered in the tree's order. Dropped products are left out.
    """
    from mep3m.exports.mep3m import write_annotations
    from mep3m.store import Store

    opened = Store.open(store)
    if out.exists():
        raise UsageError(f"{out} exists; name another file or delete it")
    written = write_annotations(opened.products(), opened.taxonomy, out)
    numbers = {"written": written, "left_out": opened.rows - written, "categories": len(opened.taxonomy)}
    if as_json:
        print_json({**numbers, "out": str(out)})
    else:
        click.echo(f"{written:,} products written, {numbers['left_out']:,} dropped ones left out")
        click.echo(f"annotations {out}")
