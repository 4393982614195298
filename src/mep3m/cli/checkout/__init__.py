"""`mep3m checkout`: count products on pictures of a tray, from a few pictures of each."""

from __future__ import annotations

import click

from mep3m.cli.checkout.count import count, score
from mep3m.cli.checkout.demo import demo
from mep3m.cli.checkout.draw import draw, train


@click.group()
def checkout() -> None:
    """Count products at a checkout, from a few pictures that show each of them alone.

    See docs/guide-checkout.md.
    """


for command in (draw, train, score, count, demo):
    checkout.add_command(command)
