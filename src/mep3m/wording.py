"""Numbers in sentences that people read: thousands set apart, the noun in agreement."""

from __future__ import annotations


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
