"""The hand-made first level: which common class each shop's own first-level category belongs to.

As TOML, in a file of its own or in `mep3m.toml`::

    [[first_level]]
    name_zh = "家电"
    name_en = "Home appliances"
    from = { jd = ["家用电器"], suning = ["家电", "数码 > 厨房电器"] }

or as a table with the columns `source`, `path`, `class_zh`, `class_en`, one row an entry. An entry
may go deeper than the first level; the longest one that fits a category's path counts.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from mep3m.alignment.sheet import read_sheet
from mep3m.errors import FormatError, NotFoundError, did_you_mean
from mep3m.settings import project
from mep3m.taxonomy import PATH_SEPARATOR, Category

PlatformPath = tuple[str, tuple[str, ...]]
COLUMNS = ("source", "path", "class_zh", "class_en")
#: the same columns as 'align propose --first-level' calls them
ALIASES = {"platform": "source", "name": "path", "class": "class_zh"}
#: likeness (difflib's ratio) from which a name is offered for one that does not exist: of two signs, one
NEAR = 0.4
#: names that one message lists
SHOWN = 20


@dataclass(frozen=True)
class FirstLevelMap:
    """Common classes in the order of the file, and the entries: (source, path) -> class id."""

    classes: tuple[Category, ...] = ()
    entries: Mapping[PlatformPath, str] = field(default_factory=dict)

    def class_of(self, node: PlatformPath) -> str | None:
        """Return the class of the longest entry that fits a category's path, or `None`."""
        source, path = node
        for depth in range(len(path), 0, -1):
            if (class_id := self.entries.get((source, path[:depth]))) is not None:
                return class_id
        return None

    def called(self, class_id: str | None) -> str:
        """Return a class as people call it."""
        return next((category.name for category in self.classes if category.id == class_id), str(class_id))

    def renamed(self, sources: Mapping[str, str]) -> FirstLevelMap:
        """Return the map with sources renamed: a map for two tables calls them left and right."""
        entries = {(sources.get(source, source), path): name for (source, path), name in self.entries.items()}
        return FirstLevelMap(self.classes, entries)

    def by_name(self) -> dict[tuple[str, str], str]:
        """Return (source, first-level name) -> class, as the proposers take it."""
        return {(source, path[0]): name for (source, path), name in self.entries.items() if len(path) == 1}

    def unknown(self, nodes: Iterable[PlatformPath]) -> list[str]:
        """Return, in words, the entries that name no existing category, each with the nearest one.

        `nodes` are the categories that exist; what lies above one exists, too. A map may be for more
        platforms than there are here, so that another platform's entries are passed over, unless its name
        looks like a mistake for a platform that the map leaves out.
        """
        known = {(source, path[:depth]) for source, path in nodes for depth in range(1, len(path) + 1)}
        here = {source for source, _ in known}
        if not here:
            return []
        left_out = here - {source for source, _ in self.entries}
        mistaken = {s for s, _ in self.entries if left_out == here or difflib.get_close_matches(s, left_out)}
        return [
            _told(entry, known)
            for entry in self.entries
            if entry not in known and (entry[0] in here or entry[0] in mistaken)
        ]

    def require_known(self, nodes: Iterable[PlatformPath]) -> None:
        """See that every entry names an existing category: one that does not would have no effect.

        Raises:
            NotFoundError: some do not; the message lists each with the nearest existing name.
        """
        if unknown := self.unknown(nodes):
            more = f"\n  and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
            raise NotFoundError(
                "the first-level map names what no platform has; correct or delete it:\n  "
                + "\n  ".join(unknown[:SHOWN])
                + more
            )


def read_first_level(path: Path) -> FirstLevelMap:
    """Read the map from a `.toml` file, or from a table.

    Raises:
        NotFoundError: the file or a column does not exist.
        FormatError: a class has no name, or a category is given to two classes.
        SettingsError: it is not TOML, or an entry has an unknown key.
    """
    if path.suffix.lower() != ".toml":
        return _build(path, _table_rows(path))
    entries = [
        project.FirstLevelClass.parse(values, f"{path}: [[first_level]] {number}")
        for number, values in enumerate(project.read_toml(path).get("first_level", []), start=1)
    ]
    return from_entries(entries, path)


