"""Labelled rows as memory-mapped arrays, and the order in which an epoch reads them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mep3m.errors import UsageError
from mep3m.models.inputs.columns import CHUNK, Inputs
from mep3m.models.labels import LabelTree
from mep3m.settings.training import TrainingSettings
from mep3m.store.rejects import Reject


@dataclass
class Examples:
    """N rows: their inputs, and `targets` (N, L) with the node at each level, -1 where not known.

    `rows` are the row numbers that can be learned from: labelled at some level, with a modality.
    """

    inputs: Inputs
    targets: NDArray[np.int32]
    rows: NDArray[np.int64]

    def batch(self, rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return the tensors of some rows with their `targets` (B, L)."""
        tensors = self.inputs.take(rows)
        tensors["targets"] = torch.from_numpy(np.asarray(self.targets[rows], np.int64))
        return tensors


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


class _Batches(Dataset[tuple[dict[str, Tensor], list[Reject]]]):
    """Batch number to tensors and what was unreadable among them, for the workers of a `DataLoader`."""

    def __init__(self, examples: Examples, plan: list[NDArray[np.int64]]) -> None:
        self.examples = examples
        self.plan = plan

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, index: int) -> tuple[dict[str, Tensor], list[Reject]]:
        known = set(self.examples.inputs.rejects)
        tensors = self.examples.batch(self.plan[index])
        return tensors, [reject for reject in self.examples.inputs.rejects if reject not in known]


def batches(
    examples: Examples,
    order: NDArray[np.int64],
    settings: TrainingSettings,
    first: int = 0,
    part: int = 0,
    parts: int = 1,
) -> Iterator[dict[str, Tensor]]:
    """Yield the batches of an epoch from number `first` on; process `part` of `parts` gets its share.

    A last batch of a single row joins the one before it: one row has no batch statistics.
    """
    plan = plan_batches(order, settings.batch * parts)[first:]
    own = [rows[part::parts] for rows in plan if len(rows[part::parts])]
    if not settings.workers:
        yield from (examples.batch(rows) for rows in own)
        return
    loader: Any = DataLoader(
        _Batches(examples, own), batch_size=None, num_workers=settings.workers, prefetch_factor=4
    )
    for tensors, rejects in loader:
        # a worker has its own copy of the inputs: what it could not read would be lost with it
        examples.inputs.note(rejects)
        yield tensors


def plan_batches(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Cut an order of rows into batches."""
    cuts = list(range(size, len(order), size))
    if cuts and len(order) - cuts[-1] < 2:
        cuts.pop()
    return np.split(order, cuts)
