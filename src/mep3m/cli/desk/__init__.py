"""`mep3m desk`: open a desk on a build, and look after the people who work at it."""

from __future__ import annotations

import click

from mep3m.cli.desk.decided import export, promise
from mep3m.cli.desk.open import open_desk
from mep3m.cli.desk.people import people
from mep3m.cli.desk.take import take
from mep3m.cli.shared import DefaultGroup


@click.group(cls=DefaultGroup, default="open")
def desk() -> None:
    """Pages on which people explore, align, review, audit, try and watch: `desk FOLDER`.

    A first word that is not one of the commands is the FOLDER to open, as in desk open FOLDER.
    """


desk.add_command(open_desk)
desk.add_command(people)
desk.add_command(take)
desk.add_command(export)
desk.add_command(promise)
