"""`mep3m dedupe`: group the duplicates of a store, or look one product up in it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import NEW_FOLDER, given_options, json_option, print_json


@click.command(
    epilog="\b\nExamples:\n"
    "  mep3m dedupe demo/3-dedupe --title '安满孕妈奶粉 800g' --image new.jpg\n"
    "  mep3m dedupe stores/raw --out stores/grouped --near-title 0.7"
)
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--title", help="Title of a new product to look up.")
@click.option("--image", type=click.Path(path_type=Path), help="Image of a new product to look up.")
@click.option("--out", type=NEW_FOLDER, help="Group all products into a store here.")
@click.option("--near-title", type=float, help="Least similarity of near titles.  [default: 0.6]")
@click.option("--image-distance", type=int, help="Most differing bits of near images.  [default: 4]")
@click.option(
    "--same-photo",
    type=float,
    help="Least share of agreeing pixels of photos that were cropped, framed or mirrored, with --out; "
    "0.85 is measured. Needs mep3m[train,ocr].",
)
@click.option("--workers", type=int, default=1, show_default=True, help="Processes for --out.")
@json_option
def dedupe(
    store: Path,
    title: str | None,
    image: Path | None,
    out: Path | None,
    workers: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Find what a new product repeats in STORE (--title, --image), or group STORE itself (--out)."""
    from mep3m.errors import NotFoundError, UsageError
    from mep3m.imaging.examine import examine
    from mep3m.settings.dedupe import DedupeSettings
    from mep3m.settings.sources import ImageLimits
    from mep3m.store import Store

    settings = DedupeSettings.parse(given_options(options), "mep3m dedupe")
    opened = Store.open(store)
    if out is not None and title is None and image is None:
        _group(opened, out, settings, workers, as_json)
        return
    if out is not None or (title is None and image is None):
        raise UsageError("give either a product to look up (--title, --image) or --out to group the store")
    if settings.same_photo is not None:
        raise UsageError("--same-photo groups a store; give --out FOLDER, or leave it out of a look-up")
    content = None
    if image is not None:
        if not image.is_file():
            raise NotFoundError(f"{image} is not a file; name an image")
        content = image.read_bytes()
        examine(content, ImageLimits())
    _look_up(opened, title, content, settings, as_json)


def _look_up(store: Any, title: str | None, image: bytes | None, settings: Any, as_json: bool) -> None:
    from mep3m.stages.dedupe.lookup import find_duplicates

    duplicates = find_duplicates(store, title, image, settings)
    if as_json:
        print_json({"duplicates": [asdict(one) for one in duplicates]})
        return
    for one in duplicates:
        bits = "" if one.distance is None else f", {one.distance} bits"
        click.echo(f"{one.reason:<11} {one.similarity:.2f}{bits}  {one.id}  {one.title or ''}")
    if not duplicates:
        click.echo("no duplicate found")


def _group(store: Any, out: Path, settings: Any, workers: int, as_json: bool) -> None:
    from mep3m.engine import bar, make_engine
    from mep3m.representations.eyes import Eyes
    from mep3m.stages.base import run_stage
    from mep3m.stages.dedupe.stage import DedupeStage, group_sizes

    see = None if settings.same_photo is None else Eyes(store, bar).see
    grouped = run_stage(DedupeStage(settings, see), store, out, make_engine("local", workers), bar)
    sizes = group_sizes(grouped)
    numbers = {
        "products": sum(size * groups for size, groups in sizes.items()),
        "groups": sum(sizes.values()),
        "groups_with_duplicates": sum(groups for size, groups in sizes.items() if size > 1),
        "largest_group": max(sizes, default=0),
    }
    if as_json:
        print_json({**numbers, "sizes": sizes})
        return
    for name, value in numbers.items():
        click.echo(f"{name.replace('_', ' '):<24} {value:,}")
