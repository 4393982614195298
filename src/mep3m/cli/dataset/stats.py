"""`mep3m stats`: the statistics of a dataset and their report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import NEW_FOLDER, json_option, print_json


@click.command(epilog="Example: mep3m stats demo/dataset --report demo/report")
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option("--report", type=NEW_FOLDER, help="Write report.html and statistics.json here.")
@click.option("--seed", default=0, show_default=True, help="Picks the samples for words and pictures.")
@click.option(
    "--eyes/--no-eyes",
    default=True,
    show_default=True,
    help="Show in the report the nearest products by what a pre-trained network sees, where it is installed "
    "(mep3m[train]).",
)
@json_option
def stats(dataset: Path, report: Path | None, seed: int, eyes: bool, as_json: bool) -> None:
    """Print the paper's statistics of DATASET (a store folder), and write them as a report."""
    from mep3m.engine.progress import bar
    from mep3m.report.dataset_report import report_dataset
    from mep3m.representations.eyes import Eyes, can_see
    from mep3m.statistics.figures import dataset_figures
    from mep3m.statistics.numbers import statistics
    from mep3m.store import Store

    store = Store.open(dataset)
    if report:
        see = Eyes(store, bar).see if eyes and can_see() else None
        figures = dataset_figures(store, seed, see)
        report_dataset(figures, report)
        numbers = figures.numbers
    else:
        numbers = statistics(store, seed)
    if as_json:
        print_json(numbers)
        return
    rows, titles = numbers["rows"], numbers["titles"]
    click.echo(f"products         {rows['kept']:,} kept of {rows['total']:,}")
    for reason, count in rows["dropped"].items():
        click.echo(f"  dropped        {count:,}  {reason}")
    click.echo(f"in duplicates    {_duplicates(rows)}")
    for level in numbers["levels"]:
        click.echo(f"level {level['level']}          {level['classes']:,} classes, {level['rows']:,} rows")
    if titles["mean"] is not None:
        click.echo(f"titles           {titles['characters']:,} characters, mean length {titles['mean']:.1f}")
    click.echo(f"images           {numbers['images']['distinct']:,} distinct")
    if numbers["ocr"]["rows"]:
        click.echo(f"images with text {numbers['ocr']['rows']:,} ({numbers['ocr']['share']:.1%})")
    elif numbers["images"]["distinct"]:
        click.echo("images with text none, or not read yet")
    if report:
        click.echo(f"report           {report / 'report.html'}")


def _duplicates(rows: dict[str, Any]) -> str:
    """Return how many products have duplicates, in words."""
    if rows["duplicate_groups"] is None:
        return "not looked for yet"
    return f"{rows['in_duplicate_groups']:,} products in {rows['duplicate_groups']:,} groups"
