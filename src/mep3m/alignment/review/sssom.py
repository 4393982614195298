"""Proposals and decisions as an SSSOM table (Simple Standard for Sharing Ontological Mappings, TSV).

Columns and metadata are those of SSSOM 1.0; what it does not know (`mep3m_…`) is declared in
`extension_definitions`. Categories keep the ids of their shops' tables, so that a person knows them
again; `sssom_export` writes the same mappings with the CURIEs that SSSOM asks for.

The direction is SKOS's: `subject skos:broadMatch object` says that the OBJECT is the broader one.
A proposal's `relation` is said of the left category, which is the subject: `narrower` (left is
narrower than right) is therefore written `skos:broadMatch`, and `broader` `skos:narrowMatch`. Categories
that overlap are `skos:relatedMatch`: related, and neither above nor below each other.
"""

from __future__ import annotations

import csv
import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from mep3m import __version__
from mep3m.alignment.records import TITLE_SEPARATOR, Proposal, Relation
from mep3m.alignment.review.metadata import read_metadata, yaml_text
from mep3m.alignment.review.stock import Stock, Stocks
from mep3m.alignment.sheet import Sheet, cell_text, read_sheet
from mep3m.errors import FormatError
from mep3m.store.filesystem import atomic_write

PREDICATES: dict[Relation, str] = {
    "exact": "skos:exactMatch",
    "narrower": "skos:broadMatch",
    "broader": "skos:narrowMatch",
    "overlaps": "skos:relatedMatch",
}
#: predicates as they are read: upper and lower case may have been changed by whoever edited the table
RELATIONS: dict[str, Relation] = {word.lower(): relation for relation, word in PREDICATES.items()}
#: predicates of SKOS that say less than we apply: such a row is open, and is told
OPEN_PREDICATES = tuple(
    f"skos:{name}" for name in ("closeMatch", "mappingRelation", "semanticRelation", "related")
)
SKOS = "http://www.w3.org/2004/02/skos/core#"
#: the value of `predicate_modifier` that denies a mapping
NOT = "Not"
#: what the identifiers of our sets begin with: an address for examples (RFC 2606), because sssom-py refuses
#: one whose prefix (`urn`) no prefix map declares
SET_ID = "https://example.org/mep3m/mappings/"
#: slots that SSSOM lets a set say once for all its mappings
SHARED_SLOTS = (
    "subject_source", "object_source", "mapping_tool", "mapping_tool_version", "mapping_date",
)  # fmt: skip
JUSTIFICATION = "semapv:CompositeMatching"
REVIEWED = "semapv:ManualMappingCuration"

#: columns of SSSOM 1.0, then those of this project (their names start with `mep3m_`)
COLUMNS = (
    "subject_id", "subject_label", "predicate_id", "object_id", "object_label", "confidence",
    "mapping_justification", "comment", "subject_source", "object_source", "reviewer_label",
    "mapping_date", "mapping_tool", "mapping_tool_version", "mep3m_accepted_by_method",
    "mep3m_evidence", "mep3m_decision", "mep3m_new_name_zh", "mep3m_new_name_en",
    "mep3m_subject_rows", "mep3m_object_rows", "mep3m_subject_titles", "mep3m_object_titles",
    "mep3m_self_test", "predicate_modifier",
)  # fmt: skip
REQUIRED = ("subject_id", "predicate_id", "object_id")
#: problems that one message lists
SHOWN = 20


@dataclass(frozen=True, slots=True)
class MappingRow:
    """One line of the table: a proposal, and what a person said about it.

    `decision` is the text of the cell ('' where nobody decided yet). `line` is where the row stood
    in the file, counted from 1. `predicate` is one of `OPEN_PREDICATES` where the row has that: its
    proposal is not accepted then, and its relation says nothing.
    """

    proposal: Proposal
    decision: str = ""
    new_name_zh: str = ""
    new_name_en: str = ""
    reviewer: str = ""
    date: str = ""
    tool_version: str = ""
    justification: str = JUSTIFICATION
    line: int | None = None
    predicate: str = ""


#: keys of the metadata that name what the proposals were made from: option of 'align propose' -> key
MADE_FROM = {key: f"mep3m_{key}" for key in ("left", "right", "store")}
#: slots of SSSOM for the version of what stands on either side
VERSION_SLOTS = {"left": "subject_source_version", "right": "object_source_version"}
#: what SSSOM asks for where nobody has said under which terms a table may be used
NO_LICENSE = "https://w3id.org/sssom/license/unspecified"
PREFIXES = {"semapv": "https://w3id.org/semapv/vocab/", "skos": SKOS}
DESCRIPTION = (
    "Decide in mep3m_decision: accept, reject or unsure; empty is open. A new name goes into "
    "mep3m_new_name_zh and mep3m_new_name_en, who decides into reviewer_label."
)


