"""`ingest`: from catalogues to a store, and on from where an earlier run stopped."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mep3m.engine import Engine, Progress, silent
from mep3m.ingest.origin import (
    Catalogues,
    compare,
    decisive,
    describe_inputs,
    portable,
    unchanged,
    write_origin,
)
from mep3m.ingest.shards import PartReader, build, list_parts, reuse_memory
from mep3m.ingest.update import finish_update, update
from mep3m.settings.sources import SourceEntry
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.layout import Layout
from mep3m.store.rejects import INGEST


def ingest(
    entries: Sequence[SourceEntry],
    base: Path,
    folder: Path,
    engine: Engine,
    progress: Progress = silent,
    *,
    replace: bool = False,
) -> Store:
    """Read catalogues into the store at `folder`, or go on where an earlier run stopped.

    Input that has not changed since is not read again. When the files of a finished store's sources
    have changed, the store is brought up to date (see `update`); other sources or settings are an
    error unless `replace`.

    Raises:
        StoreError: the folder holds something else, or another run writes into it.
        InputError: a whole file cannot be read.
        UsageError: a file, a column or a folder does not exist.
    """
    with exclusive_lock(folder):
        return _ingest(entries, base, folder, engine, progress, replace)


def _ingest(
    entries: Sequence[SourceEntry],
    base: Path,
    folder: Path,
    engine: Engine,
    progress: Progress,
    replace: bool,
) -> Store:
    """`ingest` with the lock on the folder held."""
    catalogues = Catalogues(tuple(entries), base, Layout(folder).images)
    settings = [decisive(entry) for entry in entries]
    if replace:  # an update that was killed half-way would else take the place of what is built now
        shutil.rmtree(Layout(folder).update, ignore_errors=True)
    else:
        finish_update(folder)
        if unchanged(folder, settings, catalogues):
            return Store.open(folder)
    reuse_memory()
    with ThreadPoolExecutor(1) as beside:  # hashing and looking for the parts each read every byte
        described = beside.submit(describe_inputs, catalogues, folder)
        parts = list_parts(catalogues)
        inputs = described.result()
    plan = Plan(
        INGEST,
        {"sources": settings, "inputs": [portable(item) for item in inputs]},
        tuple(
            f"{entries[which].name}:{part.file}:{part.start}-{part.stop}:{part.line}" for which, part in parts
        ),
    )
    standing = "other" if replace else compare(folder, plan)
    if standing == "older":
        return update(catalogues, plan, parts, inputs, folder, engine, progress)
    if standing == "same":  # touched or moved files with the same content
        write_origin(folder, catalogues, inputs)
        return Store.open(folder)
    writer = StoreWriter.begin(folder, plan, replace=replace)
    write_origin(folder, catalogues, inputs)
    return build(PartReader(catalogues, tuple(parts), writer), engine, progress)
