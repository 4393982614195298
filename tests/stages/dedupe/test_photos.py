"""Rows that show one photo in another cut share a group, where it was asked for and titles allow it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import ImageOps

from mep3m.engine import make_engine
from mep3m.errors import MissingExtraError
from mep3m.product import Product, to_table
from mep3m.representations import eyes
from mep3m.representations.eyes import Eyes
from mep3m.settings.dedupe import DedupeSettings
from mep3m.stages.base import run_stage
from mep3m.stages.dedupe.photos import NEIGHBOURS, near_vectors
from mep3m.stages.dedupe.stage import LINKS, DedupeStage
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.filesystem import hash_file
from tests.stages.dedupe.test_registered import other_half, photo, saved

ASKED = DedupeSettings(same_photo=0.85)


def written(folder: Path) -> Store:
    """Return a store: a photo, two copies of it, one like it, one titled otherwise, a dropped one."""
    image = photo(1)
    shown = [image, ImageOps.mirror(image), image.crop((20, 0, 280, 270)), other_half(image)]
    shown += [ImageOps.expand(image, 20, "red"), ImageOps.mirror(image)]
    titles = [f"Acme green tea tin {n} 500 g" for n in range(4)] + ["zzz", "Acme green tea tin 9 500 g"]
    writer = StoreWriter.begin(folder, Plan("quality", {}, ("a", "b")))
    images = Store(folder, {"images": "images"}).images
    keys = [images.put(saved(one, 80 + n)) for n, one in enumerate(shown)]
    rows = [
        Product(str(n), "s", str(n), title=title, image=key, dropped="quality: x" if n == 5 else None)
        for n, (title, key) in enumerate(zip(titles, keys, strict=True))
    ]
    writer.write(0, to_table(rows[:2]))
    writer.write(1, to_table(rows[2:]))
    return writer.finish()


def all_alike(keys: Sequence[str]) -> np.ndarray:
    return np.full((len(keys), 4), 0.5, np.float32)


def groups(store: Store) -> list[str | None]:
    found: list[str | None] = pa.concat_tables(store.tables())["group"].to_pylist()
    return found


APART = {"near_title": None, "image_distance": None}


@pytest.mark.parametrize("workers", [1, 2])
def test_copies_are_one_product_and_what_looks_like_them_is_not(workers: int, tmp_path: Path) -> None:
    store = written(tmp_path / "s")
    settings = ASKED.model_copy(update=APART)
    engine = make_engine("local", workers)
    made = run_stage(DedupeStage(settings, all_alike), store, tmp_path / "d", engine)
    assert groups(made) == ["0", "0", "0", "3", "4", None]
    links = pq.read_table(made.folder / "decision" / LINKS).to_pylist()
    assert {link["reason"] for link in links} == {"same_photo"}
    again = run_stage(DedupeStage(settings, all_alike), store, tmp_path / "e", engine)
    for ours, theirs in zip(made.shards, again.shards, strict=True):
        assert hash_file(ours) == hash_file(theirs)


def test_nothing_is_looked_at_unless_it_was_asked_for(tmp_path: Path) -> None:
    def see(keys: Sequence[str]) -> np.ndarray:
        raise AssertionError(keys)

    settings = DedupeSettings(**APART)
    made = run_stage(DedupeStage(settings, see), written(tmp_path / "s"), tmp_path / "d", make_engine())
    assert groups(made) == ["0", "1", "2", "3", "4", None]
    assert "same_photo" not in DedupeStage(settings).settings()  # stores of the version before stay current
    assert DedupeStage(ASKED).settings()["same_photo"] == 0.85


def test_the_packaged_eyes_find_the_copies(tmp_path: Path) -> None:
    store = written(tmp_path / "s")
    stage = DedupeStage(ASKED.model_copy(update=APART), Eyes(store).see)
    assert groups(run_stage(stage, store, tmp_path / "d", make_engine())) == ["0", "0", "0", "3", "4", None]


def test_what_is_not_installed_is_named_with_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eyes, "NEEDED", ("no_such_package",))
    store = written(tmp_path / "s")
    with pytest.raises(MissingExtraError, match=r"pip install 'mep3m\[train\]'"):
        run_stage(DedupeStage(ASKED, Eyes(store).see), store, tmp_path / "d", make_engine())


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_each_vector_meets_its_nearest(count: int) -> None:
    angles = np.arange(count) * 0.02
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32).reshape(-1, 2)
    pairs = near_vectors(vectors)
    assert len(pairs) <= count * NEIGHBOURS
    assert {(n, n + 1) for n in range(count - 1)} <= set(map(tuple, pairs.tolist()))
    assert not (pairs[:, 0] == pairs[:, 1]).any()
