"""Making a store: a plan first, then shards in any order by any number of workers, the manifest last."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mep3m import __version__
from mep3m.errors import StoreError
from mep3m.product import PRODUCT_SCHEMA
from mep3m.store.filesystem import atomic_write, local_folder
from mep3m.store.json_files import fingerprint, write_json
from mep3m.store.layout import COLLECT, DECISION, IMAGES, MANIFEST, PLAN, REJECTS, SHARDS, TAXONOMY, Layout
from mep3m.store.rejects import Reject, rejects_table
from mep3m.store.store import FORMAT, Store, read_plan
from mep3m.taxonomy import Taxonomy

_LABEL = "labels.list.element"
#: how a shard is written: dictionaries where values repeat, statistics where rows are looked for
_SHARD: dict[str, Any] = {
    "compression": "snappy",
    "use_dictionary": [
        *("source", "source_path.list.element", "ocr", "image_format", "image_width", "image_height"),
        *(f"{_LABEL}.category", f"{_LABEL}.origin", f"{_LABEL}.by", "dropped", "file"),
    ],
    "column_encoding": {"line": "DELTA_BINARY_PACKED"},
    "write_statistics": ["id", "line"],
}


@dataclass(frozen=True)
class Plan:
    """What a store is to become.

    `parts` are the names of the pieces of input, one shard each, in an order that never depends on
    the number of workers. `parent` is the fingerprint of the store this one is made from, and
    `images` the folder of image content, relative to the store.
    """

    step: str
    settings: dict[str, Any]
    parts: tuple[str, ...]
    parent: str | None = None
    images: str = IMAGES
    version: str = __version__

    @property
    def fingerprint(self) -> str:
        """Changes when anything that can change the bytes of the store changes."""
        return fingerprint(asdict(self))


@dataclass(frozen=True)
class StoreWriter:
    """Writes the shards of one plan; small enough to travel to every worker."""

    folder: Path
    plan: Plan

    @classmethod
    def begin(cls, folder: Path, plan: Plan, *, replace: bool = False) -> StoreWriter:
        """Start a store, or go on with an interrupted one of the same plan.

        Raises:
            UsageError: the folder is an address.
            StoreError: the folder holds a store with another plan and `replace` is false, or holds
                files that are not a store.
        """
        local_folder(folder)
        layout = Layout(folder)
        if layout.begun and read_plan(folder)["fingerprint"] != plan.fingerprint:
            if not replace:
                raise StoreError(
                    f"{folder} holds a store made from other input or settings; "
                    "choose another folder, or pass --replace to build it anew"
                )
            _clear(folder)
        elif not layout.begun and folder.exists() and any(map(_foreign, folder.iterdir())):
            raise StoreError(f"{folder} is not empty and holds no store; choose another folder")
        writer = cls(folder, plan)
        if not layout.begun:
            write_json(layout.plan, {**asdict(plan), "fingerprint": plan.fingerprint})
        return writer

    @property
    def layout(self) -> Layout:
        """The places in the store's folder."""
        return Layout(self.folder)

    @property
    def complete(self) -> bool:
        """Whether the store is finished already."""
        return self.layout.finished and not self.missing()

    def missing(self) -> list[int]:
        """Return the indices of the parts that still have no shard."""
        return [i for i in range(len(self.plan.parts)) if not self.shard(i).exists()]

    def shard(self, part: int) -> Path:
        """Return the file of a part's shard, whether it exists or not."""
        return self.layout.shard(part)

    def write(self, part: int, table: pa.Table, rejects: Iterable[Reject] = ()) -> int:
        """Write one part, quarantine first, and return its number of rows.

        A shard holds exactly `PRODUCT_SCHEMA`. Killed at any moment, the part is either whole or
        will be written again with the same bytes.
        """
        refused = rejects_table(rejects)
        if refused.num_rows:
            with atomic_write(self.layout.quarantine(part)) as temporary:
                pq.write_table(refused, temporary, compression="zstd")
        with atomic_write(self.shard(part)) as temporary:
            pq.write_table(table.cast(PRODUCT_SCHEMA), temporary, **_SHARD)
        return int(table.num_rows)

    def finish(self, taxonomy: Taxonomy | None = None, **facts: Any) -> Store:
        """Write the taxonomy and the manifest, and open the finished store.

        `facts` are further JSON values for the manifest (a threshold, counts by reason).

        Raises:
            StoreError: a part has no shard yet.
        """
        missing = self.missing()
        if missing:
            raise StoreError(f"{self.folder}: {len(missing)} parts have no shard, the first is {missing[0]}")
        if taxonomy is not None:
            taxonomy.save(self.layout.taxonomy)
        shards = [self._summary(i) for i in range(len(self.plan.parts))]
        manifest = {
            **asdict(self.plan),
            **facts,
            "format": FORMAT,
            "fingerprint": self.plan.fingerprint,
            "shards": shards,
            "rows": sum(shard["rows"] for shard in shards),
            "dropped": sum(shard["dropped"] for shard in shards),
            "rejects": sum(shard["rejects"] for shard in shards),
            "taxonomy": taxonomy.version if taxonomy is not None else None,
        }
        write_json(self.layout.manifest, manifest)
        return Store.open(self.folder)

    def _summary(self, part: int) -> dict[str, Any]:
        dropped = pq.read_table(self.shard(part), columns=["dropped"])["dropped"]
        refused = self.layout.quarantine(part)
        return {
            "part": self.plan.parts[part],
            "rows": len(dropped),
            "dropped": len(dropped) - pc.sum(dropped.is_null()).as_py() if len(dropped) else 0,
            "rejects": pq.read_metadata(refused).num_rows if refused.exists() else 0,
        }


def _foreign(path: Path) -> bool:
    """Whether a path was not written by mep3m; a run killed at its plan leaves a half-written file."""
    return not (path.name.startswith(f".{PLAN}.") and path.suffix == ".tmp")


def _clear(folder: Path) -> None:
    """Remove what a store writes (never its images, which other stores may share)."""
    for name in (MANIFEST, PLAN, TAXONOMY):
        (folder / name).unlink(missing_ok=True)
    for name in (SHARDS, REJECTS, COLLECT, DECISION):
        shutil.rmtree(folder / name, ignore_errors=True)
