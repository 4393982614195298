"""What comes from the page about links: which are looked at, and what is decided."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import urlencode

from fastapi import Request

from mep3m.alignment.keeping.queue import LinkFilter, Shown
from mep3m.alignment.records import Relation
from mep3m.alignment.review.sssom import PREDICATES
from mep3m.errors import UsageError, did_you_mean

#: decision of a form -> the word of a review and the relation that it gives the link (`None`: as proposed)
DECISIONS: dict[str, tuple[str, Relation | None]] = {
    "accept": ("accept", None), "reject": ("reject", None), "unsure": ("unsure", None), "open": ("", None),
    "exact": ("accept", "exact"), "narrower": ("accept", "narrower"), "broader": ("accept", "broader"),
}  # fmt: skip
#: letters of a name that somebody gives a category
LONGEST = 500


@dataclass(frozen=True)
class Looking:
    """Which links somebody looks at, and whether without the method's opinion."""

    wanted: LinkFilter
    blind: bool

    @classmethod
    def of(cls, request: Request) -> Looking:
        """Return what the address of a page says.

        Raises:
            UsageError: a value is not allowed.
        """
        said = request.query_params
        blind = said.get("blind") == "1"
        wanted = LinkFilter(
            cast(Shown, said.get("shown", "waiting")),
            said.get("platforms", ""),
            cast(Relation, said.get("relation", "")),
            _probability(said.get("least", "")),
            _probability(said.get("most", "")),
            said.get("name", "").strip(),
        )
        # who sees only links of a probability knows it
        return cls(replace(wanted, least=None, most=None) if blind else wanted, blind)

    def query(self, **more: object) -> str:
        """Return the end of an address that says the same; with `blind` turned where that is given."""
        wanted = self.wanted
        values: dict[str, object] = {
            "shown": "" if wanted.shown == "waiting" else wanted.shown,
            "platforms": wanted.platforms,
            "relation": wanted.relation,
            "least": "" if wanted.least is None else wanted.least,
            "most": "" if wanted.most is None else wanted.most,
            "name": wanted.name,
            "blind": "1" if self.blind else "",
            **more,
        }
        said = urlencode({key: value for key, value in values.items() if value not in ("", None)})
        return f"?{said}" if said else ""


def cells_for(decision: str, name_zh: str = "", name_en: str = "") -> dict[str, str]:
    """Return the cells of a decision.

    Raises:
        UsageError: there is no such decision, or a name cannot be used.
    """
    if decision not in DECISIONS:
        raise UsageError(
            f"decision '{decision}' is none of {', '.join(DECISIONS)}{did_you_mean(decision, DECISIONS)}"
        )
    word, relation = DECISIONS[decision]
    cells = {"mep3m_decision": word}
    if relation is not None:
        cells["predicate_id"] = PREDICATES[relation]
    for column, name in (("mep3m_new_name_zh", name_zh), ("mep3m_new_name_en", name_en)):
        if len(name) > LONGEST:
            raise UsageError(f"the name has {len(name)} letters; at most {LONGEST} are kept")
        if name.strip():
            cells[column] = " ".join(name.split())
    if len(cells) > 1 + (relation is not None) and word != "accept":
        raise UsageError(f"a name needs an accepted link; '{decision}' gives none")
    return cells


def _probability(text: str) -> float | None:
    try:
        return float(text) if text.strip() else None
    except ValueError:
        raise UsageError(f"a probability is a number from 0 to 1, not '{text}'") from None
