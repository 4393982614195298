"""`mep3m represent`: what a representation is worth where new products have a few pictures each (§7)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import FILE, column_options, json_option, print_json
from mep3m.errors import UsageError

if TYPE_CHECKING:
    from mep3m.evaluation.intervals import Interval
    from mep3m.recipes.novel.represent import Represented

EXAMPLE = """\b
Examples:
  mep3m represent shelf.tsv --image file --labels kind,product --seeds 5
  mep3m represent shelf.tsv --image file --labels kind,product --weights none --shots 3 --set epochs=8
"""


@click.command(epilog=EXAMPLE)
@click.argument("data", type=FILE)
@column_options
@click.option("--test", type=FILE, help="Products to test on, with the same columns.")
@click.option("--test-root", type=FILE, help="Folder that the image files of --test are relative to.")
@click.option(
    "--weights",
    default="packaged",
    show_default=True,
    help="What the network begins with: none, packaged, auto, hub, or the file or folder of an encoder.",
)
@click.option("--model", help="Image model; without it small-cnn for --weights none, else pretrained.")
@click.option("--protocol", type=click.Choice(("novel",)), default="novel", show_default=True)
@click.option(
    "--novel-per-group",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Novel classes drawn in each group that has more.",
)
@click.option(
    "--shots",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="Pictures of a class to learn from.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The first seed.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="How many seeds.")
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="A setting of the model itself.")
@json_option
def represent(data: Path, as_json: bool, **options: Any) -> None:
    """Measure how well new products are learned from a few pictures, by the protocol of the paper's Table 9.

    The labels of DATA are a group and a class in it. In each group some classes are novel. A network learns
    the others, the base classes, from --shots pictures each, and is then transferred to base and novel
    together: accuracy on all test pictures, on those of novel and on those of base classes. Without --test,
    the pictures of DATA that are not learned from are the test. See docs/guide-retail-team.md.
    """
    from mep3m.cli.learning.train import column_map, model_options, say_refused
    from mep3m.dataset.reading import open_products
    from mep3m.recipes.novel.plan import NovelProtocol
    from mep3m.recipes.novel.represent import represent as run
    from mep3m.recipes.novel.start import start_from

    protocol = NovelProtocol(
        options["novel_per_group"],
        options["shots"],
        tuple(range(options["seed"], options["seed"] + options["seeds"])),
    )
    sides = [(data, options["image_root"])]
    if options["test"] is not None:
        sides.append((options["test"], options["test_root"]))
    elif options["test_root"] is not None:
        raise UsageError("--test-root is the folder of the pictures of --test; name that table too")
    opened = [
        open_products(path, column_map(options, path), root, options["format"], options["encoding"])
        for path, root in sides
    ]
    for one, (path, _) in zip(opened, sides, strict=True):
        say_refused(one.rejects, path)
    start = start_from(options["weights"], options["model"], model_options(options["sets"]))
    found = run(opened[0], opened[1] if len(opened) > 1 else None, start, protocol, say)
    if as_json:
        print_json(found.to_json())
    else:
        print_novel(found)
    if found.plan.rejects or any(one.rejects for one in opened):
        raise click.exceptions.Exit(1)


def print_novel(found: Represented) -> None:
    """Print the accuracies of every seed and their mean, beside Table 9 of the paper."""
    from mep3m.recipes.novel.represent import PAPER, PARTS

    draw, facts = found.plan.draws[0], found.start.facts()
    click.echo(
        f"{len(draw.base)} base and {len(draw.novel)} novel classes, {found.plan.protocol.shots} pictures "
        f"each; {facts['trained']}, {facts['backbone']} from {facts['source'] or 'random weights'}"
    )
    _line("", *PARTS)
    for score in found.scores:
        _line(f"seed {score.seed} ({score.rows:,} test pictures)", score.all, score.novel, score.base)
    if len(found.scores) > 1:
        _line(f"mean of {len(found.scores)} seeds", *map(found.mean, PARTS))
    for name, figures in PAPER.items():
        _line(f"paper {name}", *(f"{figure:.4f}" for figure in figures))


def _line(name: str, *cells: str | Interval | None) -> None:
    click.echo("  ".join([f"{name:<32}", *(f"{_shown(cell):<23}" for cell in cells)]).rstrip())


def _shown(cell: str | Interval | None) -> str:
    if cell is None or isinstance(cell, str):
        return cell or "no test picture"
    return f"{cell.value:.4f} ({cell.low:.3f} to {cell.high:.3f})"


def say(line: str) -> None:
    """Say one line on standard error."""
    click.echo(line, err=True)
