"""`mep3m simulate`: invented shops with a known truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import NEW_FOLDER, given_options, json_option, print_json


@click.command(epilog="Example: mep3m simulate shops --products 1000 --platforms 3 --seed 7")
@click.argument("out", type=NEW_FOLDER)
@click.option("--products", type=int, help="Rows of all platforms together.  [default: 1000]")
@click.option("--platforms", type=int, help="Number of platforms, 2 to 6.  [default: 2]")
@click.option("--seed", type=int, help="The same seed gives the same bytes.  [default: 0]")
@click.option("--categories", type=int, help="Second-level categories of the true tree.  [default: all 87]")
@click.option("--images/--no-images", default=None, help="Draw product images.  [default: images]")
@click.option("--text", type=float, help="Share of images with Chinese text on them.  [default: 0.46]")
@click.option("--duplicates", type=float, help="Share of rows that repeat a product.  [default: 0.1]")
@click.option("--noise", type=float, help="Share of rows in a wrong category.  [default: 0.03]")
@click.option("--defects", type=float, help="Share of broken rows and images.  [default: 0.03]")
@click.option("--tail", type=float, help="Zipf exponent of the category sizes.  [default: 0.9]")
@click.option("--vague", type=float, help="How often titles point elsewhere, 0 to 1.  [default: 0]")
@click.option("--workers", type=int, default=1, show_default=True, help="Processes.")
@json_option
def simulate(out: Path, workers: int, as_json: bool, **options: Any) -> None:
    """Draw the catalogues of invented shops into OUT, with a project file and the truth.

    OUT/mep3m.toml is ready for 'mep3m build'; OUT/truth holds the true category, duplicate group,
    noise and defect of every row, the text on every image and the gold alignment.
    """
    from mep3m.engine import bar
    from mep3m.settings.simulator import SimulatorSettings
    from mep3m.simulator import simulate as draw

    settings = SimulatorSettings.parse(given_options(options), "mep3m simulate")
    simulation = draw(out, settings, workers, bar)
    if as_json:
        catalogues = {name: str(simulation.catalogue(name)) for name in simulation.platforms}
        print_json({"folder": str(out), "project": str(simulation.project), "catalogues": catalogues})
        return
    for name in simulation.platforms:
        click.echo(f"{name:<12} {simulation.catalogue(name)}")
    click.echo(f"project      {simulation.project}")
    click.echo(f"truth        {out / 'truth'}")
