"""Names and places inside a store folder; nothing else spells them.

A folder that holds a store looks like this::

    plan.json                what the store is to become (written first)
    shards/00000.parquet     one a part
    rejects/00000.parquet    the quarantine of that part, written before its shard
    taxonomy.json            the category tree that the labels point into
    manifest.json            counts and lineage (written last)
    images/                  content by hash; a later step points at the folder of the first
    collect/00000.parquet    what a global stage needs of a shard, until it has decided
    decision/                what a global stage decided
    extras.parquet           what products have beside their columns, where an ingested source has any
    update/, history/        the next state of an ingested store, a store of its own, and the earlier ones
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PLAN, MANIFEST, TAXONOMY = "plan.json", "manifest.json", "taxonomy.json"
SHARDS, REJECTS, IMAGES = "shards", "rejects", "images"
COLLECT, DECISION = "collect", "decision"
#: what products have beside their columns: product, field, number, value
EXTRAS = "extras.parquet"
#: the next state of an ingested store, until it takes the place of the old one, which goes into the history
UPDATE, HISTORY = "update", "history"
#: what is the state of a store, in the order in which an update may move it: the manifest comes last
STATE = (PLAN, SHARDS, REJECTS, TAXONOMY, MANIFEST)

_WRITTEN = "[0-9]*.parquet"


@dataclass(frozen=True)
class Layout:
    """The places inside one store folder, whether they exist or not."""

    folder: Path

    @property
    def plan(self) -> Path:
        """What the store is to become."""
        return self.folder / PLAN

    @property
    def manifest(self) -> Path:
        """What is in the finished store."""
        return self.folder / MANIFEST

    @property
    def taxonomy(self) -> Path:
        """The category tree."""
        return self.folder / TAXONOMY

    @property
    def images(self) -> Path:
        """The images of a store that takes them in itself."""
        return self.folder / IMAGES

    @property
    def collect(self) -> Path:
        """What a global stage has collected so far."""
        return self.folder / COLLECT

    @property
    def decision(self) -> Path:
        """What a global stage decided; the folder appears whole."""
        return self.folder / DECISION

    @property
    def extras(self) -> Path:
        """What products have beside their columns; there is no file where none has anything."""
        return self.folder / EXTRAS

    @property
    def update(self) -> Path:
        """The next state of an ingested store, until it is whole."""
        return self.folder / UPDATE

    @property
    def begun(self) -> bool:
        """Whether a store is in the folder, finished or not."""
        return self.plan.exists()

    @property
    def finished(self) -> bool:
        """Whether the store has its manifest."""
        return self.manifest.exists()

    def shard(self, part: int) -> Path:
        """Return the shard of a part."""
        return self.folder / SHARDS / _parquet(part)

    def quarantine(self, part: int) -> Path:
        """Return what was refused of a part; there is no file where nothing was."""
        return self.folder / REJECTS / _parquet(part)

    def collected(self, part: int) -> Path:
        """Return what a global stage needs of a part."""
        return self.collect / _parquet(part)

    def shards(self) -> list[Path]:
        """Return the shards that are there, in order."""
        return sorted((self.folder / SHARDS).glob(_WRITTEN))

    def quarantines(self) -> list[Path]:
        """Return the quarantine files that are there, in order."""
        return sorted((self.folder / REJECTS).glob(_WRITTEN))


def stores_below(folder: Path, depth: int = 1) -> list[Path]:
    """Return the folders of stores, finished or not, that lie up to `depth` levels below `folder`."""
    levels = ["*/" * level + PLAN for level in range(1, depth + 1)]
    return _parents(path for level in levels for path in sorted(folder.glob(level)))


def finished_below(folder: Path) -> list[Path]:
    """Return the folders of finished stores directly below `folder`."""
    return _parents(sorted(folder.glob(f"*/{MANIFEST}")))


def _parents(paths: Iterable[Path]) -> list[Path]:
    return [path.parent for path in paths]


def _parquet(part: int) -> str:
    return f"{part:05d}.parquet"
