"""What a person sees of a category beside its path: its neighbours, titles and pictures of its products."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mep3m.statistics.samples import Samples, category_samples
from mep3m.store import Store
from mep3m.taxonomy import PATH_SEPARATOR

#: neighbours, titles and pictures that are shown
MOST = 12
TITLES = 3
PICTURES = 4

#: a category of a platform: the platform and the names from the root on
_Node = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class ShownCategory:
    """One end of a link; `path` holds the names from the root on, `siblings` those beside the last."""

    platform: str
    path: tuple[str, ...]
    rows: int | None
    siblings: Sequence[str] = ()
    more_siblings: int = 0
    titles: Sequence[str] = ()
    pictures: Sequence[str] = ()


class LinkedCategories:
    """The categories of a store; they are looked up in the background, and nothing is known until then."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._samples: Mapping[_Node, Samples] = {}
        self._inner: Mapping[_Node, Samples] = {}
        self._below: dict[_Node, list[str]] = {}
        self._ready = threading.Event()

    def look_up(self) -> None:
        """Read the store."""
        if self._store is not None:
            samples = category_samples(self._store)
            below: dict[_Node, dict[str, None]] = {}
            for platform, path in samples:
                for depth in range(len(path)):
                    below.setdefault((platform, path[:depth]), {})[path[depth]] = None
            self._inner = _of_inner(samples)
            self._below = {node: sorted(names) for node, names in below.items()}
            self._samples = samples
        self._ready.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the store is read; say whether it is."""
        return self._ready.wait(seconds)

    def shown(self, platform: str, label: str, rows: int | None, titles: Sequence[str]) -> ShownCategory:
        """Return a category by its path; `rows` and `titles` are what the review says of it."""
        path = tuple(label.split(PATH_SEPARATOR))
        node = platform, path
        known = self._samples.get(node) or self._inner.get(node) or Samples((), ())
        beside = [name for name in self._below.get((platform, path[:-1]), ()) if name != path[-1]]
        return ShownCategory(
            platform,
            path,
            rows,
            beside[:MOST],
            len(beside[MOST:]),
            (tuple(titles) or known.titles)[:TITLES],
            known.images[:PICTURES],
        )


def _of_inner(samples: Mapping[_Node, Samples]) -> dict[_Node, Samples]:
    """Return titles and pictures for categories that only others lie in: one of each of those."""
    found: dict[_Node, tuple[list[str], list[str]]] = {}
    for (platform, path), one in samples.items():
        for depth in range(1, len(path)):
            titles, images = found.setdefault((platform, path[:depth]), ([], []))
            titles += one.titles[: max(0, TITLES - len(titles))][:1]
            images += one.images[: max(0, PICTURES - len(images))][:1]
    return {node: Samples(tuple(titles), tuple(images)) for node, (titles, images) in found.items()}
