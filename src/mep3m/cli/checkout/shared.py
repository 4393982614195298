"""What the commands of the checkout share: where products are, and what is said of their pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from mep3m.cli.shared import FiniteRange, column_options

F = TypeVar("F", bound=Callable[..., Any])


def exemplar_options(command: F) -> F:
    """Add the argument EXEMPLARS, and the options that say how it is read."""
    photos = click.option(
        "--photos", default=12, show_default=True, help="Pictures of a product that are used at most."
    )
    where = click.argument("exemplars", type=click.Path(path_type=Path))
    return where(photos(column_options(command)))


def counting_options(command: F) -> F:
    """Add the options that say what counts, and what is written for looking."""
    options = [
        click.option(
            "--detector",
            type=click.Path(path_type=Path),
            help="What finds products: a folder of 'checkout train', or a file of weights of a detector of "
            "torchvision. Default: what is unlike the tray.",
        ),
        click.option(
            "--weights",
            multiple=True,
            help="Encoder: auto, packaged, hub, or its file or folder. Default: auto.",
        ),
        click.option(
            "--least",
            type=FiniteRange(-1, 1),
            help="What is less like every product (cosine) is none of them. Default: 0.45.",
        ),
        click.option(
            "--looked-at",
            type=click.IntRange(0),
            default=4,
            show_default=True,
            help="Pictures of each level that are written with their boxes.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def lane_of(exemplars: Path, options: dict[str, Any]) -> Any:
    """Return the `Lane` that the options describe."""
    from mep3m.checkout.exemplars import TableChoices
    from mep3m.checkout.lane import Lane
    from mep3m.cli.learning.train import column_map

    columns = column_map(options, exemplars) if exemplars.is_file() else None
    if columns is None:
        column_map(options, exemplars)  # columns are named for a table only
    choices = TableChoices(columns, options["image_root"], options["format"], options["encoding"])
    weights, detector = tuple(options.get("weights") or ()), options.get("detector")
    lane = Lane(exemplars, options["photos"], choices, weights, detector)
    least = options.get("least")
    return lane if least is None else replace(lane, least=least)


def say_refused_pictures(refused: Sequence[str], what: str) -> None:
    """Say on standard error how many pictures were left out, and why the first."""
    if refused:
        click.echo(f"{len(refused):,} {what} were left out (first: {refused[0]})", err=True)


def say_whole(whole: Sequence[str]) -> None:
    """Say on standard error how many pictures stay whole, as their background could not be told."""
    if whole:
        click.echo(f"{len(whole):,} pictures stay with their background (first: {whole[0]})", err=True)


def table_of(levels: dict[str, dict[str, Any]]) -> str:
    """Return scores by level as lines."""
    names = ("images", "cAcc", "ACD", "mCCD", "mCIoU", "mAP50", "mmAP")
    lines = ["level    " + "".join(f"{name:>9}" for name in names)]
    for level, scores in levels.items():
        lines.append(f"{level:9}" + "".join(f"{_figure(scores[name]):>9}" for name in names))
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
