"""`mep3m assign` and `mep3m serve`: file new products, from a table or over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import (
    FILE,
    NEW_FILE,
    column_options,
    given_columns,
    json_option,
    print_json,
    renamed_option,
)
from mep3m.errors import UsageError
from mep3m.settings.run import MIN_CONFIDENCE

#: products that are classified at once
BATCH = 8192


@click.command(epilog="Example: mep3m assign run new.csv --out assigned.xlsx")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@column_options
@click.option(
    "--out", required=True, type=NEW_FILE, help="Answers as the name says: .jsonl, .csv, .xlsx or .parquet."
)
@renamed_option(
    "--min-confidence",
    old="--threshold",
    type=click.FloatRange(0, 1),
    default=MIN_CONFIDENCE,
    show_default=True,
    help="The path ends where its probability falls below this; such products go to review.",
)
@click.option(
    "--edits", type=FILE, help="Edits of the category tree ('align edit') that the answers are to take in."
)
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Alternatives a product.")
@json_option
def assign(
    run: Path, data: Path, out: Path, min_confidence: float, top: int, as_json: bool, **options: Any
) -> None:
    """Give every product of DATA a category path with RUN.

    DATA is a table, a store, a picture or a folder of pictures. The columns are those of training unless
    others are named; labels are not read. A RUN that was trained on a store has none: name them to read a
    table. With --edits the answers are categories of the edited tree.

    An answer has your own id of the product (without an id column, the number of the row from 1), its path
    with a probability, a decision (filed or review) and the reason for a review. JSON lines also have a
    probability for each level and the most probable full paths. With --min-confidence 0 every product gets
    a full path, unless the model can read nothing of it.
    """
    import pyarrow.compute as pc

    from mep3m.assignment.answer import Assignment
    from mep3m.assignment.answer import assign as answer
    from mep3m.assignment.output import ENDINGS, answers_file
    from mep3m.assignment.run import Run
    from mep3m.cli.learning.evaluate import with_edits_of
    from mep3m.cli.learning.train import say_refused
    from mep3m.engine.progress import bar
    from mep3m.exports.rows import ending

    ending(out, ENDINGS)  # before any work
    opened_run = with_edits_of(Run.open(run), options["edits"])
    opened = opened_run.read(
        data,
        False,
        given_columns(options, data),
        options["image_root"],
        options["format"],
        encoding=options["encoding"],
    )
    say_refused(opened.rejects, data)
    names, depth = opened_run.taxonomy, opened_run.classifier.tree.depth
    platforms = pc.any(pc.not_equal(opened.products["id"], opened.products["source_id"])).as_py()
    review = unreadable = unread = 0
    first: Assignment | None = None
    total = opened.products.num_rows
    with (
        answers_file(out, depth, names is not None, bool(platforms)) as write,
        bar("assign", total, "products") as step,
    ):
        for start in range(0, total, BATCH):
            batch = opened.products.slice(start, BATCH)
            answers = answer(opened_run.classifier, batch, opened.images, top, min_confidence, names)
            review += sum(one.review for one in answers)
            unreadable += sum(one.unreadable is not None for one in answers)
            nothing = [one for one in answers if not one.top]
            unread, first = unread + len(nothing), first or next(iter(nothing), None)
            write(answers, batch["title"].to_pylist())
            step(batch.num_rows)
    counts = {"filed": total - review, "review": review, "refused": len(opened.rejects)}
    if first is not None:
        shown = f"first '{first.id}': {first.reason}"
        click.echo(f"{unread:,} products show the model nothing and go to review ({shown})", err=True)
    report(counts | {"unreadable_images": unreadable}, out, as_json)


def report(counts: dict[str, int], out: Path, as_json: bool) -> None:
    """Print what became of the products; exit with 1 where rows were refused or images not read."""
    if as_json:
        print_json(counts | {"out": str(out)})
    else:
        filed, review, refused = (f"{counts[name]:,}" for name in ("filed", "review", "refused"))
        click.echo(f"{filed} filed, {review} to review, {refused} refused: {out}")
    if counts["unreadable_images"]:
        broken = f"{counts['unreadable_images']:,} images could not be read and count as missing"
        click.echo(f"{broken}; their answers say why", err=True)
    if counts["refused"] or counts["unreadable_images"]:
        raise click.exceptions.Exit(1)


@click.command(epilog="Example: mep3m serve runs/text --port 8000")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--edits", type=FILE, help="Edits of the category tree ('align edit') that the answers are to take in."
)
def serve(run: Path, host: str, port: int, edits: Path | None) -> None:
    """Serve the classifier in RUN: a page at /, JSON at /assign, /assign-image, /card and /health."""
    import socket

    import uvicorn

    from mep3m.assignment.run import Run
    from mep3m.cli.learning.evaluate import with_edits_of
    from mep3m.service.app import create_app

    app = create_app(with_edits_of(Run.open(run, bare=True), edits))
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another --host or --port"
        ) from None
    listening.listen()  # who reads the next line may ask at once
    click.echo(f"serving {run} at http://{host}:{listening.getsockname()[1]}", err=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
