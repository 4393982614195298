"""Labelled rows as memory-mapped arrays, and the order in which an epoch reads them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.inputs.columns import CHUNK, Inputs
from mep3m.settings.training import TrainingSettings

#: batches that each reader may be ahead of the training
AHEAD = 4
#: threads that read ahead of a GPU where nothing else is asked for
MOST_READERS = 8
#: first part of the names of the threads that read ahead
READER = "mep3m-reader"


@dataclass
class Examples:
    """N rows: their inputs, and `targets` (N, L) with the node at each level, -1 where not known.

    `rows` are the row numbers that can be learned from: labelled at some level, with a modality. `tags` are
    further numbers (N,) of each row that a network asks for (`Task.tags`).
    """

    inputs: Inputs
    targets: NDArray[np.int32]
    rows: NDArray[np.int64]
    tags: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def batch(self, rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return the tensors of some rows with their `targets` (B, L) and tags (B,)."""
        tensors = self.inputs.take(rows)
        tensors["targets"] = torch.from_numpy(np.asarray(self.targets[rows], np.int64))
        return tensors | {name: torch.from_numpy(values[rows]) for name, values in self.tags.items()}

    def pinned(self, rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return `batch` in memory that a GPU copies from by itself."""
        return {name: value.pin_memory() for name, value in self.batch(rows).items()}


def encode_labels(products: pa.Table, tree: LabelTree, folder: Path | None = None) -> NDArray[np.int32]:
    """Return (N, L) nodes of the rows' label paths, -1 where unknown; a mapped file with a `folder`."""
    parts = (_encode_chunk(batch, tree) for batch in products.select(["labels"]).to_batches(CHUNK))
    if folder is None:
        arrays = list(parts)
        return np.concatenate(arrays) if arrays else np.empty((0, tree.depth), np.int32)
    file = folder / "targets.bin"
    with file.open("wb") as out:
        for part in parts:
            out.write(part.tobytes())
    return np.memmap(file, np.int32, "r", shape=(products.num_rows, tree.depth))


def _encode_chunk(batch: pa.RecordBatch, tree: LabelTree) -> NDArray[np.int32]:
    rows = batch.column(0).to_pylist()
    return tree.encode([tuple(label["category"] for label in labels or ()) for labels in rows])


def usable_rows(inputs: Inputs, targets: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the numbers of the rows with a label and at least one modality.

    Pixels that are decoded anew each time count as present; a broken one is masked in its batch.

    Raises:
        UsageError: no row is left.
    """
    labelled = np.concatenate(
        [np.zeros(0, bool)] + [(targets[i : i + CHUNK] >= 0).any(1) for i in range(0, len(targets), CHUNK)]
    )
    there = np.zeros(len(targets), bool)
    for part in inputs.parts.values():
        there |= part.present()
    rows = np.flatnonzero(labelled & there)
    if not len(rows):
        raise UsageError(
            f"nothing to train on: of {len(targets):,} rows {int(labelled.sum()):,} have a label of the tree "
            f"and {int(there.sum()):,} have one of {', '.join(inputs.parts)}; check the column names"
        )
    return rows


def epoch_order(
    rows: NDArray[np.int64], weights: NDArray[np.float64] | None, seed: int, epoch: int
) -> NDArray[np.int64]:
    """Return the rows in the order of one epoch: a function of seed and epoch alone.

    With `weights` (one a row, summing to 1) rows are drawn with replacement.
    """
    generator = np.random.default_rng([seed, epoch])
    if weights is None:
        return generator.permutation(rows)
    return generator.choice(rows, len(rows), p=weights)


def balanced_weights(targets: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return (N,) chances under which every class is equally likely, for targets (N, L).

    A row counts for its deepest known level: node numbers grow with the level.
    """
    deepest = targets.max(1)
    weights = (1 / np.bincount(deepest)[deepest]).astype(np.float64)
    return np.asarray(weights / weights.sum())


def batches(
    examples: Examples,
    order: NDArray[np.int64],
    settings: TrainingSettings,
    first: int = 0,
    part: int = 0,
    parts: int = 1,
    gpu: bool = False,
) -> Iterator[dict[str, Tensor]]:
    """Yield the batches of an epoch from number `first` on; process `part` of `parts` gets its share.

    A last batch of a single row joins the one before it: one row has no batch statistics. For a `gpu`
    they lie in pinned memory, from where they go to it while it computes.
    """
    plan = plan_batches(order, settings.batch * parts)[first:]
    own = [rows[part::parts] for rows in plan if len(rows[part::parts])]
    read = examples.pinned if gpu else examples.batch
    readers = settings.workers
    if readers is None:
        readers = min(MOST_READERS, os.cpu_count() or 1) if gpu else 0
    if not readers:
        yield from map(read, own)
        return
    # threads: decoding an image lets the others run, and nothing has to be copied to another process
    pool, ahead = ThreadPoolExecutor(readers, READER), deque[Future[dict[str, Tensor]]]()
    try:
        for rows in own:
            ahead.append(pool.submit(read, rows))
            if len(ahead) > AHEAD * readers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def plan_batches(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Cut an order of rows into batches."""
    cuts = list(range(size, len(order), size))
    if cuts and len(order) - cuts[-1] < 2:
        cuts.pop()
    return np.split(order, cuts)
