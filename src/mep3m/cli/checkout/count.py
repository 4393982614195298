"""`mep3m checkout score` and `count`: products counted on pictures, with and without ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.checkout.shared import (
    counting_options,
    exemplar_options,
    lane_of,
    say_refused_pictures,
    say_whole,
    table_of,
)
from mep3m.cli.shared import NEW_FOLDER, json_option, print_json

SCORE = """\b
Example:
  mep3m checkout score products scenes --out scored
"""
COUNT = """\b
Example:
  mep3m checkout count products till --out counted
"""


@click.command(epilog=SCORE)
@exemplar_options
@click.argument("scenes", type=click.Path(path_type=Path))
@counting_options
@click.option("--out", required=True, type=NEW_FOLDER, help="Folder for answers, scores and pictures.")
@json_option
def score(exemplars: Path, scenes: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Count the products of EXEMPLARS on SCENES with ground truth, and score it by clutter level.

    SCENES is a folder of 'checkout draw', or one of RPC (instances_test2019.json and its pictures). Scores
    are RPC's: cAcc, ACD, mCCD, mCIoU, mAP50, mmAP. OUT gets scores.json, answers.jsonl (image, counts,
    boxes), and pictures/, where wrong boxes are red and missed ones blue.
    """
    from mep3m.checkout.lane import score_lane
    from mep3m.engine.progress import bar

    lane = lane_of(exemplars, options)
    scored, cut = score_lane(lane, scenes, out, options["looked_at"], bar)
    refused = [*cut.refused, *scored.refused]
    if as_json:
        told = {"products": len(cut.products), "refused": refused, "whole": list(cut.whole)}
        print_json(scored.to_json() | told)
    else:
        click.echo(f"{table_of(scored.levels)}\n{out}")
    _end(cut, refused)


@click.command(epilog=COUNT)
@exemplar_options
@click.argument("pictures", type=click.Path(path_type=Path))
@counting_options
@click.option("--out", required=True, type=NEW_FOLDER, help="Folder for answers and pictures.")
@json_option
def count(exemplars: Path, pictures: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Count the products of EXEMPLARS on PICTURES: a picture of a tray, or a folder of such.

    OUT gets answers.jsonl, one object a picture (image, counts, boxes), and pictures/ with the boxes.
    """
    from mep3m.checkout.lane import count_lane
    from mep3m.engine.progress import bar

    answers, cut = count_lane(lane_of(exemplars, options), pictures, out, options["looked_at"], bar)
    refused = [*cut.refused, *answers.refused]
    if as_json:
        told = {"images": len(answers.read), "products": len(cut.products), "found": len(answers.boxes.image)}
        print_json({"out": str(out), **told, "refused": refused, "whole": list(cut.whole)})
    else:
        click.echo(f"{len(answers.boxes.image):,} products on {len(answers.read):,} pictures: {out}")
    _end(cut, refused)


def _end(cut: Any, refused: list[str]) -> None:
    say_whole(cut.whole)
    say_refused_pictures(refused, "pictures")
    if refused:
        raise click.exceptions.Exit(1)
