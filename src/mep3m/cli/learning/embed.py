"""`mep3m embed`: products as vectors, for search, clusters and whatever compares products."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import NEW_FILE, column_options, json_option, print_json

if TYPE_CHECKING:
    from mep3m.recipes.embed import Embedded

EXAMPLE = """\b
Examples:
  mep3m embed items.tsv --title title --modality text --out vectors.parquet
  mep3m embed photos --modality image --out vectors.npy
  mep3m embed new.csv --title title --modality text --weights vectors.text --out new.parquet
"""


@click.command(epilog=EXAMPLE)
@click.argument("data", type=click.Path(path_type=Path))
@column_options
@click.option(
    "--modality",
    type=click.Choice(("image", "text", "image+text")),
    default="text",
    show_default=True,
    help="What the vectors are made from.",
)
@click.option(
    "--weights",
    multiple=True,
    help="auto, packaged, hub, none, or the file or folder of an encoder; may be given for image and text "
    "each. Default: auto.",
)
@click.option(
    "--seed", default=0, show_default=True, help="Draws the titles to learn from, where they are many."
)
@click.option("--out", required=True, type=NEW_FILE, help="Vectors as the name says: .parquet or .npy.")
@json_option
def embed(data: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Write a vector of unit length for every product of DATA.

    DATA is a table, a store, the folder of a build, a picture or a folder of pictures. Pictures go through a
    network with pre-trained weights, titles through an encoder that is learned from the titles of DATA and
    kept beside the output (NAME.text, for --weights). The file has your own id of each product and its
    vector; of .npy the ids are in NAME.ids.jsonl. A row with nothing to read is left out and counted. The
    same command again goes on where it was interrupted. See docs/guide-embed.md.
    """
    from mep3m.cli.learning.train import column_map, say_refused
    from mep3m.engine.progress import bar
    from mep3m.exports.rows import ending
    from mep3m.recipes.embed import embed as run
    from mep3m.recipes.embed import open_for_vectors
    from mep3m.representations.vector_file import ENDINGS

    ending(out, ENDINGS)  # before any work
    columns = column_map(options, data)
    modality = options["modality"]
    opened = open_for_vectors(
        data, modality, columns, options["image_root"], options["format"], options["encoding"]
    )
    say_refused(opened.rejects, data)
    made = run(opened, modality, out, options["weights"], options["seed"], bar)
    if as_json:
        print_json(made.to_json())
    else:
        click.echo(f"{made.written:,} vectors of width {made.width:,}: {made.out}")
    say_what_lacks(made)
    if made.refused or made.left_out or made.unreadable_images:
        raise click.exceptions.Exit(1)


def say_what_lacks(made: Embedded) -> None:
    """Say on standard error what the vectors were made with, and what they lack."""
    for encoder in made.encoders:
        network = f"{encoder['network']} with " if "network" in encoder else ""
        click.echo(f"{encoder['part']}: {network}{encoder['source']} (width {encoder['width']:,})", err=True)
    if made.text_encoder:
        click.echo(f"the encoder of titles is kept in {made.text_encoder}, for --weights", err=True)
    for name, rows in made.without.items():
        if rows:
            click.echo(f"{rows:,} vectors without {name}: zeros stand in its place", err=True)
    if made.unreadable_images:
        click.echo(
            f"{made.unreadable_images:,} images could not be read (first: {made.first_unreadable})", err=True
        )
    if made.left_out:
        click.echo(
            f"{made.left_out:,} rows have nothing to read and are left out (first: '{made.first_left_out}')",
            err=True,
        )
