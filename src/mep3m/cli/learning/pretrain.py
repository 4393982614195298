"""`mep3m pretrain`: an encoder that learns from a product dataset before it is used for something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from mep3m.cli.shared import NEW_FOLDER, FiniteRange, column_options, json_option, print_json
from mep3m.errors import UsageError
from mep3m.settings.run import Hierarchy, Modality, Objective, PlatformSignal

EXAMPLE = """\b
Examples:
  mep3m pretrain photos.csv --image photo --labels kind --minutes 10 --out encoder
  mep3m pretrain photos.csv --image photo --objective self-supervised --minutes 10 --out encoder
  mep3m pretrain items.tsv --title title --labels l1,l2 --modality text --set epochs=8 --out encoder
"""


@click.command(epilog=EXAMPLE)
@click.argument("data", type=click.Path(path_type=Path))
@column_options
@click.option(
    "--modality",
    type=click.Choice(get_args(Modality)),
    default="image",
    show_default=True,
    help="What the encoder reads.",
)
@click.option(
    "--objective",
    type=click.Choice(get_args(Objective)),
    default="supervised",
    show_default=True,
    help="What it learns from: labels, titles beside images, or images alone.",
)
@click.option(
    "--platform-signal",
    type=click.Choice(get_args(PlatformSignal)),
    default="none",
    show_default=True,
    help="Whether vectors are to tell platforms (auxiliary) or not to tell them (adversarial).",
)
@click.option("--leave-out", help="A platform that is not learned from, to measure on.")
@click.option(
    "--weights",
    default="none",
    show_default=True,
    help="Where an image network begins: none, packaged, hub, auto, or a file, an encoder, a run.",
)
@click.option(
    "--hierarchy",
    type=click.Choice(("auto", *get_args(Hierarchy))),
    default="auto",
    show_default=True,
    help="How several label levels are joined.",
)
@click.option("--level", type=click.IntRange(1), help="Learn one level of the labels; without it, all.")
@click.option("--subset", help="Only the classes below this category ('name' or 'a > b').")
@click.option(
    "--minutes", type=FiniteRange(0, min_open=True), help="How long it learns. Default: 10 at most."
)
@click.option("--seed", default=0, show_default=True)
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="A setting, as of 'mep3m train'.")
@click.option("--out", required=True, type=NEW_FOLDER, help="Folder for the encoder.")
@click.option("--replace", is_flag=True, help="Learn anew where --out holds another encoder.")
@json_option
def pretrain(data: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Let an encoder learn from the products of DATA: a table or a store folder.

    The folder is for --weights of embed and pretrain, and for --set weights= of train. A tenth of the rows is
    held out; the card says how often their nearest products have their label, by level. The same command
    again goes on where it was interrupted. See docs/guide-pretrain.md.
    """
    from mep3m.cli.learning.train import column_map, end_refused, say_refused
    from mep3m.dataset.reading import open_products
    from mep3m.recipes.pretraining.pretrain import kept_card, pretrain_encoder

    columns, settings = column_map(options, data), pretrain_settings(options)
    opened = open_products(data, columns, options["image_root"], options["format"], options["encoding"])
    say_refused(opened.rejects, data)
    card = kept_card(out, opened, columns, settings, options["replace"])
    if card is None:
        card = pretrain_encoder(opened, columns, settings, out).to_json()
    else:
        click.echo(f"{out} holds this encoder already; nothing was learned", err=True)
    if as_json:
        print_json({"encoder": str(out), **card})
    else:
        print_encoder(card)
        click.echo(f"encoder in {out}; use it with: --weights {out}, or mep3m train --set weights={out}")
    left = card["left_out"] or {"unreadable_images": 0}
    end_refused(opened.rejects or card["data"]["unreadable_images"] or left["unreadable_images"])


def pretrain_settings(options: dict[str, Any]) -> Any:
    """Return the checked settings of a pre-training.

    Raises:
        SettingsError: a value is not allowed.
        UsageError: a --set is not NAME=VALUE, or says what --minutes says.
    """
    from mep3m.cli.learning.train import model_options
    from mep3m.cli.shared import given_options
    from mep3m.settings.run import PretrainSettings

    sets: dict[str, Any] = dict(model_options(options["sets"]))
    if options["minutes"] is not None:
        if twice := sets.keys() & {"minutes", "epochs"}:
            raise UsageError(f"--minutes and --set {min(twice)} both say how long it learns: give one")
        sets["minutes"] = options["minutes"]
    given = given_options(options, ("level", "leave_out"))
    if options["subset"]:
        given["subset"] = tuple(part.strip() for part in options["subset"].split(">"))
    names = ("modality", "objective", "platform_signal", "weights", "hierarchy", "seed")
    return PretrainSettings.parse(
        {**{name: options[name] for name in names}, "options": sets, **given}, "pretrain"
    )


def print_encoder(card: dict[str, Any]) -> None:
    """Print what a card says of an encoder as a few lines."""
    data = card["data"]
    click.echo(
        f"{card['network']} read {data['rows']:,} products of {len(data['platforms'])} platform(s), "
        f"{card['objective']}, {card['epochs']} epochs"
    )
    for name, what in (("held_out", "held-out products"), ("left_out", "products of the platform left out")):
        scores = card[name]
        for row in scores["levels"] if scores else ():
            click.echo(
                f"level {row['level']}: {row['top1']:.4f} of {row['n']:,} {what} have the label of their "
                f"{scores['neighbours']} nearest (most frequent label: {row['frequent']:.4f})"
            )
        if scores and scores["platform"] is not None:
            click.echo(
                f"platform: {scores['platform']:.4f} of {scores['n']:,} {what} are told by their nearest"
            )
