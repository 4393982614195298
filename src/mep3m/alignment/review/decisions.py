"""What people decided, read from a review file (SSSOM TSV), with every mistake named by its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from mep3m.alignment.records import TURNED, Relation
from mep3m.alignment.review.sssom import PREDICATES, REQUIRED, SHOWN, MappingRow, parse_row, with_shared_slots
from mep3m.alignment.sheet import Sheet, read_sheet
from mep3m.errors import FormatError, UsageError, did_you_mean
from mep3m.settings.align import MergeSettings

Verdict = Literal["accept", "reject", "unsure", "open"]

#: what people write in the column `mep3m_decision`
WORDS: dict[str, Verdict] = {
    "": "open", "open": "open",
    "accept": "accept", "accepted": "accept", "yes": "accept",
    "同意": "accept", "接受": "accept", "是": "accept",
    "reject": "reject", "rejected": "reject", "no": "reject", "拒绝": "reject", "否": "reject",
    "unsure": "unsure", "maybe": "unsure", "?": "unsure", "不确定": "unsure", "待定": "unsure",
}  # fmt: skip
#: rows that one range of lines may name
MOST_LINES = 1_000_000
DATE_FORMS = (
    re.compile(r"(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?"),
    re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})"),
)


@dataclass(frozen=True, slots=True)
class Ref:
    """A category as a review file names it: the platform, and the category's id there."""

    source: str
    id: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of a review file: `left` is `relation` to `right`, and what was said about it.

    `probability` is `None` where the file hides or lacks it; `by_method` is the method's own accept.
    `evidence` are the numbers that the method saw, `words` the same for a reader.
    """

    left: Ref
    right: Ref
    relation: Relation
    verdict: Verdict
    line: int
    probability: float | None = None
    by_method: bool = False
    name_zh: str | None = None
    name_en: str | None = None
    reviewer: str | None = None
    date: str | None = None
    left_label: str = ""
    right_label: str = ""
    evidence: Mapping[str, float] = field(default_factory=dict)
    words: str = ""
    #: a predicate that is not applied (skos:closeMatch): the row is open, unless it is rejected
    predicate: str = ""

    @property
    def link(self) -> str:
        """The row in words."""
        left, right = self.left_label or self.left.id, self.right_label or self.right.id
        return f"{self.left.source} '{left}' {self.predicate or self.relation} {self.right.source} '{right}'"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a review cannot be applied: the kind, the lines that cause it, what to do."""

    kind: Literal["unknown", "contradiction", "join", "cycle", "class", "parent", "name"]
    lines: tuple[int, ...]
    text: str

    def __str__(self) -> str:
        if not self.lines:
            return self.text
        return f"line{'s' * (len(self.lines) > 1)} {', '.join(map(str, self.lines))}: {self.text}"


def read_review(path: Path) -> tuple[Sheet, list[Decision]]:
    """Read a review file as the table it is and as decisions, in the same order.

    Predicates and dates, which spreadsheets write in their own way, are put back into the table's.

    Raises:
        NotFoundError: the file or a required column does not exist.
        FormatError: cells cannot be understood; the message lists each with its line.
    """
    sheet = with_shared_slots(read_sheet(path, REQUIRED))
    decisions: list[Decision] = []
    problems: list[str] = []
    for line, cells in sheet:
        try:
            decisions.append(parse_decision(cells, line))
        except ValueError as error:
            problems.append(f"line {line}: {error}")
            continue
        cells["predicate_id"] = decisions[-1].predicate or PREDICATES[decisions[-1].relation]
        if decisions[-1].date:
            cells["mapping_date"] = decisions[-1].date
    if problems:
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise FormatError(f"{path} cannot be used:\n  " + "\n  ".join(problems[:SHOWN]) + more)
    return sheet, decisions


def parse_mapping(cells: Mapping[str, str], line: int) -> MappingRow:
    """Return one row's cells as they were meant: numbers and dates of spreadsheets, `decision` a verdict.

    Raises:
        ValueError: a cell cannot be understood.
    """
    row = parse_row({**cells, "confidence": _number(cells.get("confidence", ""))}, line)
    word = row.decision.strip().lower()
    if word not in WORDS:
        hint = did_you_mean(word, ["accept", "reject", "unsure"])
        raise ValueError(
            f"mep3m_decision '{row.decision}' is not allowed{hint}; leave it empty for an open one"
        )
    return replace(row, decision=WORDS[word], date=_iso(row.date) or "")