def write_sssom(
    path: Path,
    rows: Iterable[MappingRow | Proposal],
    title: str = "mep3m alignment",
    made_from: Mapping[str, Path] | None = None,
    versions: Mapping[str, str] | None = None,
    stocks: Stocks | None = None,
) -> int:
    """Write the table, one row a mapping, and return how many rows it has.

    A bare proposal is written as an undecided row of today and of this version. `made_from` (keys of
    `MADE_FROM`) is noted as paths from the table's own folder, for `read_made_from`.
    `versions` are those of the left and the right taxonomy where their files say them. `stocks` fills in the
    rows and titles of both categories. The set's
    identifier is made of its content: the same table has the same one; it has a fixed length, so it
    is filled in when the rows, which are not kept in memory, have been written.
    """
    own = [*MADE_FROM.values(), "mep3m_blind", *(name for name in COLUMNS if name.startswith("mep3m_"))]
    sources = {
        MADE_FROM[key]: yaml_text(os.path.relpath(source, path.parent))
        for key, source in (made_from or {}).items()
    }
    metadata = {
        "curie_map": "{" + ", ".join(f"{key}: {value}" for key, value in PREFIXES.items()) + "}",
        "mapping_set_id": f"{SET_ID}{uuid.UUID(int=0)}",
        "mapping_set_title": yaml_text(title),
        "mapping_set_description": yaml_text(DESCRIPTION),
        "license": NO_LICENSE,
        "extension_definitions": "[" + ", ".join(f"{{slot_name: {name}}}" for name in own) + "]",
        **sources,
        **{VERSION_SLOTS[key]: yaml_text(version) for key, version in (versions or {}).items()},
    }
    head = "".join(f"#{key}: {value}\n" for key, value in metadata.items()).encode()
    count = 0
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        file.write(head)
        content = _Content(file, title)
        writer = csv.DictWriter(content, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        for row in map(_dated, rows):
            ends = stocks.ends(row.proposal) if stocks is not None else (Stock(), Stock())
            cells = _cells(row) | _stock_cells(ends) | {"predicate_modifier": _modifier(row)}
            writer.writerow({column: cell_text(value) for column, value in cells.items()})
            count += 1
        file.seek(head.index(str(uuid.UUID(int=0)).encode()))
        file.write(str(content.identifier()).encode())
    return count


class _Content:
    """Text on its way into a file, from which a version 5 UUID is made."""

    def __init__(self, file: BinaryIO, title: str) -> None:
        self._file = file
        self._hash = hashlib.sha1(uuid.NAMESPACE_OID.bytes + title.encode(), usedforsecurity=False)

    def write(self, text: str) -> None:
        data = text.encode()
        self._hash.update(data)
        self._file.write(data)

    def identifier(self) -> uuid.UUID:
        return uuid.UUID(bytes=self._hash.digest()[:16], version=5)


def read_made_from(path: Path) -> dict[str, Path]:
    """Return what the table says it was made from (keys of `MADE_FROM`), whether it still exists or not.

    Raises:
        NotFoundError: the file does not exist.
    """
    written = read_metadata(read_sheet(path, REQUIRED).comments)
    sources = {key: written.get(name) for key, name in MADE_FROM.items()}
    return {key: path.parent / source for key, source in sources.items() if source}


def _dated(row: MappingRow | Proposal) -> MappingRow:
    if isinstance(row, MappingRow):
        return row
    return MappingRow(row, date=date.today().isoformat(), tool_version=__version__)


def read_sssom(path: Path) -> list[MappingRow]:
    """Read the table, also after a spreadsheet has saved it (BOM, quotes, moved or added columns).

    Raises:
        NotFoundError: the file or a required column does not exist.
        FormatError: cells cannot be understood; the message lists each with its line.
    """
    rows: list[MappingRow] = []
    problems: list[str] = []
    for line, cells in with_shared_slots(read_sheet(path, REQUIRED)):
        try:
            rows.append(parse_row(cells, line))
        except ValueError as error:
            problems.append(f"line {line}: {error}")
    if problems:
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise FormatError(f"{path} cannot be used:\n  " + "\n  ".join(problems[:SHOWN]) + more)
    return rows


def with_shared_slots(sheet: Sheet) -> Sheet:
    """Give every row what the metadata says once for all, unless a row says it itself; return the sheet.

    Only cells are added, no columns: the table is written again as it was.
    """
    said = read_metadata(sheet.comments)
    for slot in SHARED_SLOTS:
        if (value := said.get(slot)) and not any(row.get(slot) for row in sheet.rows):
            for row in sheet.rows:
                row[slot] = value
    return sheet


def parse_row(cells: Mapping[str, str], line: int) -> MappingRow:
    """Return the mapping of one row's cells.

    Raises:
        ValueError: a cell cannot be understood; the message says which, and what is allowed.
    """
    for column in REQUIRED:
        if not cells.get(column):
            raise ValueError(f"{column} is empty")
    relation, other = _relation(cells["predicate_id"])
    denied = _denied(cells.get("predicate_modifier", ""))
    accepted = cells.get("mep3m_accepted_by_method", "").lower()
    if accepted not in ("", "yes", "no", "true", "false"):
        raise ValueError(f"mep3m_accepted_by_method '{accepted}' is not allowed; write yes or no")
    proposal = Proposal(
        left_id=cells["subject_id"],
        right_id=cells["object_id"],
        relation=relation,
        probability=_confidence(cells.get("confidence", "")),
        accept=accepted in ("", "yes", "true") and not denied and not other and relation != "overlaps",
        evidence=_evidence(cells.get("mep3m_evidence", "")),
        words=cells.get("comment", ""),
        left_label=cells.get("subject_label", ""),
        right_label=cells.get("object_label", ""),
        left_source=cells.get("subject_source") or "left",
        right_source=cells.get("object_source") or "right",
    )
    return MappingRow(
        proposal,
        decision=cells.get("mep3m_decision", "") or ("reject" if denied else ""),
        new_name_zh=cells.get("mep3m_new_name_zh", ""),
        new_name_en=cells.get("mep3m_new_name_en", ""),
        reviewer=cells.get("reviewer_label", ""),
        date=cells.get("mapping_date", ""),
        tool_version=cells.get("mapping_tool_version", ""),
        justification=cells.get("mapping_justification") or JUSTIFICATION,
        line=line,
        predicate=other,
    )


def _relation(predicate: str) -> tuple[Relation, str]:
    """Return the relation of a predicate, and the predicate itself where it is one that stays open."""
    short = predicate.lower().replace(SKOS, "skos:")
    if short in RELATIONS:
        return RELATIONS[short], ""
    other = next((word for word in OPEN_PREDICATES if word.lower() == short), None)
    if other is None:
        allowed = ", ".join(PREDICATES.values())
        raise ValueError(f"predicate_id '{predicate}' is not allowed; write one of {allowed}")
    return "exact", other


def _denied(modifier: str) -> bool:
    if modifier.lower() not in ("", NOT.lower()):
        raise ValueError(f"predicate_modifier '{modifier}' is not allowed; write {NOT}, or leave it empty")
    return bool(modifier)


def _confidence(text: str) -> float:
    """Return the probability of a cell; an empty one (a blind review hides it) is 1."""
    try:
        value = float(text) if text else 1.0
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"confidence '{text}' is not a number from 0 to 1")
    return value


