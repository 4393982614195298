"""`mep3m learn`: teach a trained run new classes from a few products."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import NEW_FOLDER, Share, column_options, given_columns, json_option, print_json

if TYPE_CHECKING:
    from mep3m.assignment.run import Run
    from mep3m.dataset.reading import Opened

EXAMPLE = """\b
Examples:
  mep3m learn run new.tsv --out run2 --test new-test.tsv
  mep3m learn run new.tsv --shots 3 --method prototypes --out run3 --json
"""


@click.command(epilog=EXAMPLE)
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@column_options
@click.option(
    "--method",
    type=click.Choice(("ridge", "prototypes", "finetune")),
    help="ridge: analytic; prototypes: nearest class mean; finetune: gradient steps, with old ones replayed. "
    "Default: finetune for a linear model of text, ridge for others.",
)
@click.option("--shots", type=click.IntRange(1), help="Products of each class to learn from. Default: all.")
@click.option(
    "--forget",
    type=Share(),
    help="Share of products of trained classes that learned ones may take, all increments together, by what "
    "was held out in training; 1 is no bound. Default: 0.01 for a linear model of text; others have none.",
)
@click.option("--seed", default=0, show_default=True, help="Draws them, where there are more.")
@click.option(
    "--test", "tests", multiple=True, type=click.Path(path_type=Path), help="Labelled products to score on."
)
@click.option("--test-root", type=click.Path(path_type=Path), help="Folder of their image files, if another.")
@click.option(
    "--known",
    type=click.Path(path_type=Path),
    help="Products of the classes of RUN, where it keeps nothing of those it was trained on.",
)
@click.option("--out", required=True, type=NEW_FOLDER, help="New folder for the run with the new classes.")
@json_option
def learn(run: Path, data: Path, out: Path, as_json: bool, **options: Any) -> None:
    """Teach RUN the new classes of DATA, from a few products of each, without training again.

    DATA is a table with the columns of training, or a folder of pictures with a folder for each class. Its
    labels are new classes, below a category that RUN has or in a branch of their own. What RUN makes of a
    picture or title stays as it is, so that it takes seconds; old products are not needed. What --out names
    is a run like any other, and can learn more.

    A learned class files nothing by itself: its products go to review until a promise ('guarantee') is made
    from an audit that has products of it. With --test (again for more files) it says how often old and new
    classes are right, and what was forgotten.
    """
    from mep3m.assignment.run import Run
    from mep3m.cli.learning.train import end_refused, say_refused
    from mep3m.errors import UsageError
    from mep3m.recipes.learning import LearnSettings, learn_run

    if out.exists():
        raise UsageError(f"{out} exists already; name another folder for the run with the new classes")
    given = {name: options[name] for name in ("method", "shots", "forget", "seed")}
    settings = LearnSettings.parse(given, "learn")
    opened = Run.open(run)
    new = _read(opened, data, options, options["image_root"])
    say_refused(new.rejects, data)
    test_root = options["test_root"] or options["image_root"]
    tests = [_read(opened, one, options, test_root) for one in options["tests"]]
    for one, path in zip(tests, options["tests"], strict=True):
        say_refused(one.rejects, path)
    known = options["known"]
    known = None if known is None else _read(opened, known, options, options["image_root"])
    made = learn_run(opened, new, out, settings, known, tests)
    if as_json:
        refused = len(new.rejects) + sum(len(one.rejects) for one in tests)
        print_json(made.to_json() | {"refused": refused})
    else:
        rows = sum(one["rows"] for one in made.classes)
        click.echo(
            f"{len(made.classes):,} classes learned from {rows:,} products in {made.seconds:g} s: {out}"
        )
        if made.scores is not None:
            print_history(made.history)
    if made.rejects:
        first = made.rejects[0]
        click.echo(
            f"{len(made.rejects):,} images could not be read and were left out (first: {first.value}: "
            f"{first.reason})",
            err=True,
        )
    end_refused([*new.rejects, *made.rejects, *(reject for one in tests for reject in one.rejects)])


def _read(run: Run, path: Path, options: dict[str, Any], root: Path | None) -> Opened:
    """Read labelled products by the columns of the run, or by those that were named."""
    columns = given_columns(options, path)
    return run.read(
        path,
        columns=columns,
        image_root=root,
        table=options["format"],
        ids=False,
        encoding=options["encoding"],
    )


def print_history(history: Sequence[dict[str, Any]]) -> None:
    """Print a line for each increment: accuracy on old, new and all classes, and what was forgotten."""
    click.echo(
        "increment  classes     old     new     all  forgotten  since training  by increment (0: training)"
    )
    for one in history:
        scores = one["scores"]
        if scores is None:
            click.echo(f"{one['increment']:>9}  {len(one['classes']):>7}  not scored")
            continue
        shares = "  ".join(_share(scores[name]) for name in ("old", "new", "all"))
        lost = f"{_share(scores['forgetting'], '+'):>9}  {_share(scores['since_training'], '+'):>14}"
        each = " ".join(_share(share) for share in scores["by_increment"])
        click.echo(f"{one['increment']:>9}  {len(one['classes']):>7}  {shares}  {lost}  {each}")


def _share(value: float | None, sign: str = "") -> str:
    return "    --" if value is None else f"{value:{sign}6.4f}"
