"""The two records of alignment: a platform's categories, and one proposed link between two of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from mep3m.alignment.table import read_rows
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.store.rejects import Reject
from mep3m.taxonomy import PATH_SEPARATOR

#: said of the LEFT category: `narrower` means that the left one is narrower than the right one; `overlaps`
#: that they share products and neither contains the other, which is shown and never applied
Relation = Literal["exact", "broader", "narrower", "overlaps"]
#: the same said of the right category
TURNED: Mapping[str, Relation] = {
    "exact": "exact", "broader": "narrower", "narrower": "broader", "overlaps": "overlaps"
}  # fmt: skip
#: between the titles in one cell of a table
TITLE_SEPARATOR = " || "
#: digits of a count of products that can be one; a longer number stands in the wrong column
MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Entry:
    """One category of one platform, with what is known about its products.

    `path` holds the names from the root down to the category's own name, `path_en` the same in
    English where the platform has it. `titles` and `ocr` are texts of its products, `count` is how
    many products it has (`None`: not known), `image` is the mean of its images' statistics, all of
    one length on both sides. `line` is where the row stood in its file, counted from 1.
    """

    id: str
    path: tuple[str, ...]
    path_en: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    ocr: tuple[str, ...] = ()
    count: int | None = None
    first_level: str | None = None
    image: tuple[float, ...] = ()
    line: int | None = None

    @property
    def name(self) -> str:
        """The category's own name."""
        return self.path[-1]

    @property
    def name_en(self) -> str | None:
        """The category's own English name."""
        return self.path_en[-1] if self.path_en and self.path_en[-1] else None

    @property
    def label(self) -> str:
        """The whole path as people read it."""
        return PATH_SEPARATOR.join(self.path)


@dataclass(frozen=True)
class Side:
    """The categories of one platform, in file order; ids are unique."""

    name: str
    entries: tuple[Entry, ...]
    _by_id: dict[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {entry.id: entry for entry in self.entries})
        if len(self._by_id) != len(self.entries):
            twice = next(key for key, n in Counter(entry.id for entry in self.entries).items() if n > 1)
            raise UsageError(f"platform '{self.name}': the id '{twice}' occurs twice; ids must be unique")

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __contains__(self, category_id: object) -> bool:
        return category_id in self._by_id

    def __getitem__(self, category_id: str) -> Entry:
        try:
            return self._by_id[category_id]
        except KeyError:
            raise NotFoundError(f"platform '{self.name}' has no category '{category_id}'") from None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed link: `left` is `relation` to `right` with `probability`.

    `accept` is the method's own decision, never given for an overlap; a proposal that is not accepted
    is a candidate for a person. `evidence` holds the numbers, `words` the same for a reader.
    """

    left_id: str
    right_id: str
    relation: Relation
    probability: float
    accept: bool
    evidence: Mapping[str, float] = field(default_factory=dict)
    words: str = ""
    left_label: str = ""
    right_label: str = ""
    left_source: str = "left"
    right_source: str = "right"


def read_side(path: Path, name: str | None = None) -> tuple[Side, list[Reject]]:
    """Read a table of categories: columns `id`, `path`, and the optional ones.

    Optional columns: `titles` and `ocr` (joined by ' || '), `name_en` (the own name or the
    whole path), `count`, `first_level`.
    Rows that cannot be used (no id, an empty name in the path, an id seen before) are refused with
    their line; two ids with the same path are two categories, which the method sees as ambiguous.

    Raises:
        NotFoundError: the file or a required column does not exist.
        FormatError: the file is no text, or no row could be used.
    """
    return side_of_rows(read_rows(path, required=("id", "path")), name or path.stem, str(path))


def side_of_rows(
    rows: Iterable[tuple[int, dict[str, str]]], name: str, where: str
) -> tuple[Side, list[Reject]]:
    """Return the categories of (line, cells) rows as `read_side` does; `where` is how messages call them.

    Raises:
        FormatError: no row could be used.
    """
    entries: dict[str, Entry] = {}
    rejects: list[Reject] = []
    for line, row in rows:
        reason = row.get("") or _fault(row, entries.get(row["id"]))
        if reason:
            value = row.get("path") or row.get("id")
            rejects.append(Reject("align", name, reason, file=where, line=line, value=value))
        else:
            entries[row["id"]] = _entry(row, line)
    if not entries:
        first = f"; the first refused: line {rejects[0].line}: {rejects[0].reason}" if rejects else ""
        raise FormatError(f"{where} holds no category that can be used{first}")
    return Side(name, tuple(_with_english_paths(entries.values()))), rejects


def with_all_above(side: Side) -> Side:
    """Return the side with everything above its categories, too; what no row lists has its path as its id."""
    paths = {entry.path for entry in side}
    above = {entry.path[:depth]: None for entry in side for depth in range(1, len(entry.path))}
    added = [Entry(PATH_SEPARATOR.join(path), path) for path in above if path not in paths]
    return Side(side.name, (*side.entries, *(entry for entry in added if entry.id not in side)))


def same_path(side: Side) -> list[str]:
    """Say which rows name a path that an earlier row names under another id; both are categories."""
    first: dict[tuple[str, ...], Entry] = {}
    return [
        f"line {entry.line}: the path '{entry.label}' stands in line {known.line} too, with the id "
        f"'{known.id}'; both are kept, and no name tells them apart"
        for entry in side
        if (known := first.setdefault(entry.path, entry)) is not entry
    ]


def _fault(row: dict[str, str], earlier: Entry | None) -> str | None:
    """Return why a category row cannot be used, or `None`."""
    if not row["id"]:
        return "the id is empty"
    names = _names(row["path"])
    if not all(names):
        return f"the path '{row['path']}' has an empty name"
    if earlier is not None and earlier.path == names:
        return f"the same category stands in line {earlier.line}"
    if earlier is not None:
        return (
            f"the id '{row['id']}' stands in two places: line {earlier.line} '{earlier.label}' and here "
            f"'{row['path']}'; give the second place its own id"
        )
    if (count := row.get("count")) and not (count.isdecimal() and len(count) <= MOST_DIGITS):
        return f"count '{count[:40]}' is not a whole number of up to {MOST_DIGITS} digits"
    return None


def _names(path: str) -> tuple[str, ...]:
    """Split a path; the separator is a '>' between spaces, so that a name may hold one."""
    return tuple(name.strip() for name in re.split(r"(?<!\S)>(?!\S)", path))


def _entry(row: dict[str, str], line: int) -> Entry:
    texts = {
        column: tuple(text for part in row.get(column, "").split(TITLE_SEPARATOR) if (text := part.strip()))
        for column in ("titles", "ocr")
    }
    count = int(row["count"]) if row.get("count") else (len(texts["titles"]) or None)
    path = _names(row["path"])
    english = _names(row["name_en"]) if row.get("name_en") else ()
    return Entry(
        id=row["id"],
        path=path,
        path_en=english if len(english) == len(path) else english[-1:],
        titles=texts["titles"],
        ocr=texts["ocr"],
        count=count,
        first_level=row.get("first_level") or None,
        line=line,
    )


def _with_english_paths(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Give each entry its English path: its own English name below those of its ancestors' rows."""
    rows = list(entries)
    english = {entry.path: entry.path_en[-1] for entry in rows if entry.path_en}
    for entry in rows:
        if len(entry.path_en) == len(entry.path):
            yield entry
            continue
        path = tuple(english.get(entry.path[:depth], "") for depth in range(1, len(entry.path) + 1))
        yield replace(entry, path_en=path) if any(path) else entry
