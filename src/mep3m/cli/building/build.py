"""`mep3m build` and `mep3m demo`: end-to-end runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import NEW_FOLDER, engine_options, json_option, print_json

if TYPE_CHECKING:
    from mep3m.recipes.build import Built

FOLDER = click.Path(path_type=Path)


@click.command(epilog="Example: mep3m build shops/mep3m.toml --out built")
@click.argument("project", type=FOLDER)
@click.option(
    "--out", required=True, type=NEW_FOLDER, help="Folder for every step, the model and the report."
)
@engine_options
@json_option
def build(project: Path, out: Path, workers: int, engine: str, as_json: bool) -> None:
    """Run every stage of the PROJECT file (mep3m.toml) into one dataset, a classifier and a report.

    Interrupt it at any moment and run it again: it goes on. A step whose input and settings are the
    same is not repeated. Edit OUT/review.sssom.tsv and build again to change the alignment.

    OUT/where.tsv says where every category of every shop went, and why.

    Exit code 1 says that the dataset is there, and that something of the sources is in quarantine,
    or that rows have no label.
    """
    refused = _build(project, out, workers, engine, as_json)
    click.get_current_context().exit(1 if refused else 0)


@click.command(epilog="Example: mep3m demo --out demo")
@click.option(
    "--out", default=Path("demo"), type=NEW_FOLDER, show_default=True, help="Folder for everything."
)
@click.option("--products", default=1200, show_default=True, help="Products that the simulator draws.")
@click.option("--seed", default=0, show_default=True, help="Another seed draws other shops.")
@engine_options
@json_option
def demo(out: Path, products: int, seed: int, workers: int, engine: str, as_json: bool) -> None:
    """Simulate shops with a known truth, merge them, train, and score the result against the truth.

    The shops have broken rows on purpose, so what is in quarantine is no failure here: exit code 0.
    """
    from mep3m.engine import bar
    from mep3m.settings.simulator import SimulatorSettings
    from mep3m.simulator.simulation import simulate

    settings = SimulatorSettings.parse({"products": products, "seed": seed}, "demo")
    simulate(out / "shops", settings, progress=bar)
    _build(out / "shops" / "mep3m.toml", out, workers, engine, as_json)
    if not as_json:
        click.echo(f"desk     mep3m desk {out}    opens all of it in a browser")


def _build(project: Path, out: Path, workers: int, engine: str, as_json: bool) -> int:
    """Build, print what came of it, and return how much is in quarantine or has no label (0: nothing)."""
    from mep3m.engine import bar, make_engine
    from mep3m.recipes.build import build as run
    from mep3m.report.where_report import unlabelled_lines
    from mep3m.settings.project import load_project

    built = run(load_project(project), project.parent, out, make_engine(engine, workers), bar)
    summary: dict[str, Any] = {
        "dataset": str(built.dataset.folder),
        "report": str(built.report),
        "steps": {
            name: {key: store.manifest[key] for key in ("rows", "dropped", "rejects")}
            for name, store in built.stores.items()
        },
        "scores": built.scores,
        "truth": built.truth,
        "where": str(built.where.file),
        "waiting": len(built.where.waiting),
        "unlabelled": [
            {"platform": platform, "path": list(path), "rows": rows}
            for (platform, path), rows in built.where.unlabelled.items()
        ],
    }
    refused = sum(int(store.manifest["rejects"]) for store in built.stores.values())
    if as_json:
        print_json(summary)
    else:
        _print(built, summary)
        if refused:
            click.echo(f"{refused:,} refused or failed; 'mep3m status {out}' says why", err=True)
    unlabelled = unlabelled_lines(built.where)
    if unlabelled:
        click.echo("\n".join(unlabelled), err=True)
    return refused + len(unlabelled)


def _print(built: Built, summary: Mapping[str, Any]) -> None:
    """Print what each step kept, the scores, and where the categories went."""
    from mep3m.report.build_report import left_out_note
    from mep3m.report.where_report import where_lines

    for name, counts in summary["steps"].items():
        kept = counts["rows"] - counts["dropped"]
        click.echo(f"{name:<9}{kept:>10,} kept of {counts['rows']:,}; {counts['rejects']:,} in quarantine")
    if built.scores is not None:
        from mep3m.cli.learning.train import print_scores

        click.echo()
        print_scores(dict(built.scores))
    if built.truth is not None:
        click.echo("\nagainst the truth   precision  recall")
        for what in ("alignment", "quality", "ocr"):
            if built.truth[what] is None:  # nothing was aligned, or there is no image
                continue
            click.echo(f"{what:<20}{built.truth[what]['precision']:.4f}   {built.truth[what]['recall']:.4f}")
        pairs = built.truth["duplicates"]["pairwise"]
        click.echo(f"{'duplicate pairs':<20}{pairs['precision']:.4f}   {pairs['recall']:.4f}")
        if note := left_out_note(built.truth):
            click.echo(note)
    click.echo("\n" + "\n".join(where_lines(built.where)))
    click.echo(f"\ndataset  {summary['dataset']}\nwhere    {summary['where']}\nreport   {summary['report']}")
