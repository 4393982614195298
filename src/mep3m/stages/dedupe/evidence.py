"""The little that grouping needs of a product: hashes of title and image, the title's 3-grams."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mep3m.errors import NotFoundError
from mep3m.settings.base import MAX_PIXELS
from mep3m.stages.dedupe.groups import DuplicateEvidence
from mep3m.stages.dedupe.pictures import perceptual_hash
from mep3m.stages.dedupe.titles import HASHES, Shingles, normalise, shingle, signatures, title_keys
from mep3m.store import ContentImages

EVIDENCE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("alive", pa.bool_()),
        pa.field("title", pa.uint64()),
        pa.field("image", pa.uint64()),
        pa.field("perceptual_hash", pa.uint64()),
        pa.field("signature", pa.binary(HASHES)),
        pa.field("shingles", pa.list_(pa.uint32())),
    ]
)
_NUMBERS = ("title", "image", "perceptual_hash")


def collect(shard: pa.Table, images: ContentImages | None, max_pixels: int = MAX_PIXELS) -> pa.Table:
    """Return `EVIDENCE_SCHEMA` for a shard; dropped rows have none. Without `images` there are no hashes.

    Where images are hashed, one without a hash (broken, or of one colour) is no evidence at all.
    """
    alive = shard["dropped"].combine_chunks().is_null()
    nothing = pa.scalar(None, pa.string())
    titles, keys = (pc.if_else(alive, shard[name].combine_chunks(), nothing) for name in ("title", "image"))
    normalised = normalise(titles)
    cut = shingle(normalised)
    flat = signatures(cut).tobytes()
    hashes = image_hashes(keys.to_pylist(), images, max_pixels)
    exact = np.array([int(key[:16], 16) if key else 0 for key in keys.to_pylist()], np.uint64)
    columns = [
        shard["id"].combine_chunks(),
        alive,
        pa.array(title_keys(normalised)),
        pa.array(exact if images is None else np.where(hashes == 0, np.uint64(0), exact)),
        pa.array(hashes),
        pa.Array.from_buffers(pa.binary(HASHES), len(shard), [None, pa.py_buffer(flat)]),
        pa.ListArray.from_arrays(pa.array(cut.offsets.astype(np.int32)), pa.array(cut.flat)),
    ]
    return pa.Table.from_arrays(columns, schema=EVIDENCE_SCHEMA)


def image_hashes(
    keys: Sequence[str | None], images: ContentImages | None, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint64]:
    """Return the perceptual hash of each row's image, 0 where there is none, (N,)."""
    hashes: dict[str, int] = {}
    for key in dict.fromkeys(keys):
        if key and images is not None:
            with suppress(NotFoundError):
                hashes[key] = perceptual_hash(images.read(key), max_pixels) or 0
    return np.array([hashes.get(key or "", 0) for key in keys], dtype=np.uint64)


def gather(collected: Sequence[Path], index: Path, scratch: Path) -> DuplicateEvidence:
    """Join collected files into arrays on disk, read through memory maps.

    What is needed to look a new product up stays in `index` (96 bytes a product), the titles'
    3-grams go to `scratch`.
    """
    index.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(parents=True, exist_ok=True)
    rows = sum(pq.read_metadata(path).num_rows for path in collected)
    arrays = {name: _new(index / f"{name}.npy", (rows,), np.uint64) for name in _NUMBERS}
    arrays["signatures"] = _new(index / "signatures.npy", (rows, HASHES), np.uint8)
    offsets = _new(scratch / "offsets.npy", (rows + 1,), np.int64)
    row, total = 0, 0
    with (scratch / "flat.bin").open("wb") as flat:
        for path in collected:
            table = pq.read_table(path, schema=EVIDENCE_SCHEMA)
            stop = row + table.num_rows
            for name in _NUMBERS:
                arrays[name][row:stop] = table[name].to_numpy()
            lists, signs = table["shingles"].combine_chunks(), table["signature"].combine_chunks()
            packed = np.frombuffer(signs.buffers()[1], np.uint8) if len(signs) else np.zeros(0, np.uint8)
            arrays["signatures"][row:stop] = packed[: len(signs) * HASHES].reshape(-1, HASHES)
            offsets[row:stop] = lists.offsets.to_numpy()[:-1] + total
            lists.flatten().to_numpy().astype(np.uint32).tofile(flat)
            row, total = stop, total + len(lists.flatten())
    offsets[rows] = total
    values = np.memmap(scratch / "flat.bin", np.uint32, "r") if total else np.zeros(0, np.uint32)
    cut = Shingles(values, np.asarray(offsets))
    title, image, perceptual = (arrays[name] for name in _NUMBERS)
    return DuplicateEvidence(title, image, perceptual, arrays["signatures"], cut)


def _new(path: Path, shape: tuple[int, ...], kind: type) -> NDArray[Any]:
    """Create an array on disk; an empty one is only saved, as nothing of size 0 can be mapped."""
    if shape[0] == 0:
        np.save(path, np.zeros(shape, kind))
        return np.zeros(shape, kind)
    return np.lib.format.open_memmap(path, "w+", kind, shape)
