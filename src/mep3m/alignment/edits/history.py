"""The file that keeps the edits of a taxonomy, one JSON line each, and the spreadsheet that a split reads."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mep3m.alignment.edits.edit import Edit, Record, SplitPart
from mep3m.alignment.sheet import read_sheet
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.store.append_log import append_line, read_lines
from mep3m.taxonomy import PATH_SEPARATOR, Category


def read_history(path: Path) -> list[Record]:
    """Return the edits that stand: those recorded and not undone, oldest first.

    Raises:
        NotFoundError: there is no such file.
        FormatError: a line is no record.
    """
    if not path.is_file():
        raise NotFoundError(f"{path} is not a file; 'mep3m align edit TREE --edits {path} ...' begins one")
    records: list[Record] = []
    for number, row in enumerate(read_lines(path), start=1):
        try:
            if row.get("undo"):
                records.pop()
            else:
                records.append(_record(row))
        except (KeyError, TypeError, IndexError) as error:
            raise FormatError(f"{path}: record {number} is not an edit of a taxonomy: {error!r}") from None
    return records


def record_edit(path: Path, record: Record) -> None:
    """Append an edit to the history file."""
    append_line(path, asdict(record))


def record_undo(path: Path, by: str, date: str) -> Record:
    """Append the undoing of the last edit that stands, and return that edit.

    Raises:
        UsageError: there is none.
    """
    records = read_history(path)
    if not records:
        raise UsageError(f"{path} holds no edit that could be undone")
    append_line(path, {"undo": True, "by": by, "date": date})
    return records[-1]


def read_parts(path: Path) -> tuple[SplitPart, ...]:
    """Read the parts of a split: columns `id`, `name_zh`, `name_en`, and `source`, `path` of a member.

    A part with several members has several rows; `source` and `path` may be empty.

    Raises:
        NotFoundError: the file or a column does not exist.
        FormatError: a row has no id.
    """
    parts: dict[str, SplitPart] = {}
    for line, row in read_sheet(path, ("id", "name_zh")):
        if not row["id"]:
            raise FormatError(f"{path}: line {line}: id is empty")
        part = parts.setdefault(
            row["id"], SplitPart(row["id"], row["name_zh"] or None, row.get("name_en") or None)
        )
        if row.get("source") and row.get("path"):
            member = (row["source"], tuple(row["path"].split(PATH_SEPARATOR)))
            parts[part.id] = replace(part, members=(*part.members, member))
    return tuple(parts.values())


def _record(row: dict[str, Any]) -> Record:
    edit = dict(row["edit"])
    edit["parts"] = tuple(
        SplitPart(**{**part, "members": tuple((source, tuple(path)) for source, path in part["members"])})
        for part in edit["parts"]
    )
    removed, added = (tuple(Category(**category) for category in row[key]) for key in ("removed", "added"))
    return Record(
        Edit(**edit), row["by"], row["date"], row["before"], row["after"], removed, added, row["follows"]
    )
