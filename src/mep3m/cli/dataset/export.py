"""`mep3m export`: the products of a store as MEP-3M's annotation file."""

from __future__ import annotations

from pathlib import Path

import click

from mep3m.cli.shared import FILE, NEW_FILE, json_option, print_json
from mep3m.errors import UsageError


@click.command(epilog="Example: mep3m export built/5-align --out exported.json")
@click.argument("store", type=FILE)
@click.option("--out", type=NEW_FILE, required=True, help="The annotation array, as MEP-3M has it (JSON).")
@click.option(
    "--cut", is_flag=True, help="Leave out levels below the third: the format has no place for them."
)
@json_option
def export(store: Path, out: Path, cut: bool, as_json: bool) -> None:
    """Write the products of STORE in MEP-3M's own format, for tools that read it.

    Each record has the ids and names of three levels, the image's path and size, the title and the text
    in the image; what is missing is "FALSE", as there. Categories that did not come from MEP-3M are
    numbered in the tree's order. Dropped products are left out; a product with a category below the
    third level is an error, unless --cut leaves those out.
    """
    from mep3m.exports.mep3m import write_annotations
    from mep3m.store import Store

    opened = Store.open(store)
    if out.exists():
        raise UsageError(f"{out} exists; name another file or delete it")
    written = write_annotations(opened.products(), opened.taxonomy, out, cut)
    numbers = {
        "written": written.products,
        "left_out": opened.rows - written.products,
        "cut": written.cut,
        "categories": len(opened.taxonomy),
    }
    if as_json:
        print_json({**numbers, "out": str(out)})
    else:
        click.echo(f"{written.products:,} products written, {numbers['left_out']:,} dropped ones left out")
        if written.cut:
            click.echo(f"{written.cut:,} products lost what lies below their third level")
        click.echo(f"annotations {out}")