def _evidence(text: str) -> dict[str, float]:
    try:
        return {key: float(value) for key, _, value in (part.partition("=") for part in text.split())}
    except ValueError:
        raise ValueError(f"mep3m_evidence '{text}' is not a list of name=number") from None


def _cells(row: MappingRow) -> dict[str, str]:
    proposal = row.proposal
    values = (
        proposal.left_id, proposal.left_label, PREDICATES[proposal.relation],
        proposal.right_id, proposal.right_label, f"{proposal.probability:.6f}",
        row.justification, proposal.words, proposal.left_source, proposal.right_source,
        row.reviewer, row.date, "mep3m", row.tool_version, "yes" if proposal.accept else "no",
        " ".join(f"{key}={value:.4g}" for key, value in proposal.evidence.items()),
        row.decision, row.new_name_zh, row.new_name_en,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=False))


def _modifier(row: MappingRow) -> str:
    return NOT if row.decision == "reject" else ""


def _stock_cells(ends: tuple[Stock, Stock]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for side, stock in zip(("subject", "object"), ends, strict=True):
        cells[f"mep3m_{side}_rows"] = "" if stock.rows is None else str(stock.rows)
        titles = (title.replace("||", "|") for title in stock.titles)
        cells[f"mep3m_{side}_titles"] = TITLE_SEPARATOR.join(titles)
    return cells
