"""What changed between two versions of a taxonomy, and which ids that others hold no longer exist."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mep3m.alignment.edits.edit import Record, successor
from mep3m.errors import NotFoundError
from mep3m.store.json_files import read_json
from mep3m.taxonomy import Category, Taxonomy


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
    classifier = read_json(description)
    paths = [tuple(path) for path in classifier["tree"]]
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
    broken: dict[str, tuple[str | None, str]] = {}
    for category in dict.fromkeys(ids):
        following, why = successor(category, records)
        if following is not None and following not in new:
            following, why = None, why or "it is not in the new taxonomy"
        if following == category and new[category].archived:
            following, why = None, "it is archived in the new taxonomy"
        if following != category:
            broken[category] = (following, why)
    return broken
