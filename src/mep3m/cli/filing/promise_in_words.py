"""A promise, or why there is none, in words for a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


def print_promise(told: dict[str, Any], out: Path | None) -> None:
    """Print what was proven, and beside it what was not."""
    aim = f"a precision of {told['precision']:.12g} with confidence {told['confidence']:.12g}"
    if told["lambda"] is None:
        more = told["more_rows"]
        click.echo(f"nothing can be promised: {told['n']:,} audited rows do not prove {aim} at any threshold")
        click.echo(
            "at no threshold are these rows that precise: more rows will not help, a better model or a lower "
            "precision may"
            if more is None
            else f"about {more:,} more audited rows like these might ({told['rows_needed']:,} in all)"
        )
    else:
        per = told["per_1000"]
        click.echo(f"proven: {aim}, at a probability of {told['lambda']:g}")
        click.echo(
            f"  {told['errors']:,} of {told['filed']:,} filed rows are wrong, of {told['n']:,} audited: "
            f"precision at least {told['bound']:.4f}"
        )
        click.echo(
            f"  of 1,000 products {per['filed']:.0f} are filed, {per['wrong']:.1f} of them wrongly "
            f"({per['wrong_at_most']:.1f} at most), and {per['person']:.0f} are left to a person"
        )
        for part in told["parts"]:
            _print_part(part)
        for group in ("levels", "branches", "platforms"):
            if len(told[group]) > 1:
                _print_group(told[group], told["n"])
        if told["sets"] is not None:
            click.echo(
                f"  a product in review gets a few categories: {100 * told['sets']['coverage']:g} % of these "
                f"sets hold the true one (by {told['sets']['n']:,} rows)"
            )
        click.echo(f"  holds until {told['expires']}, if: {told['assumption']}")
    click.echo("beside it, without a proof:")
    for name, found in told["beside"].items():
        if found is None or not found["filed"]:
            click.echo(f"  {name}: files nothing")
            continue
        click.echo(
            f"  {name}: files {found['coverage']:.3f}, right {found['seen_precision']:.4f} here, "
            f"proven {found['bound']:.4f}"
        )
    if out is not None and told["lambda"] is not None:
        click.echo(f"written: {out}")


def print_check(told: dict[str, Any]) -> None:
    """Print whether a promise holds."""
    whose = "the rows it was made of" if told["same_audit"] else "new rows"
    click.echo(
        f"{told['verdict']}: on {whose}, {told['errors']:,} of {told['filed']:,} filed were wrong, of "
        f"{told['n']:,}; proven precision {told['bound']:.4f}, promised {told['precision']:g}"
    )
    for part in told.get("parts", ()):
        click.echo(
            f"  {_part_name(part)}: {part['verdict']}; {part['errors']:,} of {part['filed']:,} wrong, proven "
            f"{part['bound']:.4f}, promised {part['precision']:g}"
        )
    if told["verdict"] == "unclear":
        click.echo(
            f"too few to tell: at least {told['filings_needed']:,} filed rows, all right, would prove it"
        )
    for one in told["no_longer_covered"]:
        click.echo(f"nothing is filed at {one['path']}: {one['why']}")


def _part_name(part: dict[str, Any]) -> str:
    return "all other branches" if part["branch"] is None else str(part["branch"])


def _print_part(part: dict[str, Any]) -> None:
    name = _part_name(part)
    if part["lambda"] is None:
        click.echo(f"  {name}: {part['precision']:g} is not proven on {part['n']:,} rows; they go to review")
        return
    click.echo(
        f"  {name}: {part['precision']:g} at {part['lambda']:g}; {part['errors']:,} of {part['filed']:,} "
        f"filed are wrong, of {part['n']:,}: at least {part['bound']:.4f}"
    )


def _print_group(rows: list[dict[str, Any]], n: int, shown: int = 12) -> None:
    for one in rows[:shown]:
        kind = next(iter(one))
        share = one.get("coverage", one["filed"] / n)
        click.echo(f"  {kind} {one[kind]}: files {share:.3f}, {one['errors']:,} of {one['filed']:,} wrong")
    if len(rows) > shown:
        click.echo(f"  and {len(rows) - shown:,} more (--json has all)")
