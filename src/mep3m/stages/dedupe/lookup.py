"""Is this new product in the store already? One product against all, in one pass over the index."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.errors import StoreError, UsageError
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.dedupe.evidence import EVIDENCE_SCHEMA, collect
from mep3m.stages.dedupe.pairs import MARGIN
from mep3m.stages.dedupe.pictures import distance, perceptual_hash
from mep3m.stages.dedupe.stage import INDEX
from mep3m.stages.dedupe.titles import HASHES, agreement, jaccard, normalise, shingle, signatures, title_keys
from mep3m.store import Store
from mep3m.store.json_files import read_json
from mep3m.store.layout import Layout, finished_below
from mep3m.store.store import read_shard


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A product of the store that the new one repeats.

    `reason` is same_title, same_image, near_title or near_image; `similarity` is that of the titles,
    `distance` the differing bits of the images' hashes (`None` without images).
    """

    id: str
    group: str | None
    title: str | None
    reason: str
    similarity: float
    distance: int | None


@dataclass(frozen=True)
class DuplicateIndex:
    """The hashes of a store's products, in row order: (N,) uint64 each, signatures (N, 64)."""

    store: Store
    title: NDArray[np.uint64]
    image: NDArray[np.uint64]
    perceptual_hash: NDArray[np.uint64]
    signatures: NDArray[np.uint8]

    @classmethod
    def open(cls, store: Store) -> DuplicateIndex:
        """Open the index that the dedupe step of this store's line wrote, or hash the titles now."""
        folder = _index_folder(store)
        if folder is None:
            return cls._build(store)
        names = ("title", "image", "perceptual_hash", "signatures")
        if not all((folder / f"{name}.npy").exists() for name in names):
            raise StoreError(
                f"{folder} was written by an earlier version of mep3m, which hashed images in another way; "
                "run 'mep3m dedupe STORE --out FOLDER' or 'mep3m build' again"
            )
        arrays = [np.load(folder / f"{name}.npy", mmap_mode="r" if store.rows else None) for name in names]
        if any(len(array) != store.rows for array in arrays):
            raise StoreError(
                f"{folder} indexes {len(arrays[0])} products, {store.folder} has {store.rows}; "
                "run 'mep3m build' again"
            )
        return cls(store, arrays[0], arrays[1], arrays[2], arrays[3])

    @classmethod
    def _build(cls, store: Store) -> DuplicateIndex:
        columns = ["id", "title", "image", "dropped"]
        tables = [collect(table, None) for table in store.tables(columns)]
        table = pa.concat_tables([EVIDENCE_SCHEMA.empty_table(), *tables]).combine_chunks()
        title, image, perceptual = (table[name].to_numpy() for name in ("title", "image", "perceptual_hash"))
        packed = b"".join(table["signature"].to_pylist())
        return cls(store, title, image, perceptual, np.frombuffer(packed, np.uint8).reshape(-1, HASHES))

    def find(
        self,
        title: str | None,
        image: bytes | None = None,
        settings: DedupeSettings = DedupeSettings(),  # noqa: B008
    ) -> list[Duplicate]:
        """Return the products that a new one repeats, the strongest evidence first.

        Raises:
            UsageError: neither a title nor an image is given.
        """
        if not title and not image:
            raise UsageError("a product needs a title or an image to be looked up")
        reasons: dict[int, str] = {}
        normalised = normalise(pa.array([title], pa.string()))
        near, bits = self._near_titles(normalised, settings), self._differing_bits(image, settings)
        most = -1 if settings.image_distance is None else settings.image_distance
        reasons.update(dict.fromkeys(np.flatnonzero(bits <= most).tolist(), "near_image"))
        reasons.update(dict.fromkeys(near, "near_title"))
        if image and settings.same_image:
            reasons.update(
                dict.fromkeys(np.flatnonzero(self.image == _image_key(image)).tolist(), "same_image")
            )
        key = title_keys(normalised)[0]
        if key and settings.same_title:
            reasons.update(dict.fromkeys(np.flatnonzero(self.title == key).tolist(), "same_title"))
        return self._verified(reasons, normalised, bits, settings)

    def _near_titles(self, normalised: pa.Array, settings: DedupeSettings) -> list[int]:
        if settings.near_title is None or not normalised[0].as_py():
            return []
        own = signatures(shingle(normalised))
        near: list[int] = []
        for start in range(0, len(self.signatures), 1_000_000):
            block = self.signatures[start : start + 1_000_000]
            close = agreement(block, own) >= settings.near_title - MARGIN
            near += (start + np.flatnonzero(close)).tolist()
        return near

    def _differing_bits(self, image: bytes | None, settings: DedupeSettings) -> Ints:
        """Return the differing bits to every product's image, 65 where either has none."""
        own = perceptual_hash(image, settings.max_pixels) if image else None
        if own is None:
            return np.full(len(self.perceptual_hash), 65)
        bits = distance(self.perceptual_hash, np.array([own], np.uint64)).astype(np.int64)
        return np.where(self.perceptual_hash == 0, 65, bits)

    def _verified(
        self,
        reasons: dict[int, str],
        normalised: pa.Array,
        bits: Ints,
        settings: DedupeSettings,
    ) -> list[Duplicate]:
        """Read the candidates' titles, and keep those that are as similar as the settings ask."""
        rows = np.array(sorted(reasons), dtype=np.int64)
        products = _read_rows(self.store, rows)
        cut = shingle(pa.concat_arrays([normalised, normalise(products["title"].combine_chunks())]))
        likeness = jaccard(cut, np.zeros(len(rows), np.int64), np.arange(1, len(rows) + 1))
        asked = settings.image_title + settings.image_step * bits[rows]
        by_image = np.array([reasons[row] == "near_image" for row in rows.tolist()], dtype=bool)
        by_title = np.array([reasons[row] == "near_title" for row in rows.tolist()], dtype=bool)
        least = np.where(by_image, asked, np.where(by_title, settings.near_title or 0.0, 0.0))
        order = ("same_title", "same_image", "near_title", "near_image")
        duplicates = [
            Duplicate(
                product["id"], product["group"], product["title"], reasons[row], float(value),
                int(bits[row]) if bits[row] < 65 else None,
            )
            for row, value, enough, product in zip(
                rows.tolist(), likeness, likeness >= least, products.to_pylist(), strict=True
            )
            if enough and product["dropped"] is None
        ]  # fmt: skip
        return sorted(duplicates, key=lambda one: (order.index(one.reason), -one.similarity, one.id))


