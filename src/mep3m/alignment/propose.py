"""Propose links between the categories of several platforms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from mep3m.alignment.paper.rule import FirstLevels, first_level_classes, propose_paper
from mep3m.alignment.records import Proposal, Side
from mep3m.errors import UsageError
from mep3m.settings.align import AlignSettings

#: titles of an inner category that are taken from what lies below it
INNER_TITLES = 450


def propose(
    sides: Sequence[Side], settings: AlignSettings, first_levels: FirstLevels | None = None
) -> Sequence[Proposal]:
    """Return proposals between every two of the sides, by the method of the settings.

    `first_levels` maps (platform, its own first-level name) to the common class.

    Raises:
        UsageError: there are fewer than two sides, or two have the same name.
    """
    names = [side.name for side in sides]
    if len(sides) < 2 or len(set(names)) < len(names):
        raise UsageError(
            f"alignment needs two platforms or more, of different names; got: {', '.join(names)}"
        )
    if settings.method == "paper":
        return propose_paper(sides, settings, first_levels)
    from mep3m.alignment.crossing.relation import with_inner
    from mep3m.alignment.crossing.tables import Crossings
    from mep3m.alignment.learned.proposer import propose_evidence

    proposals: list[Proposal] = []
    whole = [
        with_inner(side, INNER_TITLES) if any(entry.titles for entry in side) else side for side in sides
    ]
    crossings = Crossings(whole)
    for left, right in combinations(whole, 2):
        classes = None
        if first_levels or settings.within_first_level == "always":
            classes = first_level_classes(left, right, settings, first_levels)
        proposals += propose_evidence(
            left, right, settings.evidence, classes, crossing=crossings.between(left, right)
        )
    return proposals
