"""A gold alignment: what is known of the relations between two or more platforms' categories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from mep3m.alignment.records import TURNED, Proposal, Relation, Side
from mep3m.alignment.table import read_rows
from mep3m.errors import FormatError

Pair = tuple[str, str]
#: a platform ('' where nothing says which) and the id of one of its categories
End = tuple[str, str]
#: columns that name the platform of each end, where there are more than two; either word will do
PLATFORMS = {"left": ("left_platform", "left_source"), "right": ("right_platform", "right_source")}


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold alignment: (left id, right id) -> relation, or `None` where the file does not say.

    `overlaps` are the pairs that share products and are not linked. `unknown` lists the rows whose ids
    stand in no table, with their lines; they are in neither. `swapped` says that the file had the sides the
    other way round, and was turned. Where the file names platforms (`named`), ids are those of `named_ends`.
    `stated` are all rows that can be used: (left, relation, right).
    """

    pairs: Mapping[Pair, Relation | None]
    unknown: tuple[str, ...] = ()
    swapped: bool = False
    overlaps: frozenset[Pair] = frozenset()
    named: bool = False
    stated: tuple[tuple[End, Relation | None, End], ...] = ()

    def comparable(self, proposals: Iterable[Proposal]) -> list[Proposal]:
        """Return the proposals with their ids as this gold writes them."""
        return [named_ends(one) for one in proposals] if self.named else list(proposals)


def named_ends(proposal: Proposal) -> Proposal:
    """Put the platforms into the ids, and the smaller id to the left, so that both sides agree on pairs."""
    left = f"{proposal.left_source}: {proposal.left_id}"
    right = f"{proposal.right_source}: {proposal.right_id}"
    if left <= right:
        return replace(proposal, left_id=left, right_id=right)
    return replace(
        proposal, left_id=right, right_id=left, relation=TURNED[proposal.relation],
        left_label=proposal.right_label, right_label=proposal.left_label,
        left_source=proposal.right_source, right_source=proposal.left_source,
    )  # fmt: skip


def read_gold(
    path: Path, left: Side | None = None, right: Side | None = None, sides: Sequence[Side] = ()
) -> Gold:
    """Read columns `left_id`, `right_id`, and the optional `relation` and platforms.

    Relations are exact, broader, narrower and overlaps, said of the left. Where a side is given, a row with
    an id that it does not have is set aside with its line. Where both are, and more of its rows fit them
    the other way round, the whole file is turned. The columns `left_platform` and `right_platform` say whose
    ids they are where there are more than two platforms; these are then looked up in `sides`.

    Raises:
        NotFoundError: the file or a required column does not exist.
        FormatError: rows cannot be understood; the message lists each with its line.
    """
    return gold_of_rows(read_rows(path, required=("left_id", "right_id")), str(path), left, right, sides)


def gold_of_rows(
    rows: Iterable[tuple[int, Mapping[str, str]]],
    where: str,
    left: Side | None = None,
    right: Side | None = None,
    sides: Sequence[Side] = (),
) -> Gold:
    """Return the gold alignment of (line, cells) rows as `read_gold` does; `where` is for messages.

    Raises:
        FormatError: rows cannot be understood; the message lists each with its line.
    """
    pairs: dict[Pair, Relation | None] = {}
    problems: list[str] = []
    unknown: list[str] = []
    stated: list[tuple[End, Relation | None, End]] = []
    rows = list(rows)
    named = bool(rows) and all(_platform(rows[0][1], side) for side in PLATFORMS)
    swapped = not named and _is_swapped(rows, left, right)
    for line, row in map(_turned, rows) if swapped else rows:
        problem = _fault(row, named)
        missing = _missing(row, *(_sides_of(row, sides) if named else (left, right)))
        end = _named(row) if named and not problem else row
        pair, relation = (end["left_id"], end["right_id"]), end.get("relation") or None
        if not problem and pair in pairs and pairs[pair] != relation:
            problem = f"the pair {pair[0]} - {pair[1]} stands above with another relation"
        if problem:
            problems.append(f"line {line}: {problem}")
            continue
        unknown += [f"line {line}: {text}" for text in missing]
        if not missing:
            pairs[pair] = relation  # type: ignore[assignment]
            stated.append(_stated(row))
    if problems:
        raise FormatError(f"{where} cannot be used:\n  " + "\n  ".join(problems[:20]))
    overlaps = frozenset(pair for pair, relation in pairs.items() if relation == "overlaps")
    linked = {pair: relation for pair, relation in pairs.items() if pair not in overlaps}
    if not linked:
        raise FormatError(
            f"{where} holds no gold pair that can be used" + "".join(f"\n  {u}" for u in unknown[:5])
        )
    return Gold(linked, tuple(unknown), swapped, overlaps, named, tuple(stated))


