"""A shop sent a new export: keep every decision that still holds, and list what to look at again."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mep3m.alignment.review.contract import DECIDED, EDITABLE
from mep3m.alignment.review.decisions import Decision, Ref, parse_decision
from mep3m.alignment.review.sssom import PREDICATES
from mep3m.alignment.sheet import Sheet

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
class Migration:
    """The new review, how many decisions it kept, and what must be looked at again."""

    sheet: Sheet
    kept: int
    again: tuple[LookAgain, ...]


def migrate_decisions(old: Sheet, new: Sheet, existing: Mapping[Ref, str] | None = None) -> Migration:
    """Bring the decisions of `old` into the proposals of `new`.

    A decision holds when both categories are still called the same at the same place. One whose
    categories exist but are not proposed any more is added as a row. `existing` holds the path of
    every category of the new export; without it only the new proposals tell what still exists. For
    a category that is gone, the one that it has probably become is offered as an open row.

    Raises:
        ValueError: a row cannot be understood (read both with `decisions.read_review` first).
    """
    desk = _Desk(new, existing)
    for decision, row in zip(_decisions(old), old.rows, strict=True):
        if decision.verdict != "open":
            desk.take(decision, row)
    columns = dict.fromkeys([*new.columns, *DECIDED, *EDITABLE])
    sheet = Sheet(list(new.comments), list(columns), desk.rows, list(range(len(desk.rows))))
    return Migration(sheet, desk.kept, tuple(desk.again))


class _Desk:
    """The new rows while the old decisions come in one by one."""

    def __init__(self, new: Sheet, existing: Mapping[Ref, str] | None) -> None:
        decisions = _decisions(new)
        self.rows = [dict(row) for row in new.rows]
        self.kept = 0
        self.again: list[LookAgain] = []
        self._complete = existing is not None
        self._known = dict(existing or {})
        for decision in decisions:
            self._known.setdefault(decision.left, decision.left_label)
            self._known.setdefault(decision.right, decision.right_label)
        self._places = {(d.left, d.right, d.relation): place for place, d in enumerate(decisions)}
        self._pairs = {(d.left, d.right): place for place, d in enumerate(decisions)}

    def take(self, decision: Decision, row: Mapping[str, str]) -> None:
        """Keep a decision where it holds, or list it."""
        gone = [ref for ref in (decision.left, decision.right) if self._complete and ref not in self._known]
        place = self._places.get(
            (decision.left, decision.right, decision.relation),
            self._pairs.get((decision.left, decision.right)),
        )
        if gone:
            became = {ref: successor for ref in gone if (successor := _became(decision, ref, self._known))}
            self._list(decision, _gone(decision, gone, became, self._known), kept=False)
            if len(became) == len(gone):
                self._offer(decision, row, became)
        elif change := _renamed(decision, self._known):
            self._list(decision, change, kept=False)
            if place is not None:
                self._remind(place, decision, _was(decision))
        else:
            self._keep(decision, row, place)

    def _keep(self, decision: Decision, row: Mapping[str, str], place: int | None) -> None:
        self.kept += 1
        if place is not None:
            if change := _drift(decision, self.rows[place]):
                self._list(decision, change, kept=True)
            self.rows[place].update({column: row.get(column, "") for column in EDITABLE})
            return
        self.rows.append(dict(row))
        if not self._complete:
            self._list(decision, f"not proposed any more, kept: {decision.link}", kept=True)

    def _offer(self, decision: Decision, row: Mapping[str, str], became: Mapping[Ref, Ref]) -> None:
        """Add the row about what the gone categories have probably become, open, with what was said."""
        left, right = became.get(decision.left, decision.left), became.get(decision.right, decision.right)
        place = self._pairs.get((left, right))
        if place is None:
            place = len(self.rows)
            self._pairs[(left, right)] = place
            names = {"subject_id": left.id, "object_id": right.id}
            labels = {"subject_label": self._known[left], "object_label": self._known[right]}
            hidden = dict.fromkeys((*DECIDED, "confidence", "mep3m_evidence"), "")
            self.rows.append(
                {**row, **hidden, **names, **labels, "mep3m_accepted_by_method": "no", "comment": ""}
            )
        self._remind(place, decision, f"{_was(decision)} for {decision.link}")

    def _remind(self, place: int, decision: Decision, words: str) -> None:
        """Leave a row open, with what was said before and the relation that a person gave it then."""
        row = self.rows[place]
        row["comment"] = f"{words}; {row.get('comment', '')}".rstrip("; ")
        if decision.verdict == "accept":
            row["predicate_id"] = PREDICATES[decision.relation]

    def _list(self, decision: Decision, reason: str, *, kept: bool) -> None:
        self.again.append(LookAgain(decision.line, reason, kept))


def _decisions(sheet: Sheet) -> list[Decision]:
    return [parse_decision(row, line) for line, row in sheet]


def _became(decision: Decision, ref: Ref, known: Mapping[Ref, str]) -> Ref | None:
    """Return the category of the new export that a gone one has probably become: the nearest path."""
    before = decision.left_label if ref == decision.left else decision.right_label
    others = {label: other for other, label in known.items() if other.source == ref.source}
    near = difflib.get_close_matches(before or ref.id, others, n=1, cutoff=0.7)
    return others[near[0]] if near else None


def _gone(
    decision: Decision, gone: Sequence[Ref], became: Mapping[Ref, Ref], known: Mapping[Ref, str]
) -> str:
    names = " and ".join(f"{ref.source} '{ref.id}'" for ref in gone)
    hints = ", ".join(f"'{other.id}' ({known[other]})" for other in became.values())
    hint = f"; perhaps {hints} now" if hints else ""
    return f"{names} is gone, {_was(decision)}: {decision.link}{hint}"


def _renamed(decision: Decision, known: Mapping[Ref, str]) -> str | None:
    pairs = ((decision.left, decision.left_label), (decision.right, decision.right_label))
    for ref, label in pairs:
        if label and known.get(ref) and known[ref] != label:
            return f"{ref.source} '{ref.id}' was '{label}' and is '{known[ref]}' now, {_was(decision)}"
    return None


def _drift(decision: Decision, row: Mapping[str, str]) -> str | None:
    """Return a note when the method has become much surer or less sure than it was."""
    now = parse_decision({**row, "mep3m_decision": "", "mapping_date": ""}, decision.line).probability
    if now is None or decision.probability is None or abs(now - decision.probability) < DRIFT:
        return None
    return f"the probability went from {decision.probability:.2f} to {now:.2f}, kept: {decision.link}"


def _was(decision: Decision) -> str:
    who = " by ".join(word for word in (decision.verdict, decision.reviewer) if word)
    return f"was {who}{f' on {decision.date}' if decision.date else ''}"