def parse_decision(cells: Mapping[str, str], line: int) -> Decision:
    """Return the decision of one row's cells.

    Raises:
        ValueError: a cell cannot be understood.
    """
    row = parse_mapping(cells, line)
    proposal = row.proposal
    return Decision(
        left=Ref(proposal.left_source, proposal.left_id),
        right=Ref(proposal.right_source, proposal.right_id),
        relation=proposal.relation,
        verdict=WORDS[row.decision] if not row.predicate or row.decision == "reject" else "open",
        line=line,
        probability=proposal.probability if cells.get("confidence") else None,
        by_method=proposal.accept and bool(cells.get("mep3m_accepted_by_method")),
        name_zh=row.new_name_zh or None,
        name_en=row.new_name_en or None,
        reviewer=row.reviewer or None,
        date=row.date or None,
        left_label=proposal.left_label,
        right_label=proposal.right_label,
        evidence=proposal.evidence,
        words=proposal.words,
        predicate=row.predicate,
    )


def links(decisions: Iterable[Decision], settings: MergeSettings) -> list[Decision]:
    """Return the decisions that are applied: accepted by a person or, if asked for, by the method.

    An overlap says nothing that could be applied, not even where a person has confirmed it.
    """
    return [
        decision
        for decision in decisions
        if decision.relation != "overlaps"
        and (
            decision.verdict == "accept"
            or (
                settings.unreviewed == "accept"
                and decision.verdict == "open"
                and decision.by_method
                and (decision.probability or 0.0) >= settings.least(decision.relation)
            )
        )
    ]


def contradictions(decisions: Sequence[Decision]) -> list[Problem]:
    """Return the pairs about which two rows say what cannot both be true."""
    by_pair: dict[frozenset[Ref], list[Decision]] = {}
    problems: list[Problem] = []
    for decision in decisions:
        if decision.left == decision.right:
            text = f"a category is linked with itself: {decision.link}; delete the row"
            problems.append(Problem("contradiction", (decision.line,), text))
        elif decision.verdict in ("accept", "reject"):
            by_pair.setdefault(frozenset((decision.left, decision.right)), []).append(decision)
    for rows in by_pair.values():
        said = [(_turned(row, rows[0].left), row) for row in rows]
        for i, (relation, row) in enumerate(said):
            for other_relation, other in said[:i]:
                problems.extend(_compare(relation, row, other_relation, other))
    return problems


def progress(decisions: Iterable[Decision]) -> dict[Verdict, int]:
    """Return how many rows have each verdict."""
    counts: dict[Verdict, int] = {"accept": 0, "reject": 0, "unsure": 0, "open": 0}
    for decision in decisions:
        counts[decision.verdict] += 1
    return counts


def _turned(decision: Decision, left: Ref) -> Relation:
    """Return the relation as it reads with `left` on the left."""
    return decision.relation if decision.left == left else TURNED[decision.relation]


def _compare(relation: Relation, row: Decision, other_relation: Relation, other: Decision) -> list[Problem]:
    lines = (other.line, row.line)
    if relation == other_relation and row.verdict != other.verdict:
        text = f"the same link is accepted and rejected ({row.link}); keep one of the rows"
    elif relation != other_relation and row.verdict == other.verdict == "accept":
        text = (
            f"the same two categories are accepted as '{other_relation}' and as '{relation}' "
            f"({row.link}); accept one of them"
        )
    else:
        return []
    return [Problem("contradiction", lines, text)]


def _number(text: str) -> str:
    """Return a number as Python reads it: '0,97' and '97%' come from spreadsheets."""
    plain = text.replace(",", ".").strip()
    if plain.endswith("%"):
        try:
            return str(float(plain[:-1]) / 100)
        except ValueError:
            return text
    return plain


def _iso(text: str) -> str | None:
    """Return a date as YYYY-MM-DD.

    Raises:
        ValueError: it is no date, or one whose day and month cannot be told apart.
    """
    if not text:
        return None
    for form in DATE_FORMS:
        if match := form.fullmatch(text.split(" ")[0].split("T")[0]):
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"])).isoformat()
            except ValueError:
                break
    raise ValueError(f"mapping_date '{text}' is not a date; write YYYY-MM-DD")


def parse_lines(text: str) -> list[int]:
    """Return the line numbers of '12', '12,15' or '12-20'.

    Raises:
        UsageError: the text is none of these.
    """
    lines: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < first + MOST_LINES:
            raise UsageError(f"'{text}' names no lines; write for example 12 or 12,15 or 12-20")
        lines += range(first, last + 1)
    return lines


def with_reviewer(decisions: Iterable[Decision], reviewer: str | None) -> list[Decision]:
    """Return the decisions with `reviewer` where a person decided and left the cell empty."""
    return [
        replace(row, reviewer=reviewer) if row.verdict != "open" and row.reviewer is None else row
        for row in decisions
    ]


def rename_sources(decisions: Iterable[Decision], names: Mapping[str, str]) -> list[Decision]:
    """Return the decisions with platforms renamed: a review of two tables calls them left and right."""
    return [
        replace(
            row,
            left=replace(row.left, source=names.get(row.left.source, row.left.source)),
            right=replace(row.right, source=names.get(row.right.source, row.right.source)),
        )
        for row in decisions
    ]
