"""`mep3m desk people`: the accounts of a desk."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import click

from mep3m.cli.shared import json_option, print_json

FOLDER = click.Path(path_type=Path)


@click.group()
def people() -> None:
    """People who sign in at a desk: add, list, remove."""


@people.command(epilog="Example: mep3m desk people add demo --name anna --role reviewer")
@click.argument("folder", type=FOLDER)
@click.option("--name", required=True, help="Whose account it is; stands with every decision.")
@click.option(
    "--role",
    default="reviewer",
    show_default=True,
    help="reader: look; reviewer: decide; admin: also apply decisions and see who decided what.",
)
@click.option(
    "--password-file",
    type=click.File("r", encoding="utf-8"),
    help="File whose first line is the password ('-': standard input). Default: asked for.",
)
@json_option
def add(folder: Path, name: str, role: str, password_file: TextIO | None, as_json: bool) -> None:
    """Add a person to the desk of FOLDER; from the first one on, everybody signs in."""
    from mep3m.desk.accounts.registry import opened, today

    if password_file is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = password_file.readline().rstrip("\r\n")
    with opened(folder) as known:
        person = known.add(name, role, password, today())
    if as_json:
        print_json({"name": person.name, "role": person.role})
        return
    click.echo(f"{person.name} may sign in as {person.role}")


@people.command("list", epilog="Example: mep3m desk people list demo")
@click.argument("folder", type=FOLDER)
@json_option
def list_people(folder: Path, as_json: bool) -> None:
    """List the people of the desk of FOLDER."""
    from mep3m.desk.accounts.registry import opened

    with opened(folder) as known:
        found = known.all()
    if as_json:
        print_json({"people": [{"name": person.name, "role": person.role} for person in found]})
        return
    for person in found:
        click.echo(f"{person.name}: {person.role}")


@people.command(epilog="Example: mep3m desk people remove demo --name anna")
@click.argument("folder", type=FOLDER)
@click.option("--name", required=True, help="Whose account is taken away.")
@json_option
def remove(folder: Path, name: str, as_json: bool) -> None:
    """Take a person away from the desk of FOLDER, and their sessions at once; their decisions stay."""
    from mep3m.desk.accounts.registry import opened

    with opened(folder) as known:
        known.remove(name)
    if as_json:
        print_json({"removed": name})
        return
    click.echo(f"{name} can sign in no more")