def _fault(row: Mapping[str, str], named: bool) -> str | None:
    """Return why a row cannot be used, or `None`."""
    if row.get(""):
        return row[""]
    if not (row["left_id"] and row["right_id"]):
        return "an id is empty"
    if named and not all(_platform(row, side) for side in PLATFORMS):
        return "a platform is empty; name both, or leave out the columns"
    if row.get("relation") and row["relation"] not in get_args(Relation):
        return f"relation '{row['relation']}' is not allowed; write exact, broader, narrower or overlaps"
    return None


def _sides_of(row: Mapping[str, str], sides: Sequence[Side]) -> tuple[Side | None, Side | None]:
    """Return the sides that a row names; one of an unknown platform has no category, `None` is not known."""
    known = {side.name: side for side in sides}
    ends = [_platform(row, side) for side in PLATFORMS]
    left, right = (known.get(name, Side(name, ())) if sides else None for name in ends)
    return left, right


def _missing(row: Mapping[str, str], left: Side | None, right: Side | None) -> list[str]:
    """Say which ids of a row the sides do not have."""
    return [
        f"{column} '{row[column]}' is not in the table of platform '{side.name}'"
        for column, side in (("left_id", left), ("right_id", right))
        if side is not None and row[column] not in side
    ]


def _platform(row: Mapping[str, str], side: str) -> str:
    return next((row[column] for column in PLATFORMS[side] if row.get(column)), "")


def _stated(row: Mapping[str, str]) -> tuple[End, Relation | None, End]:
    ends = [(_platform(row, side), row[f"{side}_id"]) for side in PLATFORMS]
    return ends[0], row.get("relation") or None, ends[1]  # type: ignore[return-value]


def _named(row: Mapping[str, str]) -> Mapping[str, str]:
    """Return a row with its platforms in its ids, as `named_ends` does."""
    relation = row.get("relation", "")
    ends = [f"{_platform(row, side)}: {row[f'{side}_id']}" for side in PLATFORMS]
    if ends[0] > ends[1]:
        ends, relation = ends[::-1], TURNED.get(relation, relation)
    return {"left_id": ends[0], "right_id": ends[1], "relation": relation}


def _is_swapped(rows: Sequence[tuple[int, Mapping[str, str]]], left: Side | None, right: Side | None) -> bool:
    """Say whether more rows fit the sides the other way round than as they stand."""
    if left is None or right is None:
        return False
    ends = [(row["left_id"], row["right_id"]) for _, row in rows if not row.get("")]
    as_written = sum(one in left and other in right for one, other in ends)
    return sum(one in right and other in left for one, other in ends) > as_written


def _turned(numbered: tuple[int, Mapping[str, str]]) -> tuple[int, Mapping[str, str]]:
    """Return a row with its sides, and so its relation, the other way round."""
    line, row = numbered
    relation = row.get("relation", "")
    turned = {"left_id": row["right_id"], "right_id": row["left_id"]}
    return line, {**row, **turned, "relation": TURNED.get(relation, relation)}
