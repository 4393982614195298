"""Decided mappings as other people's tools read them: SSSOM/TSV in its canonical form.

Identifiers are CURIEs whose prefixes are declared, one a platform; licence and identifier of the set
are there; what is the same in all rows stands once, in the metadata; a link that people refused has
the modifier `Not`. The specification's words for all of it: mapping-commons.github.io/sssom.
"""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mep3m.alignment.records import Proposal
from mep3m.alignment.review.metadata import yaml_text
from mep3m.alignment.review.sssom import NO_LICENSE, NOT, PREDICATES, REVIEWED, SET_ID, MappingRow
from mep3m.alignment.sheet import one_line
from mep3m.errors import UsageError
from mep3m.store.filesystem import atomic_write

#: columns in the order of SSSOM's table of slots
COLUMNS = (
    "subject_id", "subject_label", "predicate_id", "predicate_modifier", "object_id", "object_label",
    "mapping_justification", "reviewer_label", "subject_type", "subject_source", "object_type",
    "object_source", "mapping_tool", "mapping_tool_version", "mapping_date", "confidence", "comment",
)  # fmt: skip
#: columns whose value goes into the metadata where all rows agree, in the order they have there
SHARED = (
    "subject_type", "subject_source", "object_type", "object_source", "mapping_tool",
    "mapping_tool_version", "mapping_date",
)  # fmt: skip
#: prefixes that SSSOM has given a meaning
TAKEN = frozenset({"dcterms", "linkml", "oboinowl", "orcid", "owl", "pav", "prov", "rdf", "rdfs", "semapv",
                   "skos", "sssom", "xsd"})  # fmt: skip
#: prefix of the platforms themselves
PLATFORM = "platform"


@dataclass(frozen=True)
class Terms:
    """What the owner of a set says about it.

    `base` is the IRI that the ids of platforms and categories are written below; without one they are
    names within this set.
    """

    title: str = "mep3m alignment"
    license: str = NO_LICENSE
    base: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("license", self.license), ("base", self.base)):
            if value is not None and not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+", value):
                raise UsageError(f"{name} '{value}' is no IRI; write for example https://example.org/shops/")


def export_sssom(path: Path, rows: Iterable[MappingRow], terms: Terms) -> int:
    """Write the mappings and return how many there are.

    A row whose `decision` is 'accept' or 'reject' is a person's, any other one the method's.

    Raises:
        UsageError: there is no row.
    """
    decided = list(rows)
    if not decided:
        raise UsageError(
            "nothing is decided yet; accept or reject rows with 'mep3m align review', or take what the "
            "method accepted with --unreviewed accept"
        )
    prefixes = _prefixes(
        source for row in decided for source in (row.proposal.left_source, row.proposal.right_source)
    )
    cells = sorted(_cells(row, prefixes) for row in decided)
    shared = {
        column: cells[0][COLUMNS.index(column)]
        for column in SHARED
        if len({row[COLUMNS.index(column)] for row in cells}) == 1 and cells[0][COLUMNS.index(column)]
    }
    kept = [
        (place, column)
        for place, column in enumerate(COLUMNS)
        if column not in shared and any(row[place] for row in cells)
    ]
    table = io.StringIO(newline="")
    writer = csv.writer(table, delimiter="\t", lineterminator="\n")
    writer.writerow([column for _, column in kept])
    writer.writerows([row[place] for place, _ in kept] for row in cells)
    identifier = f"{SET_ID}{uuid.uuid5(uuid.NAMESPACE_OID, terms.title + table.getvalue())}"
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"#{line}\n" for line in _metadata(terms, identifier, prefixes, shared))
        file.write(table.getvalue())
    return len(decided)


def _metadata(
    terms: Terms, identifier: str, prefixes: Mapping[str, str], shared: Mapping[str, str]
) -> Iterable[str]:
    base = terms.base or f"{identifier}#"
    spaces = {PLATFORM: base} | {prefix: f"{base}{_local(name)}/" for name, prefix in prefixes.items()}
    yield "curie_map:"
    yield from (f"  {prefix}: {yaml_text(spaces[prefix])}" for prefix in sorted(spaces))
    yield f"mapping_set_id: {identifier}"
    yield f"mapping_set_title: {yaml_text(terms.title)}"
    yield f"license: {yaml_text(terms.license)}"
    yield from (f"{column}: {yaml_text(shared[column])}" for column in SHARED if column in shared)


def _cells(row: MappingRow, prefixes: Mapping[str, str]) -> tuple[str, ...]:
    proposal = row.proposal
    by_person = row.decision in ("accept", "reject")
    named = " / ".join(name for name in (row.new_name_zh, row.new_name_en) if name)
    comment = "; ".join(text for text in (proposal.words, named and f"named {named}") if text)
    ends = _end(proposal, prefixes, "left"), _end(proposal, prefixes, "right")
    values = {
        "subject_id": ends[0][0],
        "subject_label": one_line(proposal.left_label),
        "predicate_id": row.predicate or PREDICATES[proposal.relation],
        "predicate_modifier": NOT if row.decision == "reject" else "",
        "object_id": ends[1][0],
        "object_label": one_line(proposal.right_label),
        "mapping_justification": REVIEWED if by_person else row.justification,
        "reviewer_label": one_line(row.reviewer).replace("|", "/") if by_person else "",
        "subject_type": "skos concept",
        "subject_source": ends[0][1],
        "object_type": "skos concept",
        "object_source": ends[1][1],
        "mapping_tool": "mep3m",
        "mapping_tool_version": row.tool_version,
        "mapping_date": row.date,
        "confidence": "" if by_person else f"{proposal.probability:.3f}".rstrip("0").rstrip("."),
        "comment": one_line(comment),
    }
    return tuple(values[column] for column in COLUMNS)


def _end(proposal: Proposal, prefixes: Mapping[str, str], side: str) -> tuple[str, str]:
    """Return the CURIEs of a category and of its platform."""
    source = proposal.left_source if side == "left" else proposal.right_source
    category = proposal.left_id if side == "left" else proposal.right_id
    return f"{prefixes[source]}:{_local(category)}", f"{PLATFORM}:{_local(source)}"


def _prefixes(sources: Iterable[str]) -> dict[str, str]:
    """Return a prefix for each platform: its name where that can be one, else a number."""
    prefixes: dict[str, str] = {}
    used = {PLATFORM, *TAKEN}
    for source in sorted(set(sources)):
        plain = re.sub(r"[^a-z0-9_]", "", source.lower())
        prefix = plain if plain[:1].isalpha() else "shop"
        number = 1
        while prefix in used:
            number += 1
            prefix = f"{plain if plain[:1].isalpha() else 'shop'}{number}"
        used.add(prefix)
        prefixes[source] = prefix
    return prefixes


def _local(text: str) -> str:
    """Return the text as the part of a URI that it can stand in; other tools refuse letters beyond ASCII."""
    return quote(text, safe="")
