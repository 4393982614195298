"""Product rows to the tensors of a network: token ids, pixels, and which modality is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from mep3m.store.rejects import Reject

#: rows turned into arrays at a time
CHUNK = 4096
#: id of padding in every token array
PAD = 0


class Coder(Protocol):
    """Texts to arrays of token ids: a `Vocabulary` or `PretrainedTokens`."""

    def __len__(self) -> int: ...

    @property
    def silent(self) -> tuple[int, ...]:
        """The ids that say nothing of a text: padding, marks, unknown tokens."""
        ...

    def encode(self, texts: Sequence[str]) -> list[NDArray[np.int32]]:
        """Return one array of ids a text."""
        ...

    def save(self, folder: Path, name: str) -> None:
        """Write what `words` needs to rebuild it."""
        ...


class Modality(Protocol):
    """One modality of N rows: `Tokens`, `Stored` (cached) or `pixels.Decoding` (each time anew)."""

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the values of some rows and (B,) whether the row has any."""
        ...

    def present(self) -> NDArray[np.bool_]:
        """Return (N,) whether the row has this modality, as far as is known without reading it."""
        ...


def texts_of(products: pa.Table, column: str) -> Iterator[list[str]]:
    """Yield a text column a chunk at a time, '' where it is missing."""
    for batch in products.select([column]).to_batches(max_chunksize=CHUNK):
        yield [text or "" for text in batch.column(0).to_pylist()]


@dataclass(frozen=True)
class Tokens:
    """The token ids of N texts behind each other: `ids` (sum of lengths,), `offsets` (N + 1,)."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def encode(cls, coder: Coder, products: pa.Table, column: str, folder: Path | None = None) -> Tokens:
        """Encode a column; with a `folder` both arrays are files, memory-mapped, never held whole."""
        chunks = (cls._chunk(coder, texts) for texts in texts_of(products, column))
        if folder is None:
            parts = list(chunks)
            ids = np.concatenate([part for part, _ in parts]) if parts else np.empty(0, np.int32)
            lengths = np.concatenate([np.zeros(1, np.int64), *(part for _, part in parts)])
            return cls(ids, np.cumsum(lengths))
        total = 0
        with (folder / f"{column}.ids").open("wb") as file, (folder / f"{column}.offsets").open("wb") as ends:
            ends.write(np.zeros(1, np.int64).tobytes())
            for ids, lengths in chunks:
                file.write(ids.tobytes())
                ends.write((total + np.cumsum(lengths)).tobytes())
                total += len(ids)
        mapped = np.memmap(folder / f"{column}.ids", np.int32, "r") if total else np.empty(0, np.int32)
        return cls(mapped, np.memmap(folder / f"{column}.offsets", np.int64, "r"))

    @staticmethod
    def _chunk(coder: Coder, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the ids of one chunk of texts and their lengths; a missing text has no token."""
        ids = [part if text else part[:0] for part, text in zip(coder.encode(texts), texts, strict=True)]
        return np.concatenate(ids), np.array([len(part) for part in ids], np.int64)

    def present(self) -> NDArray[np.bool_]:
        """Return (N,) whether the row has a text."""
        return np.diff(self.offsets) > 0

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return ids (B, T) padded to the longest of the batch, and (B,) whether there is a text."""
        starts = np.asarray(self.offsets[rows])
        lengths = np.asarray(self.offsets[rows + 1]) - starts
        steps = np.arange(max(int(lengths.max(initial=1)), 1))
        inside = steps < lengths[:, None]
        tokens = np.full(inside.shape, PAD, np.int64)
        tokens[inside] = self.ids[(starts[:, None] + steps)[inside]]
        return tokens, lengths > 0


@dataclass
class Stored:
    """Arrays of N rows in a memory-mapped file: pixels, or features of a frozen backbone.

    `slots` (N,) says where in `values` a row's array is, -1 where it has none; `rejects` what could
    not be read.
    """

    values: NDArray[Any]
    slots: NDArray[np.int64]
    rejects: list[Reject] = field(default_factory=list)

    def present(self) -> NDArray[np.bool_]:
        """Return (N,) whether the row has an array."""
        return self.slots >= 0

    def take(self, rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return arrays (B, ...) and (B,) whether the row has one (zeros where not)."""
        slots = self.slots[rows]
        present = slots >= 0
        if present.all():
            return np.asarray(self.values[slots]), present
        taken = np.zeros((len(rows), *self.values.shape[1:]), self.values.dtype)
        taken[present] = self.values[slots[present]]
        return taken, present


@dataclass
class Inputs:
    """The modalities of N rows by name, in the order of the network's `present` mask."""

    parts: Mapping[str, Modality]

    @property
    def rejects(self) -> list[Reject]:
        """What could not be read so far, each thing once."""
        own = [reject for part in self.parts.values() for reject in getattr(part, "rejects", ())]
        return list(dict.fromkeys(own))

    def take(self, rows: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return one tensor a modality, and `present` (B, M)."""
        tensors: dict[str, Tensor] = {}
        present = []
        for name, part in self.parts.items():
            values, there = part.take(rows)
            tensors[name] = torch.from_numpy(values)
            present.append(there)
        tensors["present"] = torch.from_numpy(np.stack(present, 1))
        return tensors
