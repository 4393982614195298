"""`mep3m serve`: a trained classifier over HTTP."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mep3m.cli.shared import FILE, address_options
from mep3m.errors import UsageError

if TYPE_CHECKING:
    from mep3m.service.settings import ServiceSettings
    from mep3m.service.versions import Version


@click.command(epilog="Example: mep3m serve runs/text --port 8000")
@click.argument("run", type=click.Path(path_type=Path))
@address_options
@click.option("--keys", type=FILE, help="Only who has a key of this file ('mep3m keys') is answered.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@click.option(
    "--edits", type=FILE, help="Edits of the category tree ('align edit') that the answers are to take in."
)
@click.option("--promise", type=FILE, help="File what this promise of 'guarantee' covers, and nothing else.")
@click.option("--shadow", is_flag=True, help="With --promise: say what would be filed, and file nothing.")
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Requests may name pictures in this folder.",
)
@click.option("--urls", is_flag=True, help="Requests may name pictures by public addresses.")
@click.option(
    "--batch",
    type=click.IntRange(2, 4096),
    default=64,
    show_default=True,
    help="Most requests that one call of the model answers.",
)
def serve(run: Path, host: str, port: int, workers: int, urls: bool, **given: Any) -> None:
    """Serve the classifier in RUN: a page at /, its endpoints with a description at /docs.

    /assign files products by titles, OCR text and pictures that they name, /assign-image and
    /assign-images by pictures that are sent along; /health, /ready and /metrics are for those who look after
    the service.

    RUN, the promise and the edits may be links: point them to others, and the next requests are answered by
    these; each answer names its version. What does not fit together is not served.
    """
    from mep3m.service.keys import read_keys
    from mep3m.service.settings import ServiceSettings
    from mep3m.service.workers import address_of, listen, run_many, run_one
    from mep3m.settings.sources import FetchSettings

    if given["shadow"] and given["promise"] is None:
        raise UsageError("--shadow says what a promise would file; name one with --promise")
    fetch = FetchSettings(enabled=urls, attempts=2)
    settings = ServiceSettings(run=run.absolute(), fetch=fetch, **given)
    if settings.keys is not None:
        read_keys(settings.keys)
    # whatever does not fit is said before anything listens
    version = _read(settings) if workers == 1 else _read_apart(settings)
    listening = listen(host, port, guarded=settings.keys is not None)
    at = f"serving {run} at {address_of(host, listening)}"
    if version is None:
        click.echo(at, err=True)
        run_many(settings, listening, workers)
        return
    from mep3m.service.app import create_app

    app = create_app(settings, version)
    click.echo(at, err=True)
    run_one(app, listening)


def _read(settings: ServiceSettings) -> Version:
    from mep3m.cli.learning.evaluate import say_edits
    from mep3m.service.versions import Version

    version = Version.load(settings)
    say_edits(version.run)
    return version


def _read_apart(settings: ServiceSettings) -> Version | None:
    """Read the run in a process that ends, and return nothing: each worker has a model, their parent none."""
    with ProcessPoolExecutor(1, get_context("spawn")) as apart:
        return apart.submit(_try, settings).result()


def _try(settings: ServiceSettings) -> None:
    _read(settings)
