"""`mep3m keys`: who may ask a service for what."""

from __future__ import annotations

from pathlib import Path

import click

from mep3m.cli.shared import FILE, NEW_FILE, json_option, print_json


@click.group()
def keys() -> None:
    """Keys that open a service: add, list, remove."""


@keys.command(epilog="Example: mep3m keys add keys.json --name shop --scope assign --per-minute 600")
@click.argument("file", type=NEW_FILE)
@click.option("--name", required=True, help="Whose key it is; stands in the log.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("assign",),
    show_default=True,
    help="What it opens: assign, review, admin (everything). Several are allowed.",
)
@click.option("--per-minute", type=click.IntRange(1), help="Most requests a minute; without it, no limit.")
@json_option
def add(file: Path, name: str, scopes: tuple[str, ...], per_minute: int | None, as_json: bool) -> None:
    """Add a key to FILE and print it, this once: FILE keeps only its hash."""
    from mep3m.service.keys import add_key

    secret = add_key(file, name, scopes, per_minute)
    if as_json:
        print_json({"name": name, "key": secret})
        return
    click.echo(secret)
    click.echo(f"the key of '{name}'; it is not shown again", err=True)


@keys.command("list", epilog="Example: mep3m keys list keys.json")
@click.argument("file", type=FILE)
@json_option
def list_keys(file: Path, as_json: bool) -> None:
    """List the keys of FILE."""
    from mep3m.service.keys import read_keys

    found = [key.model_dump(exclude={"hash"}) for key in read_keys(file)]
    if as_json:
        print_json({"keys": found})
        return
    for key in found:
        limit = f"{key['per_minute']:,} a minute" if key["per_minute"] else "no limit"
        click.echo(f"{key['name']}: {', '.join(key['scopes'])}; {limit}; made {key['made']}")


@keys.command(epilog="Example: mep3m keys remove keys.json --name shop")
@click.argument("file", type=FILE)
@click.option("--name", required=True, help="Whose key is taken away.")
@json_option
def remove(file: Path, name: str, as_json: bool) -> None:
    """Take a key out of FILE; a running service refuses it from the next request on."""
    from mep3m.service.keys import remove_key

    remove_key(file, name)
    if as_json:
        print_json({"removed": name})
        return
    click.echo(f"the key of '{name}' opens nothing any more")
