"""Sentences that people read: numbers with their nouns in agreement, and files without their folders."""

from __future__ import annotations

import re

#: a path of this machine with two folders or more above its last name
_PLACE = re.compile(r"(?<![\w.:/])/(?:[^\s/'\",;:()]+/){2,}([^\s/'\",;:()]+)")


class Count(int):
    """A whole number for `str.format`: `{n}` writes it, `{n:product|products}` the word that goes with it."""

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        if bar:
            return one if self == 1 else many
        return format(int(self), spec or ",")


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what is counted: '1 product', '2,000 products'; `many` where no s is added."""
    return f"{Count(number)} {one if number == 1 else many or one + 's'}"


def without_folders(text: str) -> str:
    """Return a text in which files of this machine have names alone: where they lie is not told."""
    return _PLACE.sub(r"\1", text)
