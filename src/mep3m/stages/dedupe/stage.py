"""Duplicate groups over a store: hashes are collected per shard, one decision, `group` filled in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mep3m.errors import require
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.base import Outcome
from mep3m.stages.dedupe.evidence import collect, gather
from mep3m.stages.dedupe.groups import REASONS, FindPhotos, Links, find_links, first_rows, group
from mep3m.stages.dedupe.photos import See, same_photos
from mep3m.stages.read_once import read_once
from mep3m.store import ContentImages, Store
from mep3m.taxonomy import Taxonomy

#: files of the decision: ids and groups of products that have a duplicate; which links made them;
#: the folder with what a look-up of new products needs
GROUPS, LINKS, INDEX = "groups.parquet", "links.parquet", "index"


class DedupeStage:
    """Gives every product that no stage dropped its `group`: the id of the group's first product.

    A product without duplicates is a group of its own. Nothing is dropped.
    """

    name = "dedupe"

    def __init__(self, settings: DedupeSettings, see: See | None = None) -> None:
        """Take which evidence counts, and what encodes images, which `same_photo` asks.

        Raises:
            MissingExtraError: `same_photo` is set and OpenCV is not installed.
        """
        self._settings, self._see = settings, see
        if settings.same_photo is not None:
            require("cv2", "ocr")

    def settings(self) -> Mapping[str, Any]:
        """Return which evidence counts."""
        unset = {"same_photo"} if self._settings.same_photo is None else set()
        return self._settings.model_dump(mode="json", exclude=unset)

    def collect(self, shard: pa.Table, images: ContentImages) -> pa.Table:
        """Return the hashes of a shard."""
        wanted = images if self._settings.image_distance is not None else None
        return collect(shard, wanted, self._settings.max_pixels)

    def decide(self, collected: Sequence[Path], store: Store, folder: Path) -> Taxonomy | None:
        """Group all products; memory stays near 100 bytes a product, the 3-grams stay on disk."""
        scratch = folder / "scratch"
        evidence = gather(collected, folder / INDEX, scratch)
        first = first_rows(evidence, self._settings)
        links = find_links(evidence, first, self._settings, self._photos(store))
        groups = group(first, links, self._settings.chain)
        _write(groups, links, collected, folder)
        del evidence
        shutil.rmtree(scratch)
        return None

    def _photos(self, store: Store) -> FindPhotos | None:
        if self._settings.same_photo is None or self._see is None:
            return None
        return partial(same_photos, store, self._see, self._settings)

    def apply(self, shard: pa.Table, folder: Path) -> Outcome:
        """Return the shard with `group` filled in."""
        known, decided = read_once(folder / GROUPS, _decided)
        ids = shard["id"].combine_chunks()
        place = pc.index_in(ids, value_set=known)
        groups = pc.coalesce(decided.take(place), ids)
        groups = pc.if_else(shard["dropped"].combine_chunks().is_null(), groups, pa.scalar(None, pa.string()))
        column = shard.schema.get_field_index("group")
        return Outcome(shard.set_column(column, shard.schema.field("group"), groups))


def _decided(path: Path) -> tuple[pa.Array, pa.Array]:
    """Return the ids and groups of a decision."""
    table = pq.read_table(path)
    return table["id"].combine_chunks(), table["group"].combine_chunks()


def _write(groups: NDArray[np.int64], links: Links, collected: Sequence[Path], folder: Path) -> None:
    """Write the products that have a duplicate, and the links, by id."""
    shared = np.flatnonzero(np.bincount(groups, minlength=len(groups))[groups] > 1)
    wanted = np.unique(np.concatenate([shared, groups[shared], links.pairs.ravel()])).astype(np.int64)
    ids = _ids(collected, wanted)

    def named(rows: NDArray[np.int64]) -> pa.Array:
        return ids.take(pa.array(np.searchsorted(wanted, rows)))

    table = pa.table({"id": named(shared), "group": named(groups[shared])})
    pq.write_table(table, folder / GROUPS, compression="zstd")
    columns = {
        "left": named(links.pairs[:, 0]),
        "right": named(links.pairs[:, 1]),
        "reason": pa.array(np.array(REASONS)[links.reason]),
        "similarity": pa.array(links.similarity.astype(np.float32)),
    }
    pq.write_table(pa.table(columns), folder / LINKS, compression="zstd")


def _ids(collected: Sequence[Path], wanted: NDArray[np.int64]) -> pa.Array:
    """Return the ids of the wanted rows (sorted), reading one file at a time."""
    parts: list[pa.Array] = [pa.array([], pa.string())]
    start = 0
    for path in collected:
        ids = pq.read_table(path, columns=["id"])["id"].combine_chunks()
        here = wanted[np.searchsorted(wanted, start) : np.searchsorted(wanted, start + len(ids))]
        parts.append(ids.take(pa.array(here - start)))
        start += len(ids)
    return pa.concat_arrays(parts)


def group_sizes(store: Store) -> dict[int, int]:
    """Return how many groups of each size a store has; dropped products are in none."""
    each = 'SELECT count(*) AS n FROM products WHERE "group" IS NOT NULL GROUP BY "group"'
    with store.connect() as connection:
        return dict(connection.execute(f"SELECT n, count(*) FROM ({each}) GROUP BY n ORDER BY n").fetchall())