def from_entries(entries: Sequence[project.FirstLevelClass], path: Path) -> FirstLevelMap:
    """Return the map of a project file's `[[first_level]]` entries; `path` goes into messages.

    Raises:
        FormatError: a class covers nothing, or a category is given to two classes.
    """
    return _build(path, _entry_rows(entries, path))


def _told(entry: PlatformPath, known: Set[PlatformPath]) -> str:
    """Say that a platform has no such category, and which of its categories is the nearest."""
    source, path = entry
    name = PATH_SEPARATOR.join(path)
    platforms = sorted({other for other, _ in known})
    if source not in platforms:
        return f"platform '{source}' (of '{name}'){did_you_mean(source, platforms)}"
    own = sorted(PATH_SEPARATOR.join(of) for other, of in known if other == source and len(of) == len(path))
    near = difflib.get_close_matches(name, own, n=1, cutoff=NEAR)
    hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(own[:SHOWN]) or 'no such level'}"
    return f"{source} has no category '{name}' ({hint})"


def class_id(zh: str | None, en: str | None) -> str:
    """Return a readable id from the English name, else a short hash of the Chinese one.

    Where the name in `en` has letters that the id cannot show, its hash tells Bâches from Bûches.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", (en or "").lower()).strip("-")
    if en and not en.isascii():
        return f"{slug or 'class'}-{hashlib.sha256(en.encode()).hexdigest()[:8]}"
    return slug or "class-" + hashlib.sha256((zh or "").encode()).hexdigest()[:8]


def _entry_rows(
    entries: Sequence[project.FirstLevelClass], path: Path
) -> Iterable[tuple[str, Category, str, str]]:
    for number, entry in enumerate(entries, start=1):
        where = f"{path}: [[first_level]] {number}"
        category = Category(entry.id or class_id(entry.name_zh, entry.name_en), entry.name_zh, entry.name_en)
        if not entry.covers:
            raise FormatError(f'{where} covers nothing; write from = {{ shop = ["..."] }}')
        for source, names in entry.covers.items():
            for name in names:
                yield where, category, source, name


def _table_rows(path: Path) -> Iterable[tuple[str, Category, str, str]]:
    sheet = read_sheet(path, ())
    renamed = [ALIASES.get(column, column) for column in sheet.columns]
    if missing := [column for column in COLUMNS[:3] if column not in renamed]:
        raise NotFoundError(f"{path}: no column '{missing[0]}'; the header has: {', '.join(sheet.columns)}")
    for line, cells in sheet:
        row = {ALIASES.get(column, column): cell for column, cell in cells.items()}
        zh, en = row["class_zh"] or None, row.get("class_en") or None
        where = f"{path}: line {line}"
        for column in ("source", "path"):
            if not row[column]:
                raise FormatError(f"{where}: {column} is empty")
        if not zh and not en:
            raise FormatError(f"{where}: class_zh and class_en are empty; name the common class")
        yield where, Category(row.get("class_id") or class_id(zh, en), zh, en), row["source"], row["path"]


def _build(path: Path, rows: Iterable[tuple[str, Category, str, str]]) -> FirstLevelMap:
    classes: dict[str, Category] = {}
    entries: dict[PlatformPath, str] = {}
    places: dict[PlatformPath, str] = {}
    for where, category, source, name in rows:
        earlier = classes.setdefault(category.id, category)
        if (earlier.name_zh, earlier.name_en) != (category.name_zh, category.name_en):
            raise FormatError(
                f"{where}: the class '{category.id}' is called '{category.name}' here and "
                f"'{earlier.name}' above; give each class one pair of names, or its own id"
            )
        node = (source, tuple(part.strip() for part in name.split(PATH_SEPARATOR)))
        if entries.setdefault(node, category.id) != category.id:
            raise FormatError(
                f"{where}: {source} '{name}' is given to '{category.name}', but to "
                f"'{classes[entries[node]].name}' in {places[node].removeprefix(f'{path}: ')}; keep one"
            )
        places.setdefault(node, where)
    if not classes:
        raise FormatError(f"{path} names no class; see 'mep3m align apply --help' for its form")
    return FirstLevelMap(tuple(classes.values()), entries)
