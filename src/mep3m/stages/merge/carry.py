"""A shop sent a new export: keep every decision that still holds, and list what to look at again."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mep3m.stages.align.proposal import Side
from mep3m.stages.align.sheet import Sheet
from mep3m.stages.merge.decisions import Decision, Ref, parse_decision
from mep3m.stages.merge.journal import DECIDED, EDITABLE

#: a decision is shown again when the method's probability moved by this much
DRIFT = 0.3


@dataclass(frozen=True, slots=True)
class LookAgain:
    """A decision of the old review that a person should see again; `line` is a line of the old file.

    `kept` says whether the decision stands in the new review meanwhile.
    """

    line: int
    reason: str
    kept: bool


@dataclass(frozen=True)
class Carried:
    """The new review, how many decisions it kept, and what must be looked at again."""

    sheet: Sheet
    kept: int
    again: tuple[LookAgain, ...]


def carry(old: Sheet, new: Sheet, sides: Sequence[Side] = ()) -> Carried:
    """Bring the decisions of `old` into the proposals of `new`.

    A decision holds when both categories are still called the same at the same place. One whose
    categories exist but are not proposed any more is added as a row. `sides`, the new tables of
    categories, tell what still exists; without them the new proposals do.

    Raises:
        ValueError: a row cannot be understood (read both with `decisions.read_review` first).
    """
    rows = [dict(row) for row in new.rows]
    places = {(d.left, d.right, d.relation): place for place, d in enumerate(_decisions(new))}
    pairs = {(d.left, d.right): place for place, d in enumerate(_decisions(new))}
    known = _known_labels(new, sides)
    again: list[LookAgain] = []
    kept = 0
    for decision, row in zip(_decisions(old), old.rows, strict=True):
        if decision.verdict == "open":
            continue
        gone = [ref for ref in (decision.left, decision.right) if sides and ref not in known]
        place = places.get((decision.left, decision.right, decision.relation))
        if place is None:
            place = pairs.get((decision.left, decision.right))
        if gone:
            again.append(LookAgain(decision.line, _gone(decision, gone[0], known), kept=False))
        elif change := _renamed(decision, known):
            again.append(LookAgain(decision.line, change, kept=False))
            if place is not None:
                rows[place]["comment"] = f"{_was(decision)}; {rows[place].get('comment', '')}".rstrip("; ")
        elif place is None:
            kept += 1
            rows.append(dict(row))
            if not sides:
                reason = f"not proposed any more, kept: {decision.link}"
                again.append(LookAgain(decision.line, reason, kept=True))
        else:
            kept += 1
            again += _drift(decision, rows[place])
            rows[place].update({column: row.get(column, "") for column in EDITABLE})
    columns = [*new.columns, *(c for c in (*DECIDED, *EDITABLE) if c not in new.columns)]
    sheet = Sheet(list(new.comments), list(dict.fromkeys(columns)), rows, list(range(len(rows))))
    return Carried(sheet, kept, tuple(again))


def _decisions(sheet: Sheet) -> list[Decision]:
    return [parse_decision(row, line) for line, row in sheet]


def _known_labels(new: Sheet, sides: Iterable[Side]) -> dict[Ref, str]:
    """Return the categories that exist in the new export with their paths as people read them."""
    known = {Ref(side.name, entry.id): entry.label for side in sides for entry in side}
    for decision in _decisions(new):
        known.setdefault(decision.left, decision.left_label)
        known.setdefault(decision.right, decision.right_label)
    return known


def _gone(decision: Decision, ref: Ref, known: dict[Ref, str]) -> str:
    """Say that a category is gone, and which of the new ones it may have become."""
    before = decision.left_label if ref == decision.left else decision.right_label
    others = {label: other.id for other, label in known.items() if other.source == ref.source}
    near = difflib.get_close_matches(before or ref.id, others, n=1, cutoff=0.7)
    hint = f"; perhaps it is '{others[near[0]]}' now ({near[0]})" if near else ""
    return f"{ref.source} '{ref.id}' is gone, {_was(decision)}: {decision.link}{hint}"


def _renamed(decision: Decision, known: dict[Ref, str]) -> str | None:
    pairs = ((decision.left, decision.left_label), (decision.right, decision.right_label))
    for ref, label in pairs:
        if label and known.get(ref) and known[ref] != label:
            return f"{ref.source} '{ref.id}' was '{label}' and is '{known[ref]}' now, {_was(decision)}"
    return None


def _drift(decision: Decision, row: dict[str, str]) -> list[LookAgain]:
    """Return a note when the method has become much surer or less sure than it was."""
    now = parse_decision({**row, "mep3m_decision": "", "mapping_date": ""}, decision.line).probability
    if now is None or decision.probability is None or abs(now - decision.probability) < DRIFT:
        return []
    reason = f"the probability went from {decision.probability:.2f} to {now:.2f}, kept: {decision.link}"
    return [LookAgain(decision.line, reason, kept=True)]


def _was(decision: Decision) -> str:
    who = " by ".join(word for word in (decision.verdict, decision.reviewer) if word)
    return f"was {who}{f' on {decision.date}' if decision.date else ''}"
