"""`mep3m checkout demo`: the whole lane on drawn products, in minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.checkout.shared import table_of
from mep3m.cli.shared import NEW_FOLDER, json_option, print_json

EXAMPLE = """\b
Example:
  mep3m checkout demo --out lane
"""


@click.command(epilog=EXAMPLE)
@click.option("--products", type=click.IntRange(3), default=24, show_default=True, help="Products to draw.")
@click.option("--images", type=click.IntRange(1), default=8, show_default=True, help="Images of each level.")
@click.option("--scenes", type=click.IntRange(1), default=80, show_default=True, help="Scenes to learn from.")
@click.option("--epochs", type=click.IntRange(1), default=6, show_default=True)
@click.option("--weights", multiple=True, help="Encoder: auto, packaged, hub, or its file or folder.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", required=True, type=NEW_FOLDER, help="Folder for all of it.")
@json_option
def demo(out: Path, as_json: bool, weights: tuple[str, ...], **options: Any) -> None:
    """Draw products and scenes, train a detector, and score the lane without and with it.

    OUT gets exemplars/, scenes/, detector/, and by-tray/ and by-outlines/ with answers, scores and pictures.
    """
    from mep3m.checkout.lane import Trial, try_lane
    from mep3m.engine.progress import bar

    made = try_lane(out, Trial(**options), weights, bar)
    if as_json:
        print_json(made)
        return
    for name, levels in made["scores"].items():
        click.echo(f"by {name}:\n{table_of(levels)}\n")
    click.echo(f"{out}")
