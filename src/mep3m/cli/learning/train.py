"""`mep3m train` and `mep3m split`: a classifier from a table or a store, and what it is tested on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import click

from mep3m.cli.shared import (
    NEW_FILE,
    NEW_FOLDER,
    column_options,
    encoding_option,
    format_option,
    given_columns,
    given_options,
    json_option,
    platform_option,
    print_json,
    renamed_option,
)
from mep3m.errors import UsageError
from mep3m.settings.run import OLD_SPLIT_KINDS, Hierarchy, Modality, SplitKind


class SplitKindChoice(click.Choice[str]):
    """A kind of split; names of an earlier version still work, without being listed."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the kind as it is called now."""
        return super().convert(OLD_SPLIT_KINDS.get(value, value), param, ctx)


EXAMPLE = """\b
Examples:
  mep3m train items.tsv --title title --labels l1,l2 --modality text --out run
  mep3m train demo/dataset --modality text --level 2 --out run
  mep3m train items.csv --title name --labels kind --modality text --set epochs=8 --out run
"""


@click.command(epilog=EXAMPLE)
@click.argument("data", type=click.Path(path_type=Path))
@column_options
@click.option("--modality", type=click.Choice(get_args(Modality)), default="text", show_default=True)
@click.option("--model", help="Model; without it, the recommended one for the modality.")
@click.option(
    "--hierarchy",
    type=click.Choice(("auto", *get_args(Hierarchy))),
    default="auto",
    show_default=True,
    help="How several label levels are joined; auto takes what is recommended for the model.",
)
@click.option(
    "--level", type=click.IntRange(1), help="Train one level as a flat task; without it, all levels."
)
@click.option("--leaf", is_flag=True, help="With --level: a row that ends above it keeps its deepest label.")
@click.option("--subset", help="Only the classes below this category ('name' or 'a > b').")
@click.option(
    "--split",
    type=click.Choice([kind for kind in get_args(SplitKind) if kind != "platform"]),
    help="How the rows for validation are drawn (default: grouped, duplicates together).",
)
@click.option(
    "--valid-share",
    type=float,
    help="Share of the rows of training that calibrate the model and make its card (default: 0.1).",
)
@click.option("--seed", default=0, show_default=True)
@click.option("--set", "sets", multiple=True, metavar="NAME=VALUE", help="A setting of the model itself.")
@click.option("--split-file", type=click.Path(path_type=Path), help="Train on the train side of this split.")
@click.option("--leakage", is_flag=True, help="Also measure how much a random split flatters this model.")
@click.option("--seeds", type=click.IntRange(1), default=1, help="Splits of each kind for --leakage.")
@click.option("--out", required=True, type=NEW_FOLDER, help="Folder for the run.")
@click.option("--replace", is_flag=True, help="Train anew where --out holds another finished run.")
@json_option
def train(data: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Train a classifier on DATA: a table (CSV, TSV, JSONL, Parquet) or a store folder.

    An empty label cell means no label at that level. A tenth of the rows, with duplicates kept on one
    side, is held out to calibrate the model and to write its card; see docs/guide-train.md. The same command
    again goes on where it was interrupted; a finished run with other data or settings is not written over.
    """
    from mep3m.dataset.reading import open_products
    from mep3m.dataset.splits import Split
    from mep3m.evaluation.label_checks import in_words
    from mep3m.recipes.classify import train_run
    from mep3m.recipes.finished import finished_card, made_from
    from mep3m.recipes.leakage import leakage
    from mep3m.store.json_files import write_json

    columns = column_map(options, data)
    settings = train_settings(options)
    opened = open_products(data, columns, options["image_root"], options["format"], options["encoding"])
    say_refused(opened.rejects, data)
    root = options["image_root"] or (data.parent if columns.image else None)
    split = Split.load(options["split_file"]) if options["split_file"] else None
    broken = 0
    made = made_from(opened, columns, settings, split)
    card = None if options["replace"] else finished_card(out, made, "--replace")
    if card is None:
        trained = train_run(opened, columns, root.resolve() if root else None, settings, out, split)
        card = trained.to_json()
        for line in in_words(trained.odd_labels, str(data)):
            click.echo(line, err=True)
        broken = trained.unreadable
        if not trained.held_out:
            click.echo(
                "too few products to hold any out: all are for training, and nothing tests it", err=True
            )
    else:
        click.echo(f"{out} holds this run already; nothing was trained", err=True)
    if options["leakage"] and "leakage" not in card:
        card["leakage"] = leakage(opened, settings, options["seeds"])
        write_json(out / "card.json", card)
    if as_json:
        print_json({"run": str(out), "refused": len(opened.rejects), **card})
    else:
        print_scores(card)
        click.echo(f"classifier in {out}; score it elsewhere with: mep3m evaluate {out} --data TABLE")
    end_refused(opened.rejects or broken)


@click.command(epilog="Example: mep3m split items.tsv --title title --kind grouped --out split.json")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--title", help="Column with the title: equal titles are duplicates.")
@click.option("--labels", default="", help="Label columns, coarse to fine; needed to stratify.")
@click.option("--id", "id_column", help="Column with the product id.")
@platform_option
@format_option
@encoding_option
@click.option("--kind", type=SplitKindChoice(get_args(SplitKind)), default="grouped", show_default=True)
@renamed_option(
    "--test-share", old="--share", default=0.2, show_default=True, help="Share of the rows to test on."
)
@renamed_option(
    "--test-platforms",
    old="--test-shops",
    default="",
    help="With --kind platform: the platforms to test on, joined by commas.",
)
@click.option("--level", type=click.IntRange(1), default=1, show_default=True, help="Level to stratify by.")
@click.option("--seed", default=0, show_default=True)
@click.option("--out", required=True, type=NEW_FILE, help="JSON file of the split.")
@json_option
def split(data: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Split DATA into train and test, as lists of product ids that 'train' and 'evaluate' read.

    grouped keeps duplicates together (the default), random is the paper's 8:2, stratified keeps the
    share of every class, platform tests on whole platforms.
    """
    from mep3m.dataset.dataset import Dataset
    from mep3m.dataset.reading import open_products
    from mep3m.dataset.splits import split_products

    columns = column_map(options, data)
    opened = open_products(data, columns, table=options["format"], encoding=options["encoding"])
    say_refused(opened.rejects, data)
    dataset = Dataset.of(opened.products)
    made = split_products(
        dataset.products,
        options["kind"],
        options["test_share"],
        options["seed"],
        dataset.names(options["level"]),
        comma_list(options["test_platforms"]),
    )
    if data.is_file() and columns.id is None:
        made = made.of_numbered_rows(dataset.products)
    made.save(out)
    summary = {"split": made.id, "train": len(made.train), "test": len(made.test), "out": str(out)}
    if as_json:
        print_json(summary)
    else:
        click.echo(f"{summary['train']:,} to train, {summary['test']:,} to test, split {made.id}: {out}")
    end_refused(opened.rejects)


def comma_list(text: str) -> tuple[str, ...]:
    """Return the names in a comma-separated option."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def column_map(options: dict[str, Any], data: Path) -> Any:
    """Return the `Columns` of the table `data` that the options name."""
    from mep3m.settings.sources import Columns

    return Columns.parse(given_columns(options, data), "columns")


def say_refused(rejects: Sequence[Any], data: Path, count: int | None = None) -> None:
    """Say how many rows of `data` were refused (`count`, where some are not given), and why the first."""
    if rejects:
        first, refused = rejects[0], len(rejects) if count is None else count
        where = f"line {first.line}: " if first.line else ""
        click.echo(f"{refused:,} rows of {data} were refused (first: {where}{first.reason})", err=True)


def end_refused(refused: object) -> None:
    """Exit with 1 where rows or images were refused; it has been said which."""
    if refused:
        raise click.exceptions.Exit(1)


def train_settings(options: dict[str, Any]) -> Any:
    """Return the checked settings of a run; the model is the default of the modality where none is named.

    Raises:
        SettingsError: a value is not allowed.
    """
    from mep3m.settings.run import RunSettings
    from mep3m.training.registry import default_model

    given = given_options(options, ("level", "split", "valid_share"))
    if options["subset"]:
        given["subset"] = tuple(part.strip() for part in options["subset"].split(">"))
    return RunSettings.parse(
        {
            "modality": options["modality"],
            "model": options["model"] or default_model(options["modality"]),
            "hierarchy": options["hierarchy"],
            "leaf": options["leaf"],
            "seed": options["seed"],
            "options": model_options(options["sets"]),
            **given,
        },
        "train",
    )


def model_options(sets: Sequence[str]) -> dict[str, str]:
    """Return the settings of a model that `--set` names.

    Raises:
        UsageError: one is not NAME=VALUE.
    """
    pairs = [text.partition("=") for text in sets]
    for name, sign, _ in pairs:
        if not sign:
            raise UsageError(f"--set {name} is not allowed: write NAME=VALUE, for example --set epochs=8")
    return {name.strip().replace("-", "_"): value.strip() for name, _, value in pairs}


def print_scores(scores: dict[str, Any]) -> None:
    """Print the levels of a card or an evaluation as a table."""
    if "measured_on" in scores:
        click.echo(f"measured on {scores['measured_on']}")
    click.echo("level      n  classes   top-1   top-5  macro F1  weighted F1  AP macro  unseen")
    for row in scores["levels"]:
        counts = (
            f"{row['level']:>5} {row['n']:>6,}  {row['classes']:>7,}  {row['top1']:.4f}  {row['top5']:.4f}"
        )
        averages = f"{row['macro_f1']:.4f}       {row['weighted_f1']:.4f}    {row['ap_macro']:.4f}"
        click.echo(f"{counts}    {averages}  {row['unseen']:>6,}")
    if "leakage" in scores:
        print_leakage(scores["leakage"])


def print_leakage(measured: dict[str, Any]) -> None:
    """Print the scores of random and grouped splits side by side."""
    click.echo(
        f"leakage: {measured['shared']:.1%} of the test rows of a random split have a duplicate in training; "
        f"means of {measured['splits']} splits"
    )
    click.echo("level  score     random  grouped  difference")
    for row in measured["levels"]:
        for score, name in (("top1", "top-1"), ("macro_f1", "macro F1")):
            one, two, gap = (row[kind][score] for kind in ("random", "grouped", "difference"))
            spread = "" if gap["sd"] is None else f" ± {gap['sd']:.4f}"
            means = f"{one['mean']:.4f}   {two['mean']:.4f}     {gap['mean']:+.4f}"
            click.echo(f"{row['level']:>5}  {name:<8}  {means}{spread}")


@click.command("export-onnx", epilog="Example: mep3m export-onnx run model.onnx")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("file", type=NEW_FILE)
@json_option
def export_onnx(run: Path, file: Path, as_json: bool) -> None:
    """Write the model of RUN as the ONNX file FILE: the same probabilities without this package.

    Inputs of a network are the normalised image and the token ids, those of the linear model the numbers
    and values of a title's n-grams, as docs/guide-train-networks.md and docs/guide-train.md say.
    """
    from mep3m.models.classifier import load
    from mep3m.models.linear.classifier import LinearClassifier

    classifier: Any = load(run)
    if isinstance(classifier, LinearClassifier):
        from mep3m.models.onnx.linear import export_linear

        export_linear(classifier, file)
    elif hasattr(classifier, "network"):
        from mep3m.models.onnx.network import export_onnx as write  # loads torch: after the checks

        write(classifier, file)
    else:
        parts = [part.name for part in run.iterdir() if (part / "weights.safetensors").exists()]
        hint = f"; export one of its parts: {', '.join(str(run / part) for part in parts)}" if parts else ""
        raise UsageError(f"{run} is not one model, so it has no ONNX form{hint}")
    if as_json:
        print_json({"onnx": str(file), "bytes": file.stat().st_size})
    else:
        click.echo(f"{file}: {file.stat().st_size / 2**20:.1f} MiB")
