"""The file that keeps a taxonomy's edits, the difference of two taxonomies, and rows that follow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.product import LABEL_TYPE, Label
from mep3m.stages.align.sheet import read_sheet
from mep3m.stages.base import Outcome
from mep3m.stages.merge.edits import Edit, Part, Record, follow_labels, replay, successor
from mep3m.store import ContentImages, Reject, Store
from mep3m.store.files import fingerprint, read_json
from mep3m.taxonomy import PATH_SEPARATOR, Category, Taxonomy


def append_line(path: Path, value: Mapping[str, Any]) -> None:
    """Append one JSON line that is on disk when this returns; a torn last line is completed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(orjson.dumps(value, default=dict) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read an append-only file of JSON lines; [] where there is none.

    A line that a killed process left torn is passed over when nothing whole was lost with it: it
    was never reported as done.

    Raises:
        FormatError: a line is not a JSON object.
    """
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = []
    lines = path.read_bytes().split(b"\n")
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if _torn(text):
                continue
            raise FormatError(f"{path}: line {number} is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise FormatError(f"{path}: line {number} is not a JSON object")
        rows.append(row)
    return rows


def _torn(text: bytes) -> bool:
    """Say whether a line is an object that was begun and never closed."""
    plain = re.sub(rb'"(?:[^"\\]|\\.)*"?', b"", text)  # braces inside strings do not count
    return text.startswith(b"{") and plain.count(b"{") > plain.count(b"}")


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


def read_parts(path: Path) -> tuple[Part, ...]:
    """Read the parts of a split: columns `id`, `name_zh`, `name_en`, and `source`, `path` of a member.

    A part with several members has several rows; `source` and `path` may be empty.

    Raises:
        NotFoundError: the file or a column does not exist.
        FormatError: a row has no id.
    """
    parts: dict[str, Part] = {}
    for line, row in read_sheet(path, ("id", "name_zh")):
        if not row["id"]:
            raise FormatError(f"{path}: line {line}: id is empty")
        part = parts.setdefault(
            row["id"], Part(row["id"], row["name_zh"] or None, row.get("name_en") or None)
        )
        if row.get("source") and row.get("path"):
            member = (row["source"], tuple(row["path"].split(PATH_SEPARATOR)))
            parts[part.id] = replace(part, members=(*part.members, member))
    return tuple(parts.values())


def model_classes(folder: Path, taxonomy: Taxonomy) -> list[str]:
    """Return the category ids of a trained model's label tree.

    A model that was trained on names gives ids where the names' path is in `taxonomy`, else the
    names themselves.

    Raises:
        NotFoundError: the folder holds no classifier.
    """
    description = folder / "classifier.json"
    if not description.exists():
        raise NotFoundError(f"{folder} is not a classifier folder: it has no classifier.json")
    found = read_json(description)
    paths = [tuple(path) for path in found["tree"]]
    names = {tuple(node.name for node in taxonomy.path(category.id)): category.id for category in taxonomy}
    return [path[-1] if path[-1] in taxonomy else names.get(path, path[-1]) for path in paths]


@dataclass(frozen=True)
class Change:
    """One difference between two taxonomies, in words; `id` is the old id where there is one."""

    kind: str
    id: str
    text: str


def diff(old: Taxonomy, new: Taxonomy, records: Sequence[Record] = ()) -> list[Change]:
    """Return what changed from `old` to `new`; the records explain where removed ids went."""
    changes: list[Change] = []
    for category in old:
        if category.id in new:
            changes += _changed(old, new, category, new[category.id])
        else:
            following, why = successor(category.id, records)
            went = f"is now {following} ({why})" if following not in (None, category.id) else why
            changes.append(Change("removed", category.id, f"'{category.name}' {went or 'was removed'}"))
    for category in new:
        if category.id not in old:
            above = f" below '{new[category.parent].name}'" if category.parent else " at the first level"
            changes.append(Change("added", category.id, f"'{category.name}'{above}"))
    return changes


def _changed(old: Taxonomy, new: Taxonomy, before: Category, after: Category) -> list[Change]:
    changes: list[Change] = []
    if (before.name_zh, before.name_en) != (after.name_zh, after.name_en):
        text = f"{_names(before)} is now {_names(after)}"
        changes.append(Change("renamed", before.id, text))
    if before.parent != after.parent:
        places = [
            tree[c.parent].name if c.parent else "the first level"
            for tree, c in ((old, before), (new, after))
        ]
        changes.append(Change("moved", before.id, f"'{after.name}' from '{places[0]}' to '{places[1]}'"))
    if before.archived != after.archived:
        kind = "archived" if after.archived else "restored"
        changes.append(Change(kind, before.id, f"'{after.name}'"))
    return changes


def _names(category: Category) -> str:
    return "'" + " / ".join(name for name in (category.name_zh, category.name_en) if name) + "'"


def what_breaks(
    ids: Iterable[str], new: Taxonomy, records: Sequence[Record] = ()
) -> dict[str, tuple[str | None, str]]:
    """Return, for each id that something else holds (a model, a label), its new id or why it is gone.

    Ids that stay as they are do not appear.
    """
    found: dict[str, tuple[str | None, str]] = {}
    for category in dict.fromkeys(ids):
        following, why = successor(category, records)
        if following is not None and following not in new:
            following, why = None, why or "it is not in the new taxonomy"
        if following == category and new[category].archived:
            following, why = None, "it is archived in the new taxonomy"
        if following != category:
            found[category] = (following, why)
    return found


@dataclass(frozen=True)
class FollowEdits:
    """The stage that carries a store's labels through edits of its own taxonomy.

    A label whose category is gone gives way to the label above it; the row is listed in the
    quarantine with the reason.
    """

    records: tuple[Record, ...]
    name = "follow"

    def settings(self) -> Mapping[str, Any]:
        """Return a fingerprint of the edits."""
        return {"edits": fingerprint([asdict(record) for record in self.records])}

    def collect(self, shard: pa.Table, images: ContentImages) -> pa.Table:
        """Return nothing: the edits decide, not the rows."""
        return pa.table({"rows": [shard.num_rows]})

    def decide(self, collected: Sequence[Path], store: Store, folder: Path) -> Taxonomy:
        """Return the edited taxonomy.

        Raises:
            UsageError: an edit does not fit the store's taxonomy.
        """
        taxonomy, _, broken = replay(store.taxonomy, self.records)
        if broken:
            raise UsageError(f"the edits do not fit the taxonomy of {store.folder}: {broken[0]}")
        return taxonomy

    def apply(self, shard: pa.Table, folder: Path) -> Outcome:
        """Return the shard with the labels that the edits leave."""
        taxonomy = Taxonomy.load(folder / "taxonomy.json")
        rejects: list[Reject] = []
        column: list[list[dict[str, Any]] | None] = []
        for row in shard.select(["id", "source", "source_path", "labels", "file", "line"]).to_pylist():
            labels = tuple(Label(**label) for label in row["labels"] or ())
            node = (row["source"], tuple(row["source_path"] or ()))
            new, lost = follow_labels(labels, taxonomy, self.records, node) if labels else ((), "")
            if lost:
                place = {"product": row["id"], "file": row["file"], "line": row["line"]}
                value = labels[-1].category
                rejects.append(Reject("follow", row["source"], lost, **place, field="labels", value=value))
            column.append([asdict(label) for label in new])
        at = shard.schema.get_field_index("labels")
        return Outcome(
            shard.set_column(at, shard.schema.field(at), pa.array(column, pa.list_(LABEL_TYPE))), rejects
        )


def _record(row: dict[str, Any]) -> Record:
    edit = dict(row["edit"])
    edit["parts"] = tuple(
        Part(**{**part, "members": tuple((source, tuple(path)) for source, path in part["members"])})
        for part in edit["parts"]
    )
    removed, added = (tuple(Category(**category) for category in row[key]) for key in ("removed", "added"))
    return Record(
        Edit(**edit), row["by"], row["date"], row["before"], row["after"], removed, added, row["follows"]
    )
