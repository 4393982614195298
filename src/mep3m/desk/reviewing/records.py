"""What the reviewing of products speaks of: verdicts, items, groups of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

#: category: it belongs there; none: to no category; unsure: somebody else should say; withdrawn: not said
Verdict = Literal["category", "none", "unsure", "withdrawn"]
Queue = Literal["review", "audit", "control"]
#: the round of a decision: of one person, of a person who does not see the first, of an admin on a conflict
FIRST, SECOND, RESOLUTION = 1, 2, 3


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """What a person says of a product; `category` is a number of `Categories`."""

    verdict: Verdict
    category: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A product that people are asked about; `answer` is what `mep3m assign` said of it."""

    id: int
    own_id: str
    platform: str
    title: str | None
    ocr: str | None
    picture: str | None
    answer: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """Similar products that are decided together; `choices` are categories, the most probable first."""

    cluster: int
    items: tuple[ReviewItem, ...]
    choices: tuple[int, ...]
