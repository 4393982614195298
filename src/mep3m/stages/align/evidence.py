"""Propose links between the categories of several platforms."""

from __future__ import annotations

from collections.abc import Sequence

from mep3m.errors import UsageError
from mep3m.settings.align import AlignSettings
from mep3m.stages.align.paper import FirstLevels, propose_paper
from mep3m.stages.align.proposal import Proposal, Side


def propose(
    sides: Sequence[Side], settings: AlignSettings, first_levels: FirstLevels | None = None
) -> list[Proposal]:
    """Return proposals between every two of the sides, by the method of the settings.

    Raises:
        UsageError: there are fewer than two sides, or a side is empty.
    """
    names = [side.name for side in sides]
    if len(sides) < 2 or len(set(names)) < len(names):
        raise UsageError(
            f"alignment needs two platforms or more, of different names; got: {', '.join(names)}"
        )
    return propose_paper(sides, settings, first_levels)
