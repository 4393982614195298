"""The categories of an index: numbered so that all below one stand in one range."""

from __future__ import annotations

from collections import Counter

from mep3m.desk.index.text import plain
from mep3m.taxonomy import Category, Taxonomy


class NumberedTree:
    """Numbers for categories from 1 on, parents before what is below them.

    What labels name and the tree lacks gets a number at the first level.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self.numbers: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._counts = Counter[int]()
        waiting = [(node, False) for node in reversed(taxonomy.children(None))]
        while waiting:
            node, done = waiting.pop()
            if done:
                self._last[node.id] = len(self.numbers)
                continue
            self.numbers[node.id] = len(self.numbers) + 1
            waiting.append((node, True))
            waiting.extend((child, False) for child in reversed(taxonomy.children(node.id)))

    def number(self, category: str) -> int:
        """Return the number of a category."""
        if category not in self.numbers:
            self.numbers[category] = self._last[category] = len(self.numbers) + 1
        return self.numbers[category]

    def count(self, number: int) -> None:
        """Count one product filed at a category."""
        self._counts[number] += 1

    def rows(self) -> list[tuple[object, ...]]:
        """Return the rows of the table `categories`."""
        before = [0] * (len(self.numbers) + 1)
        for number in range(1, len(before)):
            before[number] = before[number - 1] + self._counts[number]
        found: list[tuple[object, ...]] = []
        for name, number in self.numbers.items():
            node = self._taxonomy[name] if name in self._taxonomy else Category(name)
            above = self.numbers[node.parent] if node.parent is not None else 0
            last = self._last[name]
            text = plain(" ".join(filter(None, (node.name_zh, node.name_en, node.id))))
            counts = (self._counts[number], before[last] - before[number - 1])
            found.append((number, last, above, name, node.name, node.name_en or "", *counts, text))
        return found
