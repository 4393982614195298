"""`mep3m desk FOLDER`: open the desk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mep3m.cli.shared import FILE, address_options, login_name


@click.command("open", epilog="Example: mep3m desk demo --port 8000")
@click.argument("folder", type=click.Path(path_type=Path))
@address_options
@click.option("--keys", type=FILE, help="Programs with a key of this file ('mep3m keys') are let in.")
@click.option(
    "--promise",
    type=FILE,
    help="Products are filed under this promise. Default: promise.json in FOLDER or its run.",
)
@click.option(
    "--answers",
    type=FILE,
    multiple=True,
    help="A file of answers to watch beside filed*.jsonl and filed*.parquet in FOLDER; may be given again.",
)
@click.option("--person", help="Who sits at this machine, where nobody signs in. Default: your login name.")
@click.option(
    "--project", type=FILE, help="mep3m.toml of the build: its first level counts when links are applied."
)
def open_desk(folder: Path, host: str, port: int, person: str | None, **given: Any) -> None:
    """Open the desk on FOLDER: what 'mep3m build' or 'mep3m demo' made, a store, or a run.

    With a run in FOLDER the endpoints of 'mep3m serve' answer here too.

    Without people ('mep3m desk people add') whoever sits at this machine is let in, and nobody else.
    """
    from mep3m.desk.app import create_desk
    from mep3m.desk.desk import Desk
    from mep3m.desk.settings import DeskSettings
    from mep3m.service.workers import address_of, listen, run_one

    settings = DeskSettings(folder=folder, person=person or login_name(), **given)
    desk = Desk.open(settings)
    app = create_desk(desk)
    remedy = f"add people with 'mep3m desk people add {folder}'"
    listening = listen(host, port, guarded=not desk.door.open, remedy=remedy)
    click.echo(f"the desk on {folder} is open at {address_of(host, listening)}", err=True)
    run_one(app, listening)
