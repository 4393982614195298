"""The two kinds of stage, and the one function that runs either over a store.

A row stage looks at one shard at a time. A global stage needs all rows to decide: it collects a
small table per shard, decides once, and applies the decision per shard. Both keep every row: what
a stage takes out stays in the shard with its reason in `dropped`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.parquet as pq

from mep3m.engine import Engine, Progress, run, silent
from mep3m.errors import StoreError, UsageError
from mep3m.store import ContentImages, Plan, Reject, Store, StoreWriter
from mep3m.store.filesystem import atomic_write, exclusive_lock
from mep3m.store.layout import TAXONOMY, Layout
from mep3m.store.store import read_plan, read_shard
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class Outcome:
    """What a stage made of one shard: the same rows in the same order, and what failed on the way."""

    table: pa.Table
    rejects: Sequence[Reject] = field(default_factory=list)


@runtime_checkable
class RowStage(Protocol):
    """A stage that needs one shard at a time; instances pickle."""

    name: str

    def settings(self) -> Mapping[str, Any]:
        """Return everything that can change the result, as JSON values."""
        ...

    def process(self, shard: pa.Table, images: ContentImages) -> Outcome:
        """Return the shard with this stage's columns filled in."""
        ...


@runtime_checkable
class GlobalStage(Protocol):
    """A stage that decides over all rows; instances pickle."""

    name: str

    def settings(self) -> Mapping[str, Any]:
        """Return everything that can change the result, as JSON values."""
        ...

    def collect(self, shard: pa.Table, images: ContentImages) -> pa.Table:
        """Return the little that the decision needs of one shard."""
        ...

    def decide(self, collected: Sequence[Path], store: Store, folder: Path) -> Taxonomy | None:
        """Read the collected Parquet files (in shard order) and write the decision into `folder`.

        Returns the taxonomy of the new store, or `None` to keep the parent's.
        """
        ...

    def apply(self, shard: pa.Table, folder: Path) -> Outcome:
        """Return the shard with the decision in `folder` applied."""
        ...


def run_stage(
    stage: RowStage | GlobalStage,
    parent: Store,
    folder: Path,
    engine: Engine,
    progress: Progress = silent,
) -> Store:
    """Run a stage over `parent` into the store at `folder`, or go on where an earlier run stopped.

    A folder that holds the same stage with other settings or another parent is built anew; a
    finished one of the same plan is returned as it is.

    Raises:
        StoreError: another run writes into the folder, or it holds what another step made.
        UsageError: the folder is that of `parent`.
    """
    if folder.resolve() == parent.folder.resolve():
        raise UsageError(f"{folder} is the store that '{stage.name}' reads; write into another folder")
    if Layout(folder).begun and (step := read_plan(folder)["step"]) != stage.name:
        raise StoreError(f"{folder} holds a store of '{step}'; choose another folder for '{stage.name}'")
    with exclusive_lock(folder):
        return _run_stage(stage, parent, folder, engine, progress)


def _run_stage(
    stage: RowStage | GlobalStage, parent: Store, folder: Path, engine: Engine, progress: Progress
) -> Store:
    """`run_stage` with the lock on the folder held."""
    plan = Plan(
        step=stage.name,
        settings=dict(stage.settings()),
        parts=tuple(shard["part"] for shard in parent.manifest["shards"]),
        parent=parent.fingerprint,
        images=os.path.relpath(parent.images.root, folder.resolve()),
    )
    writer = StoreWriter.begin(folder, plan, replace=True)
    if writer.complete:
        return Store.open(folder)
    taxonomy: Taxonomy | None = None
    if isinstance(stage, GlobalStage):
        taxonomy = _decide(stage, parent, writer, engine, progress)
        work = partial(_apply, stage, parent, writer)
    else:
        work = partial(_process, stage, parent, writer)
    run(engine, work, writer.missing(), stage.name, progress, parent.rows)
    shutil.rmtree(writer.layout.collect, ignore_errors=True)
    return writer.finish(taxonomy if taxonomy is not None else parent.taxonomy)


def _process(stage: RowStage, parent: Store, writer: StoreWriter, part: int) -> int:
    outcome = stage.process(read_shard(parent.shards[part]), parent.images)
    return writer.write(part, outcome.table, outcome.rejects)


def _apply(stage: GlobalStage, parent: Store, writer: StoreWriter, part: int) -> int:
    outcome = stage.apply(read_shard(parent.shards[part]), writer.layout.decision)
    return writer.write(part, outcome.table, outcome.rejects)


def _collect(stage: GlobalStage, parent: Store, target: Layout, part: int) -> int:
    shard = read_shard(parent.shards[part])
    with atomic_write(target.collected(part)) as temporary:
        pq.write_table(stage.collect(shard, parent.images), temporary, compression="zstd")
    return int(shard.num_rows)


def _decide(
    stage: GlobalStage, parent: Store, writer: StoreWriter, engine: Engine, progress: Progress
) -> Taxonomy | None:
    """Collect and decide, unless an earlier run has; the decision folder appears whole."""
    layout = writer.layout
    if not layout.decision.exists():
        collected = [layout.collected(part) for part in range(len(writer.plan.parts))]
        missing = [i for i, path in enumerate(collected) if not path.exists()]
        work = partial(_collect, stage, parent, layout)
        run(engine, work, missing, f"{stage.name}: collect", progress, parent.rows)
        draft = layout.decision.with_name("decision.draft")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        taxonomy = stage.decide(collected, parent, draft)
        if taxonomy is not None:
            taxonomy.save(draft / TAXONOMY)
        draft.rename(layout.decision)
    saved = layout.decision / TAXONOMY
    return Taxonomy.load(saved) if saved.exists() else None
