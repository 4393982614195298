"""`mep3m checkout draw` and `train`: scenes composed of products, and a detector that learns from such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.checkout.shared import exemplar_options, lane_of, say_refused_pictures, say_whole
from mep3m.cli.shared import NEW_FOLDER, FiniteRange, Share, json_option, print_json

DRAW = """\b
Examples:
  mep3m checkout draw products --out scenes --images 20
  mep3m checkout draw products --out apart --levels easy,medium --overlap 0 --images 20
"""
TRAIN = """\b
Example:
  mep3m checkout train products --scenes 200 --out detector
"""


@click.command(epilog=DRAW)
@exemplar_options
@click.option("--images", type=click.IntRange(1), default=30, show_default=True, help="Images of each level.")
@click.option("--levels", default="easy,medium,hard", show_default=True, help="Clutter levels, as in RPC.")
@click.option(
    "--side",
    type=click.IntRange(96, 4096),
    default=640,
    show_default=True,
    help="Side of an image, in pixels.",
)
@click.option(
    "--overlap",
    type=Share(0.9),
    default=0.1,
    show_default=True,
    help="The most of a product that others hide.",
)
@click.option(
    "--turn",
    type=FiniteRange(0, 180),
    default=180.0,
    show_default=True,
    help="How far products are turned to either side, in degrees.",
)
@click.option("--no-shadows", is_flag=True, help="Leave out shadows.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", required=True, type=NEW_FOLDER, help="Folder for the scenes and their ground truth.")
@json_option
def draw(exemplars: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Draw checkout images of the products of EXEMPLARS, with their ground truth.

    EXEMPLARS is a folder with one folder of pictures a product, a table (--labels, --image), a store, or a
    folder of RPC. Products are cut out and laid on a tray. OUT gets pictures and instances_test.json, in
    RPC's form (COCO). The same seed gives the same bytes.
    """
    from mep3m.checkout.cuts import cut_products
    from mep3m.checkout.scenes.compose import Drawing, check_levels
    from mep3m.checkout.scenes.draw import draw_scenes
    from mep3m.engine.progress import bar

    levels = tuple(dict.fromkeys(name.strip() for name in options["levels"].split(",") if name.strip()))
    found, left_out = lane_of(exemplars, options).opened()
    check_levels(levels, len(found))
    shadows = not options["no_shadows"]
    drawing = Drawing(options["side"], options["overlap"], options["turn"], shadows=shadows)
    cut = cut_products(found, bar)
    drawn = draw_scenes(cut, out, options["images"], levels, drawing, options["seed"], bar)
    refused = [*left_out, *cut.refused]
    if as_json:
        told = {"products": len(found), "images": len(drawn.pictures), "instances": len(drawn.boxes.image)}
        print_json({"out": str(out), **told, "refused": refused, "whole": list(cut.whole)})
    else:
        click.echo(f"{len(drawn.pictures):,} images of {len(found):,} products: {out}")
    say_whole(cut.whole)
    _end(refused)


@click.command(epilog=TRAIN)
@exemplar_options
@click.option(
    "--scenes", type=click.IntRange(1), default=160, show_default=True, help="Scenes that are learned from."
)
@click.option("--epochs", type=click.IntRange(1), default=8, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", required=True, type=NEW_FOLDER, help="Folder for the detector.")
@json_option
def train(exemplars: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Train a detector on scenes composed of the products of EXEMPLARS; minutes on two cores.

    It learns where one product ends and the next begins, not what they are: products that come later need no
    new one.
    """
    from mep3m.checkout.cuts import cut_products
    from mep3m.checkout.outlines import train_outlines
    from mep3m.checkout.scenes.compose import check_levels
    from mep3m.engine.progress import bar
    from mep3m.store.filesystem import exclusive_lock

    found, left_out = lane_of(exemplars, options).opened()
    check_levels(["easy"], len(found))
    with exclusive_lock(out):
        cut = cut_products(found, bar)
        made = train_outlines(cut.cuts, options["scenes"], options["epochs"], options["seed"], progress=bar)
        made.save(out)
    refused = [*left_out, *cut.refused]
    if as_json:
        print_json({"out": str(out), **made.facts, "refused": refused, "whole": list(cut.whole)})
    else:
        click.echo(f"detector of {made.facts['scenes']:,} scenes: {out}")
    say_whole(cut.whole)
    _end(refused)


def _end(refused: list[str]) -> None:
    say_refused_pictures(refused, "pictures or rows")
    if refused:
        raise click.exceptions.Exit(1)
