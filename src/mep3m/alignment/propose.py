"""Propose links between the categories of several platforms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from mep3m.alignment.paper.rule import FirstLevels, first_level_classes, propose_paper
from mep3m.alignment.records import Proposal, Side
from mep3m.errors import UsageError
from mep3m.settings.align import AlignSettings


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
    from mep3m.alignment.learned.proposer import propose_evidence

    proposals: list[Proposal] = []
    for left, right in combinations(sides, 2):
        classes = None
        if first_levels or settings.within_first_level == "always":
            classes = first_level_classes(left, right, settings, first_levels)
        proposals += propose_evidence(left, right, settings.evidence, classes)
    return proposals