def find_duplicates(
    store: Store,
    title: str | None,
    image: bytes | None = None,
    settings: DedupeSettings = DedupeSettings(),  # noqa: B008
) -> list[Duplicate]:
    """Look one product up; to look up many, open a `DuplicateIndex` once."""
    return DuplicateIndex.open(store).find(title, image, settings)


def _image_key(content: bytes) -> np.uint64:
    return np.uint64(int(hashlib.sha256(content).hexdigest()[:16], 16))


def _index_folder(store: Store) -> Path | None:
    """Return the index of this store, or of the step beside it that it was made from."""
    folder, parent = store.folder, store.manifest["parent"]
    while not (Layout(folder).decision / INDEX).exists():
        beside = finished_below(folder.parent)
        folders = [path for path in beside if read_json(Layout(path).manifest)["fingerprint"] == parent]
        if parent is None or not folders:
            return None
        folder = folders[0]
        parent = read_json(Layout(folder).manifest)["parent"]
    return Layout(folder).decision / INDEX


def _read_rows(store: Store, rows: NDArray[np.int64]) -> pa.Table:
    """Return id, group, title and dropped of the rows (sorted), reading only the shards they are in."""
    columns = ["id", "group", "title", "dropped"]
    parts: list[pa.Table] = []
    start = 0
    for path, shard in zip(store.shards, store.manifest["shards"], strict=True):
        stop = start + shard["rows"]
        here = rows[(rows >= start) & (rows < stop)]
        if len(here):
            parts.append(read_shard(path, columns).take(pa.array(here - start)))
        start = stop
    return pa.concat_tables(parts) if parts else PRODUCT_SCHEMA.empty_table().select(columns)
