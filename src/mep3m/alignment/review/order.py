"""Which rows of a review a person should look at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mep3m.alignment.records import MOST_DIGITS, TITLE_SEPARATOR
from mep3m.alignment.review.contract import Review
from mep3m.alignment.review.decisions import Decision
from mep3m.alignment.review.stock import at_stake

#: probability from which on a link that the self-test contradicts is sure but surprising
SURE = 0.5
#: verdicts of rows that a person has yet to decide
WAITING = ("open", "unsure")


@dataclass(frozen=True)
class Waits:
    """An open or unsure row: rows of both sides (`None`: not known), titles, and what speaks against it."""

    decision: Decision
    rows: tuple[int | None, int | None]
    titles: tuple[tuple[str, ...], tuple[str, ...]]
    self_test: str

    @property
    def at_stake(self) -> float:
        """The rows that the link would move, times its probability."""
        return at_stake(self.decision.relation, self.decision.probability or 0.0, self.rows)

    @property
    def surprising(self) -> bool:
        """Whether the method is sure of a link that the merge's test of itself contradicts."""
        return bool(self.self_test) and (self.decision.probability or 0.0) >= SURE


def review_order(review: Review) -> list[Waits]:
    """Return the rows that wait: sure but surprising ones first, then by rows at stake.

    Where no rows are known, those with a probability nearest to one half come first.
    """
    waiting = [
        waits_with(decision, cells)
        for decision, cells in zip(review.decisions, review.sheet.rows, strict=True)
        if decision.verdict in WAITING
    ]
    return sorted(waiting, key=rank)


def waits_with(decision: Decision, cells: Mapping[str, str]) -> Waits:
    """Return a row with what its cells say of the two categories."""
    rows = tuple(_rows(cells.get(f"mep3m_{side}_rows", "")) for side in ("subject", "object"))
    titles = tuple(_titles(cells.get(f"mep3m_{side}_titles", "")) for side in ("subject", "object"))
    return Waits(decision, (rows[0], rows[1]), (titles[0], titles[1]), cells.get("mep3m_self_test", ""))


def rank(one: Waits) -> tuple[bool, float, float, int]:
    """Return what rows are sorted by, the one most worth a decision first."""
    doubt = abs((one.decision.probability or 0.0) - 0.5)
    return not one.surprising, -one.at_stake, doubt, one.decision.line


def _rows(cell: str) -> int | None:
    """Return a count as a spreadsheet may have written it ('1,234'); what is none is not known."""
    plain = cell.replace(",", "").replace(" ", "").removesuffix(".0")
    return int(plain) if plain.isdecimal() and len(plain) <= MOST_DIGITS else None


def _titles(cell: str) -> tuple[str, ...]:
    return tuple(title for part in cell.split(TITLE_SEPARATOR) if (title := part.strip()))
