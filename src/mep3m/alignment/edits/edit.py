"""Recorded changes of a taxonomy: rename, move, merge, split, archive; each can be undone.

A record holds the edit, the categories it took away and those it put in their place, and where
each id went. Labels, mappings and models follow the ids; where an id has no successor, the record
says why it is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mep3m.alignment.merging.first_level import PlatformPath
from mep3m.alignment.merging.merge import Merge
from mep3m.errors import Mep3mError, NotFoundError, UsageError, did_you_mean
from mep3m.product import Label
from mep3m.taxonomy import Category, Taxonomy

Kind = Literal["rename", "move", "merge", "split", "archive"]


@dataclass(frozen=True, slots=True)
class SplitPart:
    """One category that a split makes; `members` are the shop categories whose rows go there."""

    id: str
    name_zh: str | None = None
    name_en: str | None = None
    members: tuple[PlatformPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one category.

    `target` is the new parent of a move ('' for the first level), or what a merge merges into;
    `name_zh` and `name_en` are the names of a rename (`None` keeps the present one).
    """

    kind: Kind
    id: str
    target: str = ""
    name_zh: str | None = None
    name_en: str | None = None
    parts: tuple[SplitPart, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Record:
    """An edit that was made: `before` and `after` are taxonomy versions, `follows` old id -> new id."""

    edit: Edit
    by: str
    date: str
    before: str
    after: str
    removed: tuple[Category, ...]
    added: tuple[Category, ...]
    follows: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The edit as a sentence without its subject."""
        edit = self.edit
        because = f": {edit.reason}" if edit.reason else ""
        if edit.kind == "rename":
            return f"renamed to {' / '.join(n for n in (edit.name_zh, edit.name_en) if n)}{because}"
        if edit.kind == "split":
            return f"split into {', '.join(part.id for part in edit.parts)}{because}"
        if edit.kind == "archive":
            return f"archived{because}"
        verb = "moved below" if edit.kind == "move" else "merged into"
        return f"{verb} {edit.target or 'the first level'}{because}"


def make(taxonomy: Taxonomy, edit: Edit, by: str, date: str) -> tuple[Taxonomy, Record]:
    """Return the changed taxonomy and the record of the change.

    Raises:
        UsageError: the edit names what does not exist or makes no sense here.
        TaxonomyError: the changed tree would contradict itself.
    """
    _known(taxonomy, edit.id)
    removed, added, follows = _KINDS[edit.kind](taxonomy, edit)
    changed = _replace(taxonomy, removed, added)
    record = Record(edit, by, date, taxonomy.version, changed.version, removed, added, follows)
    return changed, record


def undo(taxonomy: Taxonomy, record: Record) -> Taxonomy:
    """Return the taxonomy as it was before the record.

    Raises:
        UsageError: it has changed since; undo the later changes first.
    """
    if taxonomy.version != record.after:
        raise UsageError(
            f"the taxonomy is at version {taxonomy.version}, but this change made {record.after}; "
            "undo the later changes first"
        )
    return _replace(taxonomy, record.added, record.removed)


def replay(taxonomy: Taxonomy, records: Iterable[Record]) -> tuple[Taxonomy, list[Record], list[str]]:
    """Make recorded edits again on a new merge; return the tree, the records that hold, what breaks."""
    held: list[Record] = []
    broken: list[str] = []
    for record in records:
        try:
            taxonomy, made = make(taxonomy, record.edit, record.by, record.date)
        except Mep3mError as error:
            broken.append(
                f"the edit of {record.date} ({record.edit.id} {record.words}) no longer holds: {error}"
            )
        else:
            held.append(made)
    return taxonomy, held, broken


def successor(
    category: str, records: Iterable[Record], node: PlatformPath | None = None
) -> tuple[str | None, str]:
    """Return the id that a category has after the records and why, or `None` and why it is gone.

    A split follows `node`, the shop's own category; without one nobody can say which part it is.
    """
    reasons: list[str] = []
    current = category
    for record in records:
        if current not in record.follows:
            continue
        reasons.append(f"{current} was {record.words}")
        part = _part(record.edit, node) if record.edit.kind == "split" and node is not None else None
        following = part.id if part is not None else record.follows[current]
        if following is None:
            return None, "; ".join(reasons)
        current = following
    return current, "; ".join(reasons)


def remap_labels(
    labels: Sequence[Label], taxonomy: Taxonomy, records: Sequence[Record], node: PlatformPath | None = None
) -> tuple[tuple[Label, ...], str]:
    """Return a label path after the records, and why it got shorter ('' when it did not).

    The deepest label decides: its successor's path is the new label path. Where it has none, the
    label above it decides. Levels whose id stays keep their origin; the others say who edited.
    """
    known = {label.category: label for label in labels}
    lost: list[str] = []
    for label in reversed(labels):
        if label.category is None:
            continue
        following, why = successor(label.category, records, node)
        if following is None or following not in taxonomy:
            lost.append(why or f"{label.category} is not in the taxonomy")
            continue
        by = next((r.by for r in reversed(records) if r.follows or r.edit.kind == "move"), "edit")
        path = tuple(
            known.get(category.id) or replace(label, category=category.id, origin="reviewed", by=by)
            for category in taxonomy.path(following)
        )
        return path, "; ".join(lost)
    return (), "; ".join(lost)


def remap_mapping(merged: Merge, taxonomy: Taxonomy, records: Sequence[Record]) -> Merge:
    """Return a merge whose mapping points into the edited taxonomy."""
    if not records:
        return merged
    mapping: dict[PlatformPath, tuple[Label, ...]] = {}
    unmapped = dict(merged.unmapped)
    notes = list(merged.notes)
    for node, labels in merged.mapping.items():
        mapping[node], lost = remap_labels(labels, taxonomy, records, node)
        if lost and not mapping[node]:
            unmapped[node] = lost
        elif lost:
            notes.append(f"{node[0]} '{' > '.join(node[1])}' has a coarser label now: {lost}")
    members: dict[str, tuple[PlatformPath, ...]] = {}
    for category, nodes in merged.members.items():
        following, _ = successor(category, records)
        if following is not None:
            members[following] = (*members.get(following, ()), *nodes)
    named = {record.edit.id for record in records if record.edit.kind == "rename"}
    unnamed = tuple(category for category in merged.unnamed if category not in named)
    return Merge(taxonomy, mapping, unmapped, members, unnamed, tuple(notes))


_Change = tuple[tuple[Category, ...], tuple[Category, ...], dict[str, str | None]]


def _rename(taxonomy: Taxonomy, edit: Edit) -> _Change:
    old = taxonomy[edit.id]
    if edit.name_zh is None and edit.name_en is None:
        raise UsageError(f"renaming '{edit.id}' needs a Chinese or an English name")
    new = replace(old, name_zh=edit.name_zh or old.name_zh, name_en=edit.name_en or old.name_en)
    return (old,), (new,), {}


def _move(taxonomy: Taxonomy, edit: Edit) -> _Change:
    if edit.target:
        _in_use(_known(taxonomy, edit.target))
    old = taxonomy[edit.id]
    return (old,), (replace(old, parent=edit.target or None),), {}


def _merge(taxonomy: Taxonomy, edit: Edit) -> _Change:
    target = _in_use(_known(taxonomy, edit.target))
    old = taxonomy[edit.id]
    if target.id == old.id or old in taxonomy.path(target.id):
        raise UsageError(f"'{edit.id}' cannot be merged into itself or into a category below it")
    children = taxonomy.children(old.id)
    moved = tuple(replace(child, parent=target.id) for child in children)
    return (old, *children), moved, {old.id: target.id}


def _split(taxonomy: Taxonomy, edit: Edit) -> _Change:
    old = _in_use(taxonomy[edit.id])
    if len(edit.parts) < 2:
        raise UsageError(f"splitting '{edit.id}' needs two parts or more")
    if taxonomy.children(old.id):
        raise UsageError(f"'{edit.id}' has categories below it; move them before you split it")
    for part in edit.parts:
        if part.id in taxonomy and part.id != old.id:
            raise UsageError(f"'{edit.id}' cannot be split into '{part.id}': that id exists")
    added = tuple(Category(part.id, part.name_zh, part.name_en, old.parent) for part in edit.parts)
    return (old,), added, {old.id: None}


def _archive(taxonomy: Taxonomy, edit: Edit) -> _Change:
    below = [taxonomy[edit.id]]
    for category in below:
        below += taxonomy.children(category.id)
    removed = tuple(category for category in below if not category.archived)
    if not removed:
        raise UsageError(f"'{edit.id}' is archived already")
    added = tuple(replace(category, archived=True) for category in removed)
    return removed, added, {category.id: None for category in removed}


_KINDS: dict[Kind, Callable[[Taxonomy, Edit], _Change]] = {
    "rename": _rename,
    "move": _move,
    "merge": _merge,
    "split": _split,
    "archive": _archive,
}


def _known(taxonomy: Taxonomy, category: str) -> Category:
    if category not in taxonomy:
        raise NotFoundError(
            f"the taxonomy has no category '{category}'{did_you_mean(category, _near(taxonomy, category))}"
        )
    return taxonomy[category]


def _in_use(target: Category) -> Category:
    """Return the category, which must not be archived: what is archived stays so with all below it."""
    if target.archived:
        raise UsageError(f"'{target.id}' ({target.name}) is archived; choose a category that is in use")
    return target


def _near(taxonomy: Taxonomy, category: str) -> list[str]:
    """Return few ids for a hint: those that share a beginning or a name with what was asked."""
    near = [node.id for node in taxonomy if node.id[:3] == category[:3] or node.name == category]
    return (near or [node.id for node in taxonomy])[:10]


def _part(edit: Edit, node: PlatformPath) -> SplitPart | None:
    source, path = node
    prefixes = {(source, path[:depth]) for depth in range(1, len(path) + 1)}
    return next((part for part in edit.parts if prefixes & set(part.members)), None)


def _replace(taxonomy: Taxonomy, removed: Iterable[Category], added: Iterable[Category]) -> Taxonomy:
    gone = {category.id for category in removed}
    return Taxonomy((*(category for category in taxonomy if category.id not in gone), *added))
