"""The images of a store as vectors: each computed once, whatever asks, and broken ones are zeros."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mep3m.errors import StoreError
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.product import Product, to_table
from mep3m.representations.eyes import Eyes, can_see, default_cache
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.filesystem import exclusive_lock


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def store_of(folder: Path, count: int) -> tuple[Store, list[str]]:
    writer = StoreWriter.begin(folder / "s", Plan("ingest", {}, ("a",)))
    images = Store(folder / "s", {"images": "images"}).images
    keys = [images.put(picture(n)) for n in range(count)]
    writer.write(0, to_table([Product(str(n), "s", str(n), image=key) for n, key in enumerate(keys)]))
    return writer.finish(), keys


def test_the_packages_are_here_and_asking_loads_nothing() -> None:
    code = (
        "import sys; from mep3m.representations.eyes import can_see; print(can_see(), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
    assert can_see()


def test_every_image_is_computed_once_and_a_broken_one_is_zeros(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, keys = store_of(tmp_path, 3)
    store.images.file(keys[1]).write_bytes(b"broken")
    counted: list[int] = []
    own = NetworkClassifier.encode

    def noted(self: NetworkClassifier, table: object, images: object) -> object:
        counted.append(table.num_rows)  # type: ignore[attr-defined]
        return own(self, table, images)  # type: ignore[arg-type]

    monkeypatch.setattr(NetworkClassifier, "encode", noted)
    first = Eyes(store).see([keys[0], keys[1]])
    second = Eyes(store).see([keys[2], keys[0], "f" * 64])
    assert sum(counted) == 4  # two, then one new one and one that is not there
    np.testing.assert_array_equal(first[0], second[1])
    np.testing.assert_allclose(np.linalg.norm(second[:2], axis=1), 1, atol=1e-6)
    assert not first[1].any()
    assert not second[2].any()
    assert Eyes(store).see([]).shape == (0, first.shape[1])


def test_one_run_at_a_time_fills_the_cache(tmp_path: Path) -> None:
    store, keys = store_of(tmp_path, 1)
    with exclusive_lock(default_cache(store)), pytest.raises(StoreError, match="another run is writing"):
        Eyes(store).see(keys)
