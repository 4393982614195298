"""The words of the simulated world: its true category tree, and what products are called in it.

Brands are invented. The tables `classes.tsv` and `categories.tsv` beside this file are the data.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One second-level category of the true tree.

    `other_names` are what other shops call it, `family` a broader category that a coarse shop files
    it under, `shelf` the first-level class of a shop that splits the class, `nouns` and `words` what
    titles say, `spec` the unit of its sizes ('g*袋': grams times bags), `shape` how it looks, and
    `thirds` its finer categories (empty for most, as in MEP-3M).
    """

    name: Name
    other_names: tuple[str, ...]
    family: Name | None
    shelf: Name | None
    nouns: tuple[str, ...]
    words: tuple[str, ...]
    spec: str
    shape: str
    thirds: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Department:
    """One first-level class of the true tree, with its brands and the words all its titles share."""

    name: Name
    other_names: tuple[str, ...]
    brands: tuple[Name, ...]
    words: tuple[str, ...]
    kinds: tuple[Kind, ...]


@cache
def departments() -> tuple[Department, ...]:
    """Return the true tree, in file order."""
    kinds: dict[str, list[Kind]] = {}
    for row in _rows("categories.tsv"):
        kinds.setdefault(row["class"], []).append(_kind(row))
    return tuple(
        Department(
            name=Name(row["name"], row["name_en"]),
            other_names=_words(row["other_names"]),
            brands=tuple(Name(*brand.split("/")) for brand in _words(row["brands"])),
            words=_words(row["words"]),
            kinds=tuple(kinds[row["name"]]),
        )
        for row in _rows("classes.tsv")
    )


def _kind(row: dict[str, str]) -> Kind:
    return Kind(
        name=Name(row["name"], row["name_en"]),
        other_names=_words(row["other_names"]),
        family=_name(row["family"]) if row["family"] else None,
        shelf=_name(row["shelf"]) if row["shelf"] else None,
        nouns=_words(row["nouns"]),
        words=_words(row["words"]),
        spec=row["spec"],
        shape=row["shape"],
        thirds=tuple(_name(third) for third in _words(row["thirds"])),
    )


def _name(text: str) -> Name:
    zh, _, en = text.partition(":")
    return Name(zh, en)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _rows(table: str) -> Iterator[dict[str, str]]:
    text = resources.files(__package__).joinpath(table).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
