"""`mep3m export`: the products of a store as MEP-3M's annotation file."""

from __future__ import annotations

from pathlib import Path

import click

from mep3m.cli.shared import FILE, NEW_FILE, json_option, print_json
from mep3m.errors import UsageError

EXAMPLE = """\b
Examples:
  mep3m export built/5-align --out exported.json
  mep3m export mep3m --subset for-rpc --out for-rpc.json
"""


@click.command(epilog=EXAMPLE)
@click.argument("store", type=FILE)
@click.option("--out", type=NEW_FILE, required=True, help="The annotation array, as MEP-3M has it (JSON).")
@click.option(
    "--cut", is_flag=True, help="Leave out levels below the third: the format has no place for them."
)
@click.option(
    "--subset", help="Only the products below this category ('id' or 'a > b'), or of MEP-3M's subset for-rpc."
)
@json_option
def export(store: Path, out: Path, cut: bool, subset: str | None, as_json: bool) -> None:
    """Write the products of STORE in MEP-3M's own format, for tools that read it.

    Each record has the ids and names of three levels, the image's path and size, the title and the text
    in the image; what is missing is "FALSE", as there. Categories that did not come from MEP-3M are
    numbered in the tree's order. Dropped products are left out; a product with a category below the
    third level is an error, unless --cut leaves those out.
    """
    from mep3m.dataset.named_subsets import subset_of
    from mep3m.dataset.reading import open_kept
    from mep3m.exports.mep3m import write_annotations
    from mep3m.store import Store

    opened = Store.open(store)
    if out.exists():
        raise UsageError(f"{out} exists; name another file or delete it")
    products = opened.products()
    if subset:
        path = tuple(part.strip() for part in subset.split(">"))
        kept = set(subset_of(open_kept(opened).dataset, path).ids)
        products = (one for one in products if one.id in kept)
    written = write_annotations(products, opened.taxonomy, out, cut)
    numbers = {
        "written": written.products,
        "left_out": opened.rows - written.products,
        "cut": written.cut,
        "categories": len(opened.taxonomy),
    }
    why = "dropped ones or others" if subset else "dropped ones"
    if as_json:
        print_json({**numbers, "out": str(out)})
    else:
        click.echo(f"{written.products:,} products written, {numbers['left_out']:,} {why} left out")
        if written.cut:
            click.echo(f"{written.cut:,} products lost what lies below their third level")
        click.echo(f"annotations {out}")
